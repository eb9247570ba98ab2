"""Letting go of pages changes nothing of what can be read."""

import io
import mmap
import os

import pytest

from analyzer.base import pages as module
from analyzer.base.pages import forget_pages, give_back_freed, letting_go, write_large


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


class NotingMap(mmap.mmap):
    """Memory that notes that the system was asked to let go of it."""

    forgotten: int = 0

    def madvise(self, *_: int) -> None:
        self.forgotten += 1


def test_who_goes_over_many_things_lets_go_of_what_was_read_now_and_then() -> None:
    one, other = NotingMap(-1, 1), NotingMap(-1, 1)
    by_then = [(item, one.forgotten) for item in letting_go("abcde", [memoryview(one), memoryview(other)], every=2)]

    assert by_then == [("a", 0), ("b", 0), ("c", 1), ("d", 1), ("e", 2)]
    assert one.forgotten == other.forgotten == 3


def test_memory_can_be_had_again_after_it_was_given_back() -> None:
    give_back_freed()

    assert len(bytearray(2 << 20)) == 2 << 20


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch):
    """What the system is asked to let go of: where from, and how many bytes; small files are large."""
    found: list[tuple[int, int]] = []
    monkeypatch.setattr(module, "_WRITTEN_LEN", 4)
    monkeypatch.setattr(module, "_KEPT_LEN", 8)

    def note(_: int, begin: int, size: int, __: int) -> None:
        found.append((begin, size))

    monkeypatch.setattr(os, "posix_fadvise", note, raising=False)
    return found


def test_of_a_large_file_that_is_written_the_system_lets_go(tmp_path, asked) -> None:
    pieces = [b"abc", b"d", b"", memoryview(b"efgh"), b"ijklmnop", b"qr", b"stuvwx"]

    with open(tmp_path / "file", "wb") as sink:
        write_large(sink, pieces)

    assert (tmp_path / "file").read_bytes() == b"".join(pieces)
    assert asked == [(0, 8), (0, 16), (8, 16)]


def test_a_small_file_stays_in_memory(tmp_path, asked) -> None:
    with open(tmp_path / "file", "wb") as sink:
        write_large(sink, [b"abc", b"defg"])

    assert not asked


def test_a_disk_that_is_waited_for_is_left_to_the_system(tmp_path, asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_SECONDS", 0)

    with open(tmp_path / "file", "wb") as sink:
        write_large(sink, [b"12345678"] * 4)

    assert asked == [(0, 8)]


@pytest.mark.usefixtures("asked")
def test_what_is_no_file_is_written_as_well() -> None:
    sink = io.BytesIO()

    write_large(sink, [b"12345678"] * 4)

    assert sink.getvalue() == b"12345678" * 4


def test_a_pipe_is_written_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WRITTEN_LEN", 4)
    monkeypatch.setattr(module, "_KEPT_LEN", 8)
    reading, writing = os.pipe()

    with open(writing, "wb") as sink:
        write_large(sink, [b"12345678"] * 4)

    with open(reading, "rb") as source:
        assert source.read() == b"12345678" * 4
