"""A file's bytes, a stretch at a time."""

import mmap
from pathlib import Path

import pytest

from analyzer.capture import blocks as module
from analyzer.capture.blocks import Blocks


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "x"
    path.write_bytes(bytes(range(100)))
    return path


def stretch(path: Path, begin: int, *, lost: int = 0) -> bytes:
    """What a file has from ``begin`` on, of which the last bytes are ``lost`` after it was mapped."""
    with path.open("r+b") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        file.truncate(100 - lost)
        return Blocks(memoryview(mapped), file.fileno()).at(begin).tobytes()


def test_a_stretch_of_a_file_is_what_the_mapping_has(path: Path) -> None:
    assert stretch(path, 7) == bytes(range(7, 100))


def test_a_stretch_is_no_longer_than_a_block(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_LEN", 10)

    assert stretch(path, 7) == bytes(range(7, 17))


def test_bytes_that_a_file_has_lost_are_zeros(path: Path) -> None:
    assert stretch(path, 90, lost=5) == bytes(range(90, 95)) + bytes(5)


def test_bytes_in_memory_are_not_copied() -> None:
    data = bytearray(b"abc")
    found = Blocks(memoryview(data)).at(1)
    data[1] = ord("x")

    assert found.tobytes() == b"xc"


def test_a_stretch_of_a_file_cannot_be_written(path: Path) -> None:
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

        assert not Blocks(memoryview(mapped), file.fileno()).at(0).flags.writeable


def test_a_file_may_begin_later_in_the_buffer(path: Path) -> None:
    with path.open("rb") as file:
        blocks = Blocks(memoryview(bytes(1000) + path.read_bytes()), file.fileno(), file_at=1000)

        assert blocks.at(1007).tobytes() == bytes(range(7, 100))
        assert len(blocks) == 1100


def test_there_are_as_many_bytes_as_in_the_mapping(path: Path) -> None:
    assert len(Blocks(memoryview(path.read_bytes()))) == 100
