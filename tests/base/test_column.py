import numpy as np
import pytest

from analyzer.base.column import Column
from analyzer.base.room import Room


@pytest.mark.parametrize("in_file", [False, True])
def test_pieces_are_one_array_of_the_columns_type(in_file: bool) -> None:
    column = Column(np.uint16, in_file=in_file)

    column.append(np.array([1, 2], np.int64))
    column.append(np.empty(0, np.int64))
    column.append(np.array([3], np.int64))

    assert column.array().tolist() == [1, 2, 3]
    assert column.array().dtype == np.uint16


@pytest.mark.parametrize("in_file", [False, True])
def test_a_column_without_values_is_an_empty_array(in_file: bool) -> None:
    assert Column(np.int64, in_file=in_file).array().tolist() == []


def test_a_column_of_several_pieces_lies_where_it_is_made() -> None:
    room = Room(4096)
    column = Column(np.int64, zeros=room.zeros)

    column.append(np.array([1, 2]))
    column.append(np.array([3]))

    assert column.array().tolist() == [1, 2, 3]
    assert room.place_of(column.array()) is not None


@pytest.mark.parametrize("rows", [0, 1, 3, 4, 9])
def test_room_that_was_made_before_changes_no_value(rows: int) -> None:
    column = Column(np.uint16)
    column.append(np.array([1]))

    column.make_room(max(rows, 1))
    for values in ([2, 3], [], [4], [5, 6]):
        column.append(np.array(values, np.int64))

    assert column.array().tolist() == [1, 2, 3, 4, 5, 6]
    assert column.array().dtype == np.uint16


def test_what_fits_into_the_room_that_was_made_stays_there() -> None:
    room = Room(4096)
    column = Column(np.int64, zeros=room.zeros)

    column.make_room(8)
    column.append(np.array([1, 2]))
    column.append(np.array([3]))

    assert room.place_of(column.array()) == (0, (3,), "<i8")


def test_what_was_put_into_its_space_is_appended_where_it_is() -> None:
    column = Column(np.int64)
    column.make_room(4)
    column.append(np.array([1]))

    space = column.space(2)
    space[:] = 2, 3
    column.append(space)

    assert column.array().tolist() == [1, 2, 3]
    assert np.shares_memory(column.array(), space)


@pytest.mark.parametrize(("room", "rows"), [(0, 3), (1, 3), (2, 1), (9, 3)])
def test_there_is_space_as_far_as_there_is_room_or_elsewhere(room: int, rows: int) -> None:
    column = Column(np.int64)
    column.make_room(room)
    column.append(np.array([7] * min(room, 1), np.int64))

    space = column.space(3)

    assert (len(space), space.dtype) == (rows, np.int64)


def test_values_in_pieces_have_space_elsewhere() -> None:
    column = Column(np.int64)
    column.make_room(2)
    column.append(np.array([1]))
    column.append(np.array([2, 3]))

    column.append(column.space(1) * 0 + 4)

    assert column.array().tolist() == [1, 2, 3, 4]


def test_in_a_file_there_is_room() -> None:
    column = Column(np.int64, in_file=True)

    column.make_room(8)
    column.append(np.array([1, 2]))

    assert column.array().tolist() == [1, 2]
