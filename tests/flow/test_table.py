"""Flows of a capture: which packets belong together, and when a tuple begins anew."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.kernel import run_kernel
from analyzer.base.table import PROTOCOL_UDP
from analyzer.flow.table import build_flows, follow_tuples, sort_packets


def flows_of(wire):
    table = build_flows(wire.packets(), wire.records())
    return [table.order[table.starts[f] : table.starts[f + 1]].tolist() for f in range(len(table))]


def test_a_connection_is_one_flow(wire) -> None:
    wire.talk().open().ask(b"ping").answer(b"pong").close()

    assert flows_of(wire) == [list(range(8))]


def test_flows_are_in_the_order_of_their_first_packet(wire) -> None:
    wire.talk("10.9.9.9:50000").open()
    wire.talk("10.0.0.1:40000").open()

    assert flows_of(wire) == [[0, 1, 2], [3, 4, 5]]


def test_packets_of_interleaved_flows_keep_the_order_of_the_capture(wire) -> None:
    a, b = wire.talk("10.0.0.1:1000"), wire.talk("10.0.0.1:1001")
    for side, flags in ((0, "S"), (1, "SA"), (0, "A")):
        a.send(side, flags)
        b.send(side, flags)

    assert flows_of(wire) == [[0, 2, 4], [1, 3, 5]]


def test_an_empty_capture_has_no_flows(wire) -> None:
    assert flows_of(wire) == []


def test_what_is_not_decoded_tcp_is_in_no_flow(wire) -> None:
    wire.packet("10.0.0.1:1", "10.0.0.2:2", fate=3)
    wire.packet("10.0.0.1:1", "10.0.0.2:2", protocol=PROTOCOL_UDP)

    assert flows_of(wire) == []


def test_packets_are_counted_by_transport(wire) -> None:
    wire.packet("10.0.0.1:1", "10.0.0.2:2", protocol=PROTOCOL_UDP)
    wire.packet("10.0.0.1:1", "10.0.0.2:2")

    assert build_flows(wire.packets(), wire.records()).protocols == {"tcp": 1, "udp": 1}


def test_a_flow_knows_who_sent_first_and_when(wire) -> None:
    wire.talk().open()

    table = build_flows(wire.packets(), wire.records())

    assert (table.first_port[0], table.other_port[0]) == (40000, 80)
    assert (table.first_ns[0], table.last_ns[0]) == (0, 2_000_000)
    assert table.forward.tolist() == [True, False, True]


def test_only_flows_with_packets_both_ways_are_answered(wire) -> None:
    wire.talk("10.0.0.1:1000").open()
    wire.talk("10.0.0.1:1001").send(0, "S")

    assert build_flows(wire.packets(), wire.records()).answered.tolist() == [True, False]


def test_a_port_that_is_used_again_after_a_close_is_a_new_flow(wire) -> None:
    wire.talk().open().close()
    wire.talk(isn=(900_000, 70)).open()

    assert flows_of(wire) == [list(range(6)), [6, 7, 8]]


def test_a_port_that_is_used_again_without_a_close_is_a_new_flow(wire) -> None:
    wire.talk().open().ask(b"x")
    wire.talk(isn=(900_000, 70)).open()

    assert flows_of(wire) == [[0, 1, 2, 3], [4, 5, 6]]


def test_a_new_syn_after_a_refusal_is_a_new_flow(wire) -> None:
    wire.talk().send(0, "S").send(1, "RA")
    wire.talk(isn=(900_000, 70)).send(0, "S")

    assert flows_of(wire) == [[0, 1], [2]]


def test_a_one_sided_flow_is_split_by_its_syn_ack(wire) -> None:
    wire.packet("10.0.0.2:80", "10.0.0.1:9", "SA", seq=1, ack=100).packet("10.0.0.2:80", "10.0.0.1:9", "A", seq=2)
    wire.packet("10.0.0.2:80", "10.0.0.1:9", "SA", seq=900_000, ack=700_000)

    assert flows_of(wire) == [[0, 1], [2]]


def test_an_unanswered_syn_that_is_sent_again_with_another_number_opens_nothing(wire) -> None:
    wire.packet("10.0.0.1:9", "10.0.0.2:80", "S", seq=5)
    wire.talk("10.0.0.1:9", isn=(900_000, 70)).open()

    assert flows_of(wire) == [[0, 1, 2, 3]]


def test_a_syn_ack_of_another_number_that_answers_the_same_syn_opens_nothing(wire) -> None:
    wire.talk().open().ask(b"x")
    wire.packet("10.0.0.2:80", "10.0.0.1:40000", "SA", seq=900_000, ack=1001)

    assert len(flows_of(wire)) == 1


def test_a_repeated_syn_opens_nothing(wire) -> None:
    wire.talk().open().ask(b"x")
    wire.packet("10.0.0.1:40000", "10.0.0.2:80", "S", seq=1000)

    assert len(flows_of(wire)) == 1


def test_a_syn_that_is_captured_late_belongs_to_its_connection(wire) -> None:
    wire.talk().open().ask(b"hello").answer(b"world").close()

    assert len(flows_of(wire.shuffled(list(reversed(range(len(wire.rows))))))) == 1


def test_silence_does_not_end_a_flow(wire) -> None:
    wire.talk().open().ask(b"x").ask(b"y", at_ms=7_200_000_000)

    assert len(flows_of(wire)) == 1


def test_a_packet_from_an_end_to_itself_is_a_flow_of_one_direction(wire) -> None:
    wire.packet("10.0.0.1:7", "10.0.0.1:7", "S").packet("10.0.0.1:7", "10.0.0.1:7", "S")

    assert not build_flows(wire.packets(), wire.records()).answered.any()


@given(
    rows=st.lists(
        st.tuples(st.sampled_from([2, 16, 18, 4, 20, 17]), st.integers(0, 8), st.integers(0, 8), st.integers(0, 5)),
        max_size=30,
    )
)
@settings(max_examples=50, deadline=None)
def test_the_compiled_walk_over_tuples_is_the_plain_one(rows) -> None:
    flags, seq, ack, tuple_of = np.array(rows, np.int64).reshape(-1, 4).T
    columns = flags.astype(np.uint16), (seq * (2**29 - 1)).astype(np.uint32), (ack * (2**29 - 1)).astype(np.uint32)
    found = []
    for compile_rows in (0, 1):
        flows, flow_of = np.zeros((len(rows), 6), np.int64), np.zeros(len(rows), np.int64)
        arguments = np.arange(len(rows)), np.ascontiguousarray(tuple_of), np.full((3, 5), -1, np.int64), flows, flow_of
        count = run_kernel(follow_tuples, 0, columns, *arguments, compile_rows=compile_rows)
        found.append((count, flows.tolist(), flow_of.tolist()))

    assert found[0] == found[1]


@given(flow_of=st.lists(st.integers(0, 9), max_size=40))
@settings(max_examples=50, deadline=None)
def test_compiled_or_not_packets_are_sorted_by_flow_and_keep_their_order(flow_of) -> None:
    numbers, rows = np.array(flow_of, np.int64), np.arange(len(flow_of)) * 7
    begins = np.append(0, np.cumsum(np.bincount(numbers >> 1, minlength=5)))[:-1]
    expected = np.argsort(numbers >> 1, kind="stable")
    for compile_rows in (0, 1):
        order, forward = np.empty(len(rows), np.int64), np.empty(len(rows), np.bool_)

        arguments = numbers, rows, begins.copy(), order, forward
        run_kernel(sort_packets, 0, *arguments, compile_rows=compile_rows)

        assert order.tolist() == rows[expected].tolist()
        assert forward.tolist() == (numbers[expected] & 1 > 0).tolist()
