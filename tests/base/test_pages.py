"""Letting go of pages changes nothing of what can be read."""

import mmap

from analyzer.base.pages import forget_pages, give_back_freed


def test_what_was_forgotten_can_be_read_again(tmp_path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 4096)

    with open(path, "rb") as file:
        buffer = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    before = bytes(buffer)
    forget_pages(buffer)

    assert bytes(buffer) == before


def test_bytes_in_memory_stay_where_they_are() -> None:
    buffer = memoryview(b"abc")

    forget_pages(buffer)

    assert bytes(buffer) == b"abc"


def test_memory_can_be_had_again_after_it_was_given_back() -> None:
    give_back_freed()

    assert len(bytearray(2 << 20)) == 2 << 20
