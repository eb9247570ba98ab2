"""Flows and halves to connections with two directions."""

import numpy as np

HALVES = {"client": "10.0.0.1:40000", "server": "10.96.0.11:9080", "towards": "127.0.0.1:15001"}


def rows_of(lanes) -> list[list[int]]:
    return [lanes.rows[lanes.starts[k] : lanes.starts[k + 1]].tolist() for k in range(2 * len(lanes))]


def test_a_connection_has_a_lane_from_the_client_and_one_from_the_server(wire) -> None:
    wire.talk().open()

    assert rows_of(wire.traffic().lanes) == [[0, 2], [1]]


def test_both_halves_are_one_connection(wire) -> None:
    wire.talk(**HALVES).open()
    wire.talk("10.0.0.1:50000").open()

    lanes = wire.traffic().lanes

    assert rows_of(lanes) == [[0, 2], [1], [3, 5], [4]]
    assert lanes.connection_of.tolist() == [0, 0, 1]


def test_the_half_of_the_client_leads_whichever_was_captured_first(wire) -> None:
    wire.talk(**HALVES).answer(b"pong").ask(b"ping").send(1, "A")

    lanes = wire.traffic().lanes

    assert (lanes.lead.tolist(), lanes.partner.tolist()) == ([1], [0])


def test_copies_are_in_no_lane(wire) -> None:
    wire.talk().open(ifindex=1)
    wire.packet("10.0.0.1:40000", "10.0.0.2:80", "A", seq=1001, ack=5001, ifindex=2)

    assert rows_of(wire.traffic().lanes) == [[0, 2], [1]]


def test_first_and_last_rows_are_of_either_direction(wire) -> None:
    wire.talk().open().answer(b"hello")
    wire.packet("10.0.0.2:80", "10.0.0.3:40000")

    lanes = wire.traffic().lanes

    assert (lanes.first_row.tolist(), lanes.last_row.tolist()) == ([0, 4], [3, 4])
    assert lanes.server_first.tolist() == [False, True]


def test_a_lane_without_packets_has_no_first_row(wire) -> None:
    wire.talk().send(0, "S")

    assert wire.traffic().lanes.first_rows.tolist() == [0, -1]


def test_the_first_of_some_packets_is_found_by_lane(wire) -> None:
    wire.talk().open().ask(b"a").ask(b"b")
    lanes = wire.traffic().lanes

    found = lanes.first_of(np.isin(lanes.rows, [3, 4]))

    assert lanes.rows_at(found).tolist() == [3, -1]
