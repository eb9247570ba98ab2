"""Joining the halves of redirected connections."""

import pytest

from analyzer.flow.halves import is_loopback, pair_halves
from analyzer.flow.table import build_flows

OUTBOUND, INBOUND = "127.0.0.1:15001", "127.0.0.1:15006"
APP, MEANT = "10.0.0.1:40000", "10.96.0.11:9080"


def pairs_of(wire):
    packets = wire.packets()
    return pair_halves(build_flows(packets, wire.records()), packets).tolist()


@pytest.mark.parametrize("port", [OUTBOUND, INBOUND])
def test_halves_are_joined_by_their_handshake(wire, port: str) -> None:
    wire.talk(APP, MEANT, towards=port).open()

    assert pairs_of(wire) == [1, 0]


def test_ipv6_halves_are_joined(wire) -> None:
    wire.talk("[fd00::1]:40000", "[fd00::96]:80", towards="[::1]:15001").open()

    assert pairs_of(wire) == [1, 0]


def test_any_address_may_carry_the_redirect_port(wire) -> None:
    wire.talk(APP, MEANT, towards="10.0.0.1:15001").open()

    assert pairs_of(wire) == [1, 0]


def test_a_connection_that_is_answered_from_the_redirect_port_has_no_other_half(wire) -> None:
    wire.talk(APP, OUTBOUND).open()

    assert pairs_of(wire) == [-1]


def test_without_answers_in_the_capture_there_is_no_other_half(wire) -> None:
    wire.talk(APP, MEANT, towards=OUTBOUND).send(0, "S").send(1, "SA", skip=True).send(0, "A")

    assert pairs_of(wire) == [-1]


def test_an_answered_connection_of_the_same_client_is_nobodys_half(wire) -> None:
    wire.talk(APP, MEANT, towards=OUTBOUND).send(0, "S").send(1, "SA", skip=True).send(0, "A")
    wire.talk(APP, "10.0.0.9:9080").open()

    assert pairs_of(wire) == [-1, -1]


def test_connections_that_use_a_port_again_are_kept_apart(wire) -> None:
    wire.talk(APP, MEANT, towards=OUTBOUND).open().close()
    wire.talk(APP, "10.96.0.12:80", towards=OUTBOUND, isn=(900_000, 800_000)).open().close()

    assert pairs_of(wire) == [1, 0, 3, 2]


def test_a_retried_syn_still_finds_its_answer(wire) -> None:
    talk = wire.talk(APP, MEANT, towards=OUTBOUND).send(0, "S", stamp=(10, 0))
    talk.next[0] -= 1
    talk.send(0, "S", stamp=(1010, 0)).send(1, "SA", stamp=(5, 1010)).send(0, "A", stamp=(1011, 5))

    assert pairs_of(wire) == [1, 0]


def test_without_a_handshake_halves_are_joined_by_what_they_acknowledge(wire) -> None:
    wire.talk(APP, MEANT, towards=OUTBOUND).ask(b"ping").answer(b"pong").send(0, "A")

    assert pairs_of(wire) == [1, 0]


def test_sequence_numbers_may_wrap_between_the_halves(wire) -> None:
    wire.talk(APP, MEANT, towards=OUTBOUND, isn=(2**32 - 2, 2**32 - 3)).ask(b"ping").answer(b"pong").send(0, "A")

    assert pairs_of(wire) == [1, 0]


def test_without_a_handshake_other_numbers_join_nothing(wire) -> None:
    wire.packet(APP, OUTBOUND, seq=1000, ack=5000)
    wire.packet(MEANT, APP, seq=5000, ack=900_000_000)

    assert pairs_of(wire) == [-1, -1]


def test_timestamps_that_nobody_echoes_join_nothing(wire) -> None:
    wire.talk(APP, MEANT, towards=OUTBOUND).ask(b"ping", stamp=(10, 3)).answer(b"pong", stamp=(77, 66))

    assert pairs_of(wire) == [-1, -1]


def test_timestamps_that_are_echoed_join(wire) -> None:
    wire.talk(APP, MEANT, towards=OUTBOUND).ask(b"ping", stamp=(10, 3)).answer(b"pong", stamp=(77, 10))

    assert pairs_of(wire) == [1, 0]


def test_a_half_without_acknowledgements_is_joined_with_nothing(wire) -> None:
    wire.packet(APP, OUTBOUND, "R", seq=1000).packet(MEANT, APP, seq=5000, ack=1000)

    assert pairs_of(wire) == [-1, -1]


def test_each_half_is_joined_once(wire) -> None:
    talk = wire.talk(APP, MEANT, towards=OUTBOUND).ask(b"ping").answer(b"pong").send(0, "A")
    wire.packet("10.96.0.12:80", APP, seq=talk.next[1], ack=talk.next[0])

    assert pairs_of(wire) == [1, 0, -1]


def test_a_source_port_that_the_kernel_changed_is_seen_through(wire) -> None:
    """Two connections from one port to two servers collide on the redirect port; conntrack moves one of them."""
    wire.packet("10.0.0.1:29497", OUTBOUND, "S", seq=1000, stamp=(10, 0))
    wire.packet(MEANT, APP, "SA", seq=5000, ack=1001, stamp=(20, 10))

    assert pairs_of(wire) == [1, 0]


def test_a_changed_source_port_is_seen_through_without_a_handshake_too(wire) -> None:
    wire.packet("10.0.0.1:29497", OUTBOUND, seq=1000, ack=5000, stamp=(10, 20))
    wire.packet(MEANT, APP, seq=5000, ack=1000, stamp=(21, 10))

    assert pairs_of(wire) == [1, 0]


def test_the_half_that_goes_to_the_same_port_comes_first(wire) -> None:
    wire.packet(MEANT, "10.0.0.1:7", seq=5000, ack=1000)
    wire.packet(APP, OUTBOUND, seq=1000, ack=5000)
    wire.packet(MEANT, APP, seq=5000, ack=1000)

    assert pairs_of(wire) == [-1, 2, 1]


def test_a_half_of_another_address_is_another_connection(wire) -> None:
    wire.packet("10.0.0.7:40000", OUTBOUND, seq=1000, ack=5000)
    wire.packet(MEANT, APP, seq=5000, ack=1000)

    assert pairs_of(wire) == [-1, -1]


def test_loopback_is_127_and_colon_colon_1(wire) -> None:
    for n, ip in enumerate(
        ("127.0.0.1", "127.255.0.6", "[::1]", "128.0.0.1", "126.255.255.255", "[fd00::1]", "0.0.0.1")
    ):
        wire.packet(f"{ip}:{n}", "10.0.0.1:1")
    packets = wire.packets()

    assert is_loopback(packets.src_hi, packets.src_lo).tolist() == [True] * 3 + [False] * 4
