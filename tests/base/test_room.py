"""What a fork makes in a room is there without a copy; what does not fit is told as it is."""

import numpy as np
import pytest

from analyzer.base.room import Room

BUFFER = memoryview(b"the bytes of a file")


def test_arrays_in_a_room_are_zeros_that_do_not_touch() -> None:
    room = Room(4096)

    arrays = [room.zeros(3, np.uint8), room.zeros(5, np.int64), room.zeros(0, np.uint16)]
    arrays[0][:] = 255

    assert [array.tolist() for array in arrays] == [[255] * 3, [0] * 5, []]
    assert [array.dtype for array in arrays] == [np.uint8, np.int64, np.uint16]


def test_what_does_not_fit_lies_outside() -> None:
    room = Room(4096)

    inside, outside = room.zeros(512, np.int64), room.zeros(1, np.uint8)

    assert room.place_of(inside) == (0, (512,), "<i8")
    assert room.place_of(outside) is None


def test_an_array_of_the_room_is_told_by_its_place_and_not_copied() -> None:
    room = Room(4096)
    column = room.zeros(100, np.uint32)

    found = room.unpack(room.pack({"part": column[10:20]}, BUFFER), BUFFER)["part"]
    column[10] = 7

    assert found.tolist() == [7, *[0] * 9]


def test_an_array_of_any_shape_is_kept_in_the_room() -> None:
    room = Room(4096)

    kept = room.kept(np.arange(12).reshape(3, 4)[:, :2])
    found = room.unpack(room.pack(kept, BUFFER), BUFFER)
    kept[0, 0] = 7

    assert found.tolist() == [[7, 1], [4, 5], [8, 9]]


@pytest.mark.parametrize("array", [np.arange(3), np.zeros((2, 2)), Room(4096).zeros(4, np.int64)])
def test_an_array_that_lies_elsewhere_is_told_whole(array) -> None:
    room = Room(4096)

    found = room.unpack(room.pack(array, BUFFER), BUFFER)

    assert found.tolist() == array.tolist()


def test_every_second_element_of_an_array_is_told_whole() -> None:
    room = Room(4096)
    column = room.zeros(8, np.uint8)
    column[:] = range(8)

    found = room.unpack(room.pack(column[::2], BUFFER), BUFFER)
    column[:] = 0

    assert found.tolist() == [0, 2, 4, 6]


def test_the_buffer_is_the_one_that_is_there() -> None:
    room = Room(4096)
    other = memoryview(b"another file's byte")

    assert room.unpack(room.pack([BUFFER, 1], BUFFER), other)[0] is other


def test_another_buffer_cannot_be_told() -> None:
    with pytest.raises(TypeError):
        Room(4096).pack(memoryview(b"elsewhere"), BUFFER)
