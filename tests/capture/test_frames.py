import numpy as np

from analyzer.base.table import BAD_HEADER, CUT_HEADER
from analyzer.capture.decode import blank_table
from analyzer.capture.frames import Decoding, Frames, join, nothing


def frames(*spans: tuple[int, int, int]) -> Frames:
    """Frames of (at, end, wire_end)."""
    columns = np.array(spans, np.int64).reshape(-1, 3).T
    return Frames(np.arange(len(spans)), columns[0], columns[1], columns[2], np.zeros(len(spans), np.int64))


def decoding(rows: int) -> Decoding:
    return Decoding(np.zeros(100, np.uint8), blank_table(rows), np.zeros(rows, np.uint8))


def test_keeping_all_rows_copies_nothing() -> None:
    rows = frames((0, 9, 9), (10, 19, 19))

    assert rows.keep(np.array([True, True])) is rows


def test_keeping_some_rows_keeps_their_columns_together() -> None:
    kept = frames((0, 9, 9), (10, 19, 29)).keep(np.array([False, True]))

    assert (kept.row.tolist(), kept.at.tolist(), kept.end.tolist(), kept.wire_end.tolist()) == ([1], [10], [19], [29])


def test_a_row_goes_on_behind_its_header() -> None:
    moved = frames((0, 9, 9), (10, 19, 19)).advance(np.array([4, 6]), 7)

    assert moved.at.tolist() == [4, 16]
    assert moved.following.tolist() == [7, 7]


def test_a_header_that_the_snap_length_took_is_cut() -> None:
    work = decoding(1)

    left = work.whole(frames((0, 10, 60)), 20)

    assert len(left) == 0
    assert work.table.fate[0] == CUT_HEADER


def test_a_header_that_never_was_on_the_wire_is_bad() -> None:
    work = decoding(1)

    left = work.whole(frames((0, 10, 10)), 20)

    assert len(left) == 0
    assert work.table.fate[0] == BAD_HEADER


def test_rows_with_room_go_on() -> None:
    work = decoding(2)

    left = work.whole(frames((0, 10, 60), (0, 60, 60)), np.array([20, 20]))

    assert left.row.tolist() == [1]


def test_rows_with_sound_headers_go_on() -> None:
    work = decoding(2)
    work.table.fate[:] = 0

    left = work.sound(frames((0, 9, 9), (0, 9, 9)), np.array([True, False]))

    assert left.row.tolist() == [0]
    assert work.table.fate.tolist() == [0, BAD_HEADER]


def test_parts_are_joined_in_their_order() -> None:
    joined = join([frames((5, 6, 7)), frames((1, 2, 3))])

    assert joined.at.tolist() == [5, 1]


def test_nothing_has_no_rows() -> None:
    assert len(nothing(frames((0, 1, 1)))) == 0
