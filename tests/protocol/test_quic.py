"""QUIC's first packets, written by another implementation."""

from __future__ import annotations

import pytest
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet import encode_quic_retry
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.protocol.quic import MAX_PACKETS, is_quic, quic_hello

V1, V2, DRAFT_29 = 0x00000001, 0x6B3343CF, 0xFF00001D
SERVER = ("192.0.2.1", 443)


def client_of(name="media.example.org", *, version=V1, alpn=("h3",)):
    configuration = QuicConfiguration(
        is_client=True, alpn_protocols=list(alpn), server_name=name, supported_versions=[version]
    )
    configuration.original_version = version
    client = QuicConnection(configuration=configuration)
    client.connect(SERVER, now=0)
    return client


def datagrams_of(client):
    return [data for data, _ in client.datagrams_to_send(now=0)]


LARGE = ("h3", *(f"x{n}" * 60 for n in range(12)))


@pytest.mark.parametrize("version", [V1, V2])
def test_the_server_name_is_read(version) -> None:
    hello = quic_hello(datagrams_of(client_of(version=version)))

    assert hello == (version, "media.example.org", ("h3",))


def test_a_hello_over_several_datagrams_is_put_together_in_any_order() -> None:
    datagrams = datagrams_of(client_of(alpn=LARGE))
    assert len(datagrams) == 2

    found = quic_hello(datagrams)

    assert found is not None
    assert found.alpn == LARGE
    assert quic_hello(reversed(datagrams)) == found


def test_a_hello_of_which_a_piece_is_missing_is_none() -> None:
    datagrams = datagrams_of(client_of(alpn=LARGE))

    assert quic_hello(datagrams[:1]) is None
    assert quic_hello(datagrams[1:]) is None


def test_after_a_retry_the_token_is_stepped_over_and_the_keys_are_others() -> None:
    client = client_of()
    (first,) = datagrams_of(client)
    destination, source = first[6 : 6 + first[5]], first[7 + first[5] : 7 + first[5] + first[6 + first[5]]]
    retry = encode_quic_retry(V1, b"12345678", source, destination, b"a token")
    client.receive_datagram(retry, SERVER, now=0)

    again = datagrams_of(client)

    assert b"a token" in again[0]
    assert quic_hello(again) == (V1, "media.example.org", ("h3",))
    assert quic_hello([first, *again]) == (V1, "media.example.org", ("h3",))


def test_packets_that_share_a_datagram_are_read_one_after_the_other() -> None:
    (first,) = datagrams_of(client_of())
    handshake = bytes((0xE0,)) + first[1:7] + first[7 : 7 + first[5]] + b"\x08" + bytes(8)
    ignored = bytes((0xE0, 0, 0, 0, 1, 0, 0, 4)) + bytes(4)

    assert quic_hello([ignored + first]) == (V1, "media.example.org", ("h3",))
    assert quic_hello([first + handshake]) == (V1, "media.example.org", ("h3",))


def test_a_changed_byte_leaves_nothing_to_read() -> None:
    (first,) = datagrams_of(client_of())

    assert quic_hello([first[:100] + bytes((first[100] ^ 1,)) + first[101:]]) is None


def test_a_datagram_that_was_cut_short_is_left_alone() -> None:
    (first,) = datagrams_of(client_of())

    assert all(quic_hello([first[:size]]) is None for size in range(0, 200, 7))


def test_only_a_long_header_of_a_known_version_is_quic() -> None:
    (first,) = datagrams_of(client_of())

    assert is_quic(first)
    assert not is_quic(b"")
    assert not is_quic(first[:1] + b"\x0a\x0a\x0a\x0a" + first[5:])
    assert not is_quic(b"\x40" + first[1:])


def test_a_client_that_never_finishes_its_hello_is_not_listened_to_for_ever() -> None:
    whole, other = datagrams_of(client_of()), datagrams_of(client_of(alpn=LARGE))

    assert quic_hello([*other[:1] * MAX_PACKETS, *whole]) is None


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=3), st.sampled_from([V1, V2, DRAFT_29]), st.binary(max_size=80))
def test_any_bytes_are_taken(datagrams, version, rest) -> None:
    quic_hello([*datagrams, b"\xc0" + version.to_bytes(4, "big") + rest])


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_any_frames_are_taken(frames) -> None:
    from analyzer.protocol.quic import _crypto_frames

    assert all(offset >= 0 for offset, _ in _crypto_frames(frames))
