"""Strange packets as data."""

import pytest

C, S = 0, 1


def oddities(wire) -> list[tuple[str, int, dict]]:
    return [(o.code.name, o.place.packet, dict(o.values)) for o in wire.connection().oddities]


def test_an_ordinary_connection_has_none(wire) -> None:
    wire.talk().open().ask(b"ping").answer(b"pong").close()

    assert oddities(wire) == []


def test_an_unanswered_syn_is_not_odd(wire) -> None:
    wire.talk().send(C, "S")

    assert oddities(wire) == []


def test_a_late_beginning(wire) -> None:
    wire.talk().ask(b"ping").answer(b"pong")

    assert oddities(wire) == [("tcp-midstream", 1, {})]


def test_only_the_client(wire) -> None:
    wire.talk().send(C, "S").send(S, "SA", skip=True).send(C, "A")

    assert oddities(wire) == [("tcp-one-sided", 1, {"side": "client"})]


def test_only_the_server(wire) -> None:
    wire.talk().send(C, "S", skip=True).send(S, "SA")

    assert oddities(wire) == [("tcp-one-sided", 1, {"side": "server"})]


def test_lost_bytes(wire) -> None:
    wire.talk().open().ask(b"lost", skip=True).ask(b"here")

    assert oddities(wire) == [("tcp-gap", 1, {"missing": 4, "side": "client"})]


def test_bytes_that_a_snaplen_cut_are_no_loss(wire) -> None:
    wire.talk().open().answer(b"head", wire_len=100).answer(b"", wire_len=9)

    assert oddities(wire) == [("tcp-payload-cut", 4, {"count": 2})]


def test_other_bytes_in_the_same_place(wire) -> None:
    wire.talk().open().ask(b"good").ask(b"evil", seq=1001)

    assert oddities(wire) == [("tcp-overlap-conflict", 5, {"count": 1})]


def test_a_reset_out_of_the_window(wire) -> None:
    wire.talk().open().send(S, "R", seq=905_001).ask(b"on")

    assert oddities(wire) == [("tcp-bad-rst", 4, {"count": 1})]


def test_a_fin_that_ended_nothing(wire) -> None:
    wire.talk().open().send(C, "FA", seq=1001).ask(b"on!", seq=1001).send(S, "A", ack=1004)

    assert oddities(wire) == [("tcp-bad-fin", 4, {"count": 1})]


def test_data_after_its_senders_reset(wire) -> None:
    wire.talk().open().send(C, "R").ask(b"late")

    assert oddities(wire) == [("tcp-data-after-rst", 5, {"count": 1})]


def test_data_after_the_peers_reset(wire) -> None:
    wire.talk().open().send(S, "R").ask(b"late")

    assert oddities(wire) == [("tcp-data-after-rst", 5, {"count": 1})]


def test_data_after_a_fin(wire) -> None:
    wire.talk().open().send(C, "FA").ask(b"late").ask(b"more")

    assert oddities(wire) == [("tcp-data-after-fin", 5, {"count": 2})]


def test_a_segment_beyond_any_window(wire) -> None:
    wire.talk().open().ask(b"far", seq=1001 + 2**30)

    assert oddities(wire) == [("tcp-out-of-window", 4, {"count": 1})]


def test_urgent_data(wire) -> None:
    wire.talk().open().send(C, "UA", b"!")

    assert oddities(wire) == [("tcp-urgent-data", 4, {"count": 1})]


def test_packets_that_were_captured_twice(wire) -> None:
    wire.talk(columns={"ifindex": 1}).open()
    wire.talk(columns={"ifindex": 2}).open()

    assert oddities(wire) == [("duplicate-packets", 4, {"count": 3})]


@pytest.mark.parametrize("n", [0, 1])
def test_oddities_belong_to_their_connection(wire, n: int) -> None:
    wire.talk("10.0.0.1:1000").open().ask(b"good").ask(b"evil", seq=1001)
    wire.talk("10.0.0.1:1001").open().ask(b"good")

    assert len(wire.connections()[n].oddities) == 1 - n


def test_a_message_says_what_and_where(wire) -> None:
    wire.talk().open().ask(b"lost", skip=True).ask(b"here")

    (oddity,) = wire.connection().oddities

    assert str(oddity) == "test.pcap: packet 1: 4 bytes of the client were sent but not captured"
