"""Sequence numbers to positions in the stream."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.kernel import run_kernel
from analyzer.flow.sequence import (
    ACKNOWLEDGED,
    AFTER_FIN,
    AFTER_RST,
    BAD_FIN,
    BAD_RST,
    BY_FIN,
    BY_RST,
    END_AT,
    END_KIND,
    KEEP_ALIVE,
    LIMIT,
    MAX_WINDOW,
    OPEN,
    OUT_OF_WINDOW,
    RESET_ABOVE,
    RESET_BELOW,
    SENT,
    gather_acknowledgements,
    place_packets,
)

C, S = 0, 1


def by_row(traffic, column) -> list[int]:
    """A column of ``Placement`` in the order of the capture."""
    return column[np.argsort(traffic.lanes.rows)].tolist()


def positions(wire) -> list[int]:
    traffic = wire.traffic()
    return by_row(traffic, traffic.placement.position)


def marks(wire) -> list[int]:
    traffic = wire.traffic()
    return by_row(traffic, traffic.placement.marks)


def usable(wire) -> list[int]:
    traffic = wire.traffic()
    return by_row(traffic, traffic.placement.usable)


def test_position_0_follows_the_syn(wire) -> None:
    wire.talk().open().ask(b"abc").ask(b"de").answer(b"x")

    assert positions(wire) == [0, 0, 0, 0, 3, 0]


def test_positions_go_on_where_sequence_numbers_wrap(wire) -> None:
    wire.talk(isn=(2**32 - 3, 0)).open().ask(b"abc").ask(b"de")

    assert positions(wire)[3:] == [0, 3]


def test_positions_grow_beyond_32_bits(wire) -> None:
    half = 2**30 - 1
    talk = wire.talk().open()
    for _ in range(6):
        talk.ask(b"", wire_len=half)

    assert positions(wire)[-1] == 5 * half


def test_the_syn_that_is_answered_tells_position_0(wire) -> None:
    wire.packet("10.0.0.1:40000", "10.0.0.2:80", "S", seq=7_000_000)
    wire.talk().open()
    wire.packet("10.0.0.1:40000", "10.0.0.2:80", "S", seq=8_000_000)

    assert wire.traffic().placement.bases[0] == 1001


def test_an_unanswered_syn_tells_position_0_too(wire) -> None:
    wire.packet("10.0.0.1:40000", "10.0.0.2:80", "S", seq=7)
    wire.packet("10.0.0.1:40000", "10.0.0.2:80", "S", seq=8)

    assert wire.traffic().placement.bases[0] == 9


def test_a_syn_ack_tells_where_the_client_begins(wire) -> None:
    wire.talk().send(C, "S", skip=True).send(S, "SA").send(C, "A", skip=True).ask(b"abc")

    placement = wire.traffic().placement

    assert placement.bases.tolist() == [1001, 5001]
    assert placement.from_start.tolist() == [True, True]


def test_a_late_beginning_begins_at_the_lowest_early_segment(wire) -> None:
    ends = ("10.0.0.1:40000", "10.0.0.2:80")
    wire.packet(*ends, seq=104, data=b"efgh").packet(*ends, seq=100, data=b"abcd")

    placement = wire.traffic().placement

    assert placement.bases[0] == 100
    assert not placement.from_start[0]


def test_a_late_beginning_without_data_begins_at_the_first_packet(wire) -> None:
    wire.packet("10.0.0.1:40000", "10.0.0.2:80", "A", seq=104)

    assert wire.traffic().placement.bases[0] == 104


def test_a_direction_that_was_not_captured_begins_where_the_other_acknowledges(wire) -> None:
    wire.packet("10.0.0.1:40000", "10.0.0.2:80", "A", seq=104, ack=77)

    assert wire.traffic().placement.bases[1] == 77


def test_a_direction_of_resets_begins_at_the_reset(wire) -> None:
    wire.packet("10.0.0.1:40000", "10.0.0.2:80", "R", seq=104)

    assert wire.traffic().placement.bases.tolist() == [104, 0]


def test_data_in_a_syn_that_the_server_took_is_usable(wire) -> None:
    wire.talk().send(C, "S", b"abc").send(S, "SA")

    assert usable(wire)[0] == 3


def test_data_in_a_syn_that_the_server_did_not_take_is_not(wire) -> None:
    wire.talk().send(C, "S", b"abc")
    wire.packet("10.0.0.2:80", "10.0.0.1:40000", "SA", seq=5000, ack=1001)

    assert usable(wire)[0] == 0


def test_data_in_a_syn_of_another_number_is_not_usable(wire) -> None:
    wire.packet("10.0.0.1:40000", "10.0.0.2:80", "S", seq=7, data=b"old")
    wire.talk().open()

    assert usable(wire)[0] == 0


def test_a_segment_beyond_any_window_is_ignored(wire) -> None:
    wire.talk().open().ask(b"far", seq=1001 + MAX_WINDOW + 1)

    assert (marks(wire)[-1], usable(wire)[-1]) == (OUT_OF_WINDOW, 0)


def test_a_segment_at_the_edge_of_the_largest_window_is_not(wire) -> None:
    wire.talk().open().ask(b"far", seq=1001 + MAX_WINDOW)

    assert marks(wire)[-1] == 0


def test_a_keep_alive_probe_brings_nothing(wire) -> None:
    wire.talk().open().ask(b"abc").send(C, "A", b"\0", seq=1003)

    assert (marks(wire)[-1], usable(wire)[-1]) == (KEEP_ALIVE, 0)


def test_a_fin_limits_the_stream(wire) -> None:
    wire.talk().open().ask(b"abc").send(C, "FA").ask(b"late", seq=1004)
    traffic = wire.traffic()

    assert traffic.placement.lanes[[LIMIT, END_KIND], 0].tolist() == [3, BY_FIN]
    assert (marks(wire)[-1], usable(wire)[-1]) == (AFTER_FIN, 0)


def test_a_fin_that_comes_before_its_data_limits_nothing_before_it(wire) -> None:
    wire.talk().open().send(C, "FA", seq=1004).ask(b"abc", seq=1001)

    assert (marks(wire)[-1], usable(wire)[-1]) == (0, 3)


def test_bytes_that_cross_the_fin_are_cut(wire) -> None:
    wire.talk().open().ask(b"abc").send(C, "FA").ask(b"bcd+", seq=1002)

    assert (marks(wire)[-1], usable(wire)[-1]) == (AFTER_FIN, 2)


def test_the_packet_that_ended_a_lane_is_known(wire) -> None:
    wire.talk().open().ask(b"abc").close()
    traffic = wire.traffic()

    assert traffic.lanes.rows[traffic.placement.lanes[END_AT]].tolist() == [4, 5]


def test_a_reset_ends_the_stream(wire) -> None:
    wire.talk().open().ask(b"abc").send(C, "R").ask(b"late")
    traffic = wire.traffic()

    assert traffic.placement.lanes[[LIMIT, END_KIND], 0].tolist() == [3, BY_RST]
    assert marks(wire)[-1] == AFTER_RST


def test_a_reset_before_the_first_byte_does_not_hide_a_stream_that_begins_there(wire) -> None:
    """Scanners with a TCP of their own send on after their kernel reset what it did not know."""
    wire.talk().send(C, "S").send(S, "SA").send(C, "R").ask(b"GET /").ask(b"more")
    traffic = wire.traffic()

    assert traffic.placement.lanes[[LIMIT, END_KIND], 0].tolist() == [-1, OPEN]
    assert (marks(wire)[-2:], usable(wire)[-2:]) == ([AFTER_RST, 0], [5, 4])


@pytest.mark.parametrize(("away", "mark"), [(RESET_ABOVE, 0), (RESET_ABOVE + 1, BAD_RST), (-RESET_BELOW - 1, BAD_RST)])
def test_a_reset_counts_only_near_the_stream(wire, away: int, mark: int) -> None:
    wire.talk().open().send(S, "R", seq=5001 + away)

    assert marks(wire)[-1] == mark


def test_a_reset_behind_which_bytes_are_acknowledged_is_not_believed(wire) -> None:
    wire.talk().open().send(C, "RA").ask(b"on").send(S, "A")

    assert (marks(wire)[3:], usable(wire)[4]) == ([BAD_RST, 0, 0], 2)


def test_a_fin_behind_which_bytes_are_acknowledged_is_not_believed(wire) -> None:
    wire.talk().open().send(C, "FA", seq=1001).ask(b"on!", seq=1001).send(S, "A", ack=1004)

    assert (marks(wire)[3:], usable(wire)[4]) == ([BAD_FIN, 0, 0], 3)


def test_an_acknowledged_fin_is_believed(wire) -> None:
    wire.talk().open().ask(b"on").send(C, "FA").send(S, "A")

    assert wire.traffic().placement.lanes[END_KIND, C] == BY_FIN


def test_a_syn_of_another_number_says_nothing_about_the_stream(wire) -> None:
    wire.packet("10.0.0.1:40000", "10.0.0.2:80", "S", seq=900_000_000)
    wire.talk().open()

    assert wire.traffic().placement.lanes[SENT, C] == 0


def test_an_acknowledgement_that_was_captured_before_the_fin_is_no_byte(wire) -> None:
    wire.talk().open().ask(b"abc").send(C, "A", seq=1005).send(C, "FA", seq=1004).send(S, "A", ack=1005)

    assert wire.connection().client_bytes == 3


def test_a_late_beginning_with_a_keep_alive_probe_misses_no_byte(wire) -> None:
    wire.talk(isn=(100, 200)).send(C, "A", seq=99).send(S, "A")

    assert wire.connection().missed_bytes == 0


def test_the_payload_of_a_reset_is_not_the_streams(wire) -> None:
    wire.talk().open().send(S, "RA", b"goodbye")

    assert usable(wire)[-1] == 0


def test_a_refusal_counts_though_its_sequence_number_is_0(wire) -> None:
    wire.talk().send(C, "S")
    wire.packet("10.0.0.2:80", "10.0.0.1:40000", "RA", seq=0, ack=1001)

    assert wire.traffic().placement.lanes[END_KIND].tolist() == [0, BY_RST]


def test_what_both_ends_say_was_sent_is_known(wire) -> None:
    wire.talk().open().ask(b"abc").ask(b"defg", skip=True).send(S, "A").send(C, "A")

    placement = wire.traffic().placement

    assert placement.lanes[[SENT, ACKNOWLEDGED], 0].tolist() == [7, 7]


@pytest.mark.parametrize(("seq", "sent"), [(5001, 7), (5002, 3), (1, 3)])
def test_a_reset_of_the_exact_number_tells_what_was_received(wire, seq, sent) -> None:
    wire.talk().open().ask(b"abc").ask(b"defg", skip=True).send(S, "RA", seq=seq)

    assert wire.connection().client_bytes == sent


small = st.integers(0, 40)
packet_rows = st.lists(st.tuples(small, small, st.integers(0, 63), st.integers(0, 9)), max_size=40)


@given(rows=packet_rows, scale=st.sampled_from([1, 2**26, 2**27 - 1]))
@settings(max_examples=60, deadline=None)
def test_the_compiled_placement_is_the_plain_one(rows, scale: int) -> None:
    matrix = np.array(rows, np.int64).reshape(-1, 4).T * [[scale], [scale], [1], [1]]
    columns = tuple(
        row.astype(kind) for row, kind in zip(matrix, (*[np.uint32] * 2, np.uint16, np.uint32), strict=True)
    )
    starts = np.array([0, len(rows) // 2, len(rows)])
    bases = np.array([3 * scale, 7])
    outputs = []
    for options in ({}, {"compile_rows": 0}):
        placed = tuple(np.zeros(len(rows), kind) for kind in (np.int64, np.int64, np.uint8))
        lanes = np.zeros((5, 2), np.int64)
        run_kernel(gather_acknowledgements, 0, columns, starts, bases, lanes, **options)
        run_kernel(place_packets, 0, columns, starts, bases, placed, lanes, **options)
        outputs.append(([column.tolist() for column in placed], lanes.tolist()))

    assert outputs[0] == outputs[1]
