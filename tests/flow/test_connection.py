"""Endpoints and connections as nouns."""

from analyzer.base.fact import replace
from analyzer.flow.connection import Endpoint, said_on, swap_ends
from analyzer.protocol.conversation import parse_conversation


def test_an_ipv4_endpoint_prints_as_address_and_port() -> None:
    assert str(Endpoint("10.0.0.1", 80)) == "10.0.0.1:80"


def test_an_ipv6_endpoint_prints_in_brackets() -> None:
    assert str(Endpoint("fd00::1", 80)) == "[fd00::1]:80"


def test_endpoints_order_by_address_then_port() -> None:
    assert sorted([Endpoint("b", 1), Endpoint("a", 2), Endpoint("a", 1)])[0] == Endpoint("a", 1)


def test_what_was_said_is_read_once(wire) -> None:
    given = midstream(wire)

    said = said_on(given)

    assert said == parse_conversation(given.from_client, given.from_server)
    assert said_on(replace(given, said=said)) is said


def midstream(wire):
    """The server asks and closes first; nothing of the client's second segment was captured."""
    talk = wire.talk("10.0.0.1:9000", "10.0.0.2:80").answer(b"ping").ask(b"p").ask(b"lost", skip=True).ask(b"ng")
    return talk.send(1, "FA").wire.connection()


def test_exchanged_ends_exchange_all_that_belongs_to_them(wire) -> None:
    given = midstream(wire)

    found = swap_ends(given)

    assert (found.client, found.server, found.client_by) == (given.server, given.client, "content")
    assert (found.client_packets, found.server_packets) == (given.server_packets, given.client_packets)
    assert (found.client_bytes, found.server_bytes) == (given.server_bytes, given.client_bytes)
    assert (found.from_client, found.from_server) == (given.from_server, given.from_client)
    assert (given.closed_by, found.closed_by) == ("server", "client")
    assert (given.conn_state, found.conn_state) == ("SHR", "SH")
    assert (given.history, found.history) == ("^dDGf", "DdgF")
    assert (found.uid, found.community_id, found.first_packet) == (given.uid, given.community_id, given.first_packet)


def test_exchanged_ends_are_named_in_what_is_strange_about_them(wire) -> None:
    (gap,) = (o for o in swap_ends(midstream(wire)).oddities if o.code.name == "tcp-gap")

    assert gap.values["side"] == "server"


def test_ends_exchanged_twice_are_as_before(wire) -> None:
    given = midstream(wire)

    assert replace(swap_ends(swap_ends(given)), client_by=given.client_by) == given


def test_a_connection_whose_client_was_not_captured_is_not_joined(wire) -> None:
    only_one = wire.talk("10.0.0.1:9000", "10.0.0.2:80").ask(b"ping").wire.connection()

    assert (only_one.joined, swap_ends(only_one).joined) == (True, False)
