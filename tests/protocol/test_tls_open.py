"""TLS opened by a key log, written by another implementation."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from analyzer.base.stream import Stream
from analyzer.protocol.crypto import expand_label
from analyzer.protocol.keylog import parse_key_log
from analyzer.protocol.tls_open import _Reader13, _Record, open_tls
from analyzer.protocol.tls_suites import SUITES_1_3, keys_1_3

SUITES_OF_1_2 = [
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA384",
]  # fmt: skip
SUITE = SUITES_1_3[0x1301]


def opened(talk, *, log=None):
    client, server = (Stream.of(talk.side(sent)) for sent in (True, False))
    return open_tls(client, server, parse_key_log((log or talk.keylog).splitlines()))


def said(stream):
    return stream.read(0, stream.length)


@pytest.mark.parametrize("suite", SUITES_OF_1_2)
def test_tls_1_2_of_every_kind_of_suite(tls_talk, suite) -> None:
    found = opened(tls_talk("TLSv1_2", suite))

    assert said(found.from_client).startswith(b"GET /inner/7")
    assert said(found.from_server).endswith(b"\r\n\r\nno")
    assert found.from_client.captured == found.from_client.length


def test_tls_1_3(tls_talk) -> None:
    found = opened(tls_talk())

    assert said(found.from_client).startswith(b"GET /inner/7")
    assert said(found.from_server).endswith(b"\r\n\r\nno")


def test_what_was_said_in_many_records_is_one_stream(tls_talk) -> None:
    large = bytes(range(256)) * 300
    found = opened(tls_talk(said=[(True, large), (False, b"ok"), (True, large)]))

    assert said(found.from_client) == large * 2


def test_a_log_without_the_secrets_of_the_handshake_is_enough(tls_talk) -> None:
    talk = tls_talk()
    log = b"\n".join(line for line in talk.keylog.splitlines() if b"_TRAFFIC_SECRET_0" in line)

    assert said(opened(talk, log=log).from_client).startswith(b"GET")


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_the_keys_of_another_connection_open_nothing(tls_talk, version) -> None:
    assert opened(tls_talk(version), log=tls_talk(version).keylog) is None


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_keys_that_do_not_fit_leave_a_gap(tls_talk, version) -> None:
    talk = tls_talk(version)
    lines = (line.rsplit(b" ", 1) for line in talk.keylog.splitlines() if not line.startswith(b"#"))
    found = opened(talk, log=b"\n".join(head + b" " + b"00" * (len(tail) // 2) for head, tail in lines))

    assert found.from_client.captured == 0
    assert found.from_client.length == 1 or version == "TLSv1_3"


def test_secrets_of_the_other_version_are_none(tls_talk) -> None:
    new, old = tls_talk("TLSv1_3"), tls_talk("TLSv1_2")

    for talk, label in ((new, b"CLIENT_RANDOM"), (old, b"CLIENT_TRAFFIC_SECRET_0")):
        random = talk.side(True)[11:43].hex().encode()
        assert opened(talk, log=label + b" " + random + b" " + b"00" * 48) is None


def test_reading_stops_where_bytes_are_missing(tls_talk, say) -> None:
    talk = tls_talk(said=[(True, b"one"), (False, b"ok"), (True, b"two")])
    sent = talk.side(True)
    cut = len(sent) - 40

    found = open_tls(
        say.stream(sent, gap=(cut, cut + 5)), Stream.of(talk.side(False)), parse_key_log(talk.keylog.splitlines())
    )

    assert said(found.from_client) == b"one"
    assert found.from_client.length > found.from_client.captured


def test_each_byte_has_the_packet_that_completed_its_record(tls_talk, say) -> None:
    talk = tls_talk()
    sent = talk.side(True)
    streams = say.stream(sent, cuts=range(len(sent))), Stream.of(talk.side(False))

    inner = open_tls(*streams, parse_key_log(talk.keylog.splitlines())).from_client

    assert len(set(inner.packets)) == 1
    assert 300 < inner.packet_at(0) < len(sent)
    assert inner.time_at(0) == 1000 * inner.packet_at(0)


@pytest.mark.parametrize("client", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"])
def test_what_is_no_hello_is_none(client) -> None:
    assert open_tls(Stream.of(client), Stream.of(b""), parse_key_log([])) is None


def test_without_the_servers_hello_nothing_is_opened(tls_talk) -> None:
    talk = tls_talk()

    assert open_tls(Stream.of(talk.side(True)), Stream.of(b""), parse_key_log(talk.keylog.splitlines())) is None


def record(keys, number, plain):
    nonce = bytes(a ^ b for a, b in zip(keys.vector, number.to_bytes(12, "big"), strict=True))
    header = b"\x17\x03\x03" + (len(plain) + 16).to_bytes(2, "big")
    return _Record(23, header, AESGCM(keys.key).encrypt(nonce, plain, header), 0)


def test_after_a_key_update_the_next_key_is_used() -> None:
    secret = b"s" * 32
    keys, later = keys_1_3(SUITE, secret), keys_1_3(SUITE, expand_label(secret, "traffic upd", 32))
    read = _Reader13(SUITE, [secret])

    assert read(record(keys, 0, b"one\x17")) == b"one"
    assert read(record(keys, 1, b"\x18\x00\x16")) == b""
    assert read(record(keys, 2, b"\x00\x01\x01\x16")) == b""
    assert read(record(later, 0, b"two\x17")) == b"two"
    assert read(record(keys, 4, b"three\x17")) is None


def test_early_data_comes_before_the_handshake() -> None:
    early, handshake, traffic = (bytes((n,)) * 32 for n in range(3))
    read = _Reader13(SUITE, [early, handshake, traffic])

    assert read(record(keys_1_3(SUITE, early), 0, b"early\x17")) == b"early"
    assert read(record(keys_1_3(SUITE, handshake), 0, b"\x14\x00\x00\x00\x16")) == b""
    assert read(record(keys_1_3(SUITE, traffic), 0, b"late\x17")) == b"late"


def test_a_handshake_message_without_bounds_is_not_kept() -> None:
    keys = keys_1_3(SUITE, b"s" * 32)
    read = _Reader13(SUITE, [b"s" * 32])

    assert read(record(keys, 0, b"\x04\xff\xff\xff\x16")) == b""
    assert read(record(keys, 1, b"on\x17")) == b"on"
