"""Who, when and how much."""

import numpy as np
import pytest

from analyzer.flow.connection import Endpoint, swap_ends
from analyzer.flow.facts import addresses_in, end_addresses, end_table
from made.ends import ends_of, whos, whos_of

C, S = 0, 1
HALVES = {"client": "10.0.0.1:40000", "server": "10.96.0.11:9080", "towards": "127.0.0.1:15001"}


def ends(wire) -> tuple[str, str, str, int, bool]:
    c = wire.connection()
    return str(c.client), str(c.server), c.client_by, c.redirect_port, c.joined


def test_an_ordinary_connection_goes_from_who_opened_it(wire) -> None:
    wire.talk().open()

    assert ends(wire) == ("10.0.0.1:40000", "10.0.0.2:80", "syn", 0, True)


def test_a_redirected_connection_goes_where_the_client_meant(wire) -> None:
    wire.talk(**HALVES).open()

    assert ends(wire) == ("10.0.0.1:40000", "10.96.0.11:9080", "syn", 15001, True)


def test_a_late_redirected_connection_is_known_by_the_redirect(wire) -> None:
    wire.talk(**HALVES).answer(b"pong").ask(b"ping").send(S, "A")

    assert ends(wire) == ("10.0.0.1:40000", "10.96.0.11:9080", "redirect", 15001, True)


def test_a_half_towards_the_redirect_port_alone_is_not_joined(wire) -> None:
    wire.talk(**HALVES).send(C, "S").send(S, "SA", skip=True).send(C, "A")

    assert ends(wire) == ("10.0.0.1:40000", "127.0.0.1:15001", "syn", 15001, False)


def test_a_half_of_answers_alone_is_not_joined(wire) -> None:
    wire.talk(**HALVES).send(C, "S", skip=True).send(S, "SA")

    assert ends(wire) == ("10.0.0.1:40000", "10.96.0.11:9080", "syn-ack", 0, False)


def test_a_redirect_port_that_answers_hides_what_the_client_meant(wire) -> None:
    wire.talk("10.0.0.1:40000", "127.0.0.1:15001").open()

    assert ends(wire) == ("10.0.0.1:40000", "127.0.0.1:15001", "syn", 15001, False)


def test_the_redirect_port_of_another_machine_is_a_port_like_others(wire) -> None:
    wire.talk("10.0.0.1:40000", "10.0.0.2:15006").open()

    assert ends(wire)[3:] == (0, True)


def test_ipv4_mapped_ends_of_ipv6_packets_print_as_ipv6(wire) -> None:
    wire.talk("[::ffff:10.0.0.1]:40000", "[::ffff:10.0.0.2]:80").open()

    assert ends(wire)[:2] == ("[::ffff:10.0.0.1]:40000", "[::ffff:10.0.0.2]:80")


def test_ipv6_ends_print_as_ipv6(wire) -> None:
    wire.talk("[fd00::1]:40000", "[fd00::96]:80", towards="[::1]:15001").open()

    assert wire.connection().server == Endpoint("fd00::96", 80)


def test_times_and_packets_span_both_directions(wire) -> None:
    wire.packet("10.0.0.9:1", "10.0.0.8:2")
    wire.talk().open()
    found = wire.connections()[1]

    assert (found.first_packet, found.last_packet, found.first_ns, found.last_ns) == (2, 4, 1_000_000, 3_000_000)


def test_a_duration_is_never_negative(wire) -> None:
    wire.talk().send(C, "S", at_ms=9000).send(S, "SA", at_ms=7)
    found = wire.connection()

    assert (found.first_ns, found.last_ns) == (9_000_000_000, 9_000_000_000)


def test_packets_that_are_written_late_count_by_their_time(wire) -> None:
    wire.talk().send(S, "SA", at_ms=51).send(C, "S", at_ms=50).send(C, "F", at_ms=90).send(C, "A", at_ms=52)
    wire.talk(client="10.0.0.7:1").send(C, "S", at_ms=50).send(C, "A", at_ms=9_000_000).send(C, "F", at_ms=52)

    assert [(c.first_ns // 10**6, c.last_ns // 10**6) for c in wire.connections()] == [(50, 90), (50, 52)]


def test_packets_and_bytes_are_counted_by_side(wire) -> None:
    wire.talk().open().ask(b"ping").answer(b"pong!").answer(b"lost", skip=True).send(S, "A")
    found = wire.connection()

    assert (found.client_packets, found.server_packets) == (3, 3)
    assert (found.client_bytes, found.server_bytes, found.missed_bytes) == (4, 9, 4)


def test_the_handshake_is_told(wire) -> None:
    wire.talk().send(C, "S", stamp=(77, 0)).send(S, "SA")
    found = wire.connection()

    assert (found.syn_seq, found.syn_ack_seq, found.syn_tsval) == (1000, 5000, 77)


def test_what_was_not_seen_of_the_handshake_is_none(wire) -> None:
    wire.talk().ask(b"ping")
    found = wire.connection()

    assert (found.syn_seq, found.syn_ack_seq, found.syn_tsval) == (None, None, None)


def test_a_syn_without_timestamps_has_no_tsval(wire) -> None:
    wire.talk().send(C, "S")

    assert wire.connection().syn_tsval is None


def test_interfaces_are_told_once_each(wire) -> None:
    wire.talk().send(C, "S", ifindex=7).send(S, "SA", ifindex=2).send(C, "A", ifindex=7)

    assert wire.connection().ifindexes == (2, 7)


def test_a_link_that_names_no_interface_gives_none(wire) -> None:
    wire.talk().open()

    assert wire.connection().ifindexes == ()


# Addresses.


@pytest.fixture
def several(wire):
    wire.talk(**HALVES).open()
    for port in (2, 3):
        wire.talk(f"10.0.0.1:{port}", "10.0.0.2:80").open()
    wire.talk("10.0.0.2:4", "10.0.0.2:15006", towards="127.0.0.1:15006").send(C, "S")
    wire.talk("[::ffff:10.0.0.1]:5", "[fd00::2]:80").open()
    return wire


def test_each_end_has_the_address_that_its_connection_tells(several) -> None:
    table, found = end_table(several.traffic()), several.connections()

    assert whos(end_addresses(table)) == whos(addresses_in(found)) == whos_of(found)


def test_an_address_has_one_text_whoever_has_it(several) -> None:
    texts = end_addresses(end_table(several.traffic())).texts

    assert sorted(texts) == ["10.0.0.1", "10.0.0.2", "10.96.0.11", "127.0.0.1", "::ffff:10.0.0.1", "fd00::2"]


def test_an_address_in_packets_of_both_versions_has_one_text_too(wire) -> None:
    wire.packet("10.0.0.1:1", "[fd00::1]:2").packet("[fd00::1]:3", "[fd00::2]:4")
    table = end_table(wire.traffic())

    assert sorted(end_addresses(table).texts) == ["10.0.0.1", "fd00::1", "fd00::2"]
    assert whos(end_addresses(table)) == whos_of(wire.connections())


def test_no_connections_have_no_addresses(wire) -> None:
    for ends in (end_addresses(end_table(wire.traffic())), addresses_in([])):
        assert (len(ends), list(ends.texts), ends.named(ends.client)) == (0, [], frozenset())


def test_clients_and_servers_are_asked_by_their_addresses() -> None:
    ends = ends_of([("a", "b", 0), ("b", "c", 0), ("a", "a", 0)])

    assert ends.clients("a".__eq__).tolist() == [True, False, True]
    assert ends.servers("a".__eq__).tolist() == [False, False, True]


def test_addresses_are_named_once_each() -> None:
    ends = ends_of([("a", "b", 0), ("d", "b", 0), ("a", "c", 0)])

    assert ends.named(ends.server) == {"b", "c"}
    assert ends.named(ends.client[np.array([0, 2])]) == {"a"}


def test_connections_that_were_amended_have_their_own_ends(several) -> None:
    ends, found = end_addresses(end_table(several.traffic())), several.connections()
    before = whos(ends)
    several.talk("10.0.0.9:1", "10.0.0.1:15006", towards="127.0.0.1:15006").send(C, "S")

    amended = ends.amended({1: swap_ends(found[1]), 2: several.connections()[-1]})

    expected = [before[0], ("10.0.0.2", "10.0.0.1", 0), ("10.0.0.9", "127.0.0.1", 15006), *before[3:]]
    assert whos(amended) == expected
    assert whos(ends) == before
    assert len(set(amended.texts)) == len(amended.texts)
