"""Who the client of a flow is."""

from analyzer.flow.halves import pair_halves
from analyzer.flow.orientation import CLIENT_BY, orient_flows
from analyzer.flow.table import build_flows


def clients_of(wire) -> list[tuple[bool, str]]:
    """Of each flow: whether its first sender is the client, and how we know."""
    packets = wire.packets()
    flows = build_flows(packets, wire.records())
    found = orient_flows(flows, packets, pair_halves(flows, packets))
    return [(bool(c), CLIENT_BY[how]) for c, how in zip(found.first_is_client, found.known_by, strict=True)]


def test_who_sends_the_syn_is_the_client_even_from_the_lower_port(wire) -> None:
    wire.talk("10.0.0.1:20", "10.0.0.2:50000").open()

    assert clients_of(wire) == [(True, "syn")]


def test_of_a_simultaneous_open_the_first_syn_counts(wire) -> None:
    wire.packet("10.0.0.2:80", "10.0.0.1:9", "S", seq=1).packet("10.0.0.1:9", "10.0.0.2:80", "S", seq=2)

    assert clients_of(wire) == [(True, "syn")]


def test_who_is_sent_the_syn_ack_is_the_client(wire) -> None:
    wire.packet("10.0.0.2:50000", "10.0.0.1:20", "SA", seq=1, ack=7)

    assert clients_of(wire) == [(False, "syn-ack")]


def test_who_talks_to_the_redirect_port_is_the_client(wire) -> None:
    wire.talk("10.0.0.1:9", "10.96.0.11:60000", towards="127.0.0.1:15001").ask(b"ping").answer(b"pong").send(0, "A")

    assert clients_of(wire) == [(True, "redirect"), (False, "redirect")]


def test_a_port_below_the_ephemeral_ones_serves(wire) -> None:
    wire.packet("10.0.0.2:9080", "10.0.0.1:33000")

    assert clients_of(wire) == [(False, "port")]


def test_who_serves_others_serves_here(wire) -> None:
    wire.talk("10.0.0.3:40000", "10.0.0.2:50051").open()
    wire.packet("10.0.0.2:50051", "10.0.0.1:40000")

    assert clients_of(wire)[1] == (False, "port")


def test_an_end_that_many_flows_share_serves(wire) -> None:
    for port in (33000, 33001):
        wire.packet("10.0.0.2:32900", f"10.0.0.1:{port}")
    wire.packet("10.0.0.2:32900", "10.0.0.1:32800")

    assert clients_of(wire)[2] == (False, "port")


def test_the_lower_port_serves(wire) -> None:
    wire.packet("10.0.0.2:80", "10.0.0.1:8080")

    assert clients_of(wire) == [(False, "port")]


def test_on_equal_ports_the_first_sender_is_the_client(wire) -> None:
    wire.packet("10.0.0.2:179", "10.0.0.1:179")

    assert clients_of(wire) == [(True, "port")]
