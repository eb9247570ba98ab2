"""Flows and halves to connections with two directions."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.kernel import run_kernel
from analyzer.flow.lanes import fill_lanes, find_firsts

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


def test_the_first_packet_of_each_kind_is_found_by_lane(wire) -> None:
    wire.talk().open().ask(b"ping").answer(b"pong")
    lanes = wire.traffic().lanes
    kinds = np.array([0, 1, 3, 2, 2], np.uint8)

    assert lanes.firsts_of(kinds, 2).tolist() == [[1, -1], [2, 3]]


def test_packets_of_both_halves_that_one_end_sent_are_in_the_order_of_the_capture(wire) -> None:
    # Both halves begin with a SYN of the end that they come from, so that both are the client's.
    wire.packet("10.0.0.1:40000", "127.0.0.1:15001", "S", seq=1)
    wire.packet("10.0.0.9:80", "10.0.0.1:40000", "S", seq=5)
    wire.packet("10.0.0.9:80", "10.0.0.1:40000", "SA", seq=5, ack=2)
    wire.packet("10.0.0.1:40000", "127.0.0.1:15001", seq=2)

    assert wire.traffic().lanes.rows.tolist() == [0, 1, 2, 3]


@given(kinds=st.lists(st.integers(0, 7), max_size=20), cut=st.integers(0, 20))
@settings(max_examples=40, deadline=None)
def test_compiled_or_not_the_same_packets_are_first(kinds, cut) -> None:
    starts = np.array([0, min(cut, len(kinds)), len(kinds)])
    found = []
    for compile_rows in (0, 1):
        firsts = np.full((3, 2), -1)
        run_kernel(find_firsts, 0, np.array(kinds, np.uint8), starts, firsts, compile_rows=compile_rows)
        found.append(firsts.tolist())

    assert found[0] == found[1]


packets_of_flows = st.lists(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=6), max_size=5)


@given(flows=packets_of_flows, data=st.data())
@settings(max_examples=60, deadline=None)
def test_compiled_or_not_lanes_have_the_packets_that_are_no_copies_in_their_order(flows, data) -> None:
    lane_of = np.array(data.draw(st.permutations(range(2 * len(flows)))), np.int64).reshape(-1, 2)
    forward, copies = np.array([each for flow in flows for each in flow], np.bool_).reshape(-1, 2).T.copy()
    order = np.arange(len(forward)) * 10
    bounds = np.cumsum([0, *map(len, flows)])
    flow_of = np.repeat(np.arange(len(flows)), np.diff(bounds))
    lanes = [lane_of[flow, int(side)] for flow, side in zip(flow_of, forward, strict=True)]
    expected = sorted((i for i in range(len(order)) if not copies[i]), key=lambda i: lanes[i])
    for compile_rows in (0, 1):
        starts, rows = np.zeros(2 * len(flows) + 2, np.int64), np.zeros(len(order), np.int64)

        arguments = (order, forward, copies), bounds, lane_of, starts, rows
        count = run_kernel(fill_lanes, 0, *arguments, compile_rows=compile_rows)

        assert rows[:count].tolist() == [10 * i for i in expected]
        assert np.diff(starts[:-1]).tolist() == [
            sum(lanes[i] == lane for i in expected) for lane in range(2 * len(flows))
        ]
        assert starts[-1] == starts[-2] == count
