"""Which bytes a receiver takes where segments wait for others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.kernel import run_kernel
from analyzer.flow.delivery import Cuts, cut_waiting, deliver_segments, find_waiting
from analyzer.flow.lanes import LaneTable
from analyzer.flow.sequence import Placement

segments = st.lists(st.tuples(st.integers(-3, 20), st.integers(0, 9)), max_size=30)


def cuts_of(*lanes: list[tuple[int, int]]) -> Cuts:
    """The cuts of two lanes of segments, each with its position and length."""
    position, usable = np.array([segment for lane in lanes for segment in lane], np.int64).reshape(-1, 2).T.copy()
    starts = np.cumsum([0, *map(len, lanes)])
    none, zeros = np.zeros(1, np.int64), np.zeros(len(position), np.uint8)
    table = LaneTable(none, none - 1, none, np.arange(len(position)), starts)
    return cut_waiting(table, Placement(position, usable, zeros, np.zeros((5, 2), np.int64), none, none > 0))


def told(cuts: Cuts) -> list[list[tuple[int, int]]]:
    pairs = list(zip(cuts.index.tolist(), cuts.begin.tolist(), strict=True))
    return [pairs[first:stop] for first, stop in zip(cuts.starts[:-1], cuts.starts[1:], strict=True)]


@pytest.mark.parametrize("lane", [[], [(0, 5), (5, 5)], [(0, 5), (0, 5), (3, 4)], [(-2, 5), (0, 3)], [(7, 0), (0, 7)]])
def test_a_lane_in_which_nothing_waits_has_no_cuts(lane) -> None:
    cuts = cuts_of(lane, [(0, 1)])

    assert told(cuts) == [[], []]
    assert cuts.repeated.tolist() == []


def test_what_waits_is_taken_when_its_place_is_there() -> None:
    cuts = cuts_of([(0, 5), (5, 5)], [(5, 5), (0, 5)])

    assert told(cuts) == [[], [(3, 0), (2, 5)]]


def test_of_a_lane_in_which_something_waits_repeats_are_told() -> None:
    cuts = cuts_of([(5, 5), (0, 7), (0, 5)], [(0, 1), (0, 1)])

    assert told(cuts)[0] == [(1, 0), (0, 7)]
    assert cuts.repeated.tolist() == [0, 2]


def test_how_far_each_lane_reaches_is_told_of_all() -> None:
    assert cuts_of([(5, 5), (0, 2)], [(0, 3), (1, 1), (-4, 2)]).ends.tolist() == [10, 3]
    assert cuts_of([(-4, 2)], [(3, 0)]).ends.tolist() == [0, 0]


@given(rows=segments)
@settings(max_examples=60, deadline=None)
def test_the_compiled_search_for_what_waits_is_the_plain_one(rows) -> None:
    placed = tuple(np.array(rows, np.int64).reshape(-1, 2).T.copy())
    starts = np.array([0, len(rows) // 2, len(rows)])
    found = []
    for compile_rows in (0, 1 << 60):
        ends, waits = np.zeros(2, np.int64), np.zeros(2, np.uint8)
        count = run_kernel(find_waiting, 0, placed, starts, ends, waits, compile_rows=compile_rows)
        found.append((count, ends.tolist(), waits.tolist()))

    assert found[0] == found[1]


@given(rows=st.lists(st.tuples(st.integers(-3, 20), st.integers(1, 9)), max_size=30))
@settings(max_examples=60, deadline=None)
def test_the_compiled_delivery_is_the_plain_one(rows) -> None:
    start, length = np.array(rows, np.int64).reshape(-1, 2).T
    segments = np.stack([start, start + length])
    starts = np.array([0, len(rows) // 2, len(rows)])
    lanes = np.repeat([0, 1], np.diff(starts))
    by_position = np.lexsort((-segments[1], start, lanes))
    plain, compiled = np.zeros((2, 2, len(rows)), np.int64)

    counts = [
        run_kernel(deliver_segments, 0, segments, by_position, starts, plain),
        run_kernel(deliver_segments, 0, segments, by_position, starts, compiled, compile_rows=0),
    ]

    assert counts[0] == counts[1]
    assert plain.tolist() == compiled.tolist()
