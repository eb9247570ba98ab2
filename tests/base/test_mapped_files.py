"""Files mapped one behind another are one buffer."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analyzer.base.mapped_files import FilePart, MappedFiles, can_map_files, map_files, part_of
from analyzer.base.pages import forget_pages
from analyzer.base.shrinking import has_shrunk

pytestmark = pytest.mark.skipif(not can_map_files(), reason="this system maps no files side by side")

ROOT = Path(__file__).resolve().parents[2]
PAGE = mmap.PAGESIZE
READ_AFTER_CUT = """
import os, sys
from pathlib import Path
from analyzer.base.mapped_files import map_files

mapped = map_files([Path(path) for path in sys.argv[1:]])
os.truncate(sys.argv[1], 10)
first, second = mapped.parts
print(mapped[:first.end].count(1), mapped[second.begin:second.end].count(2), mapped.size() < len(mapped))
print([part.end - part.begin for part in mapped.left()])
"""


@pytest.fixture
def files(tmp_path):
    """A function that writes files of these lengths, whose bytes are their number: 1, 2, …"""

    def write(*lengths: int) -> list[Path]:
        paths = [tmp_path / str(number) for number in range(1, len(lengths) + 1)]
        for number, (path, length) in enumerate(zip(paths, lengths, strict=True), 1):
            path.write_bytes(bytes([number]) * length)
        return paths

    return write


def bytes_of(mapped: MappedFiles) -> list[bytes]:
    return [mapped[part.begin : part.end] for part in mapped.parts]


@pytest.mark.parametrize("lengths", [(5,), (5, 7, 1), (PAGE, PAGE), (PAGE + 1, 3 * PAGE - 1, 2), (0, 4), (4, 0)])
def test_each_file_has_its_bytes(files, lengths) -> None:
    paths = files(*lengths)

    assert bytes_of(map_files(paths)) == [path.read_bytes() for path in paths]


def test_what_lies_between_two_files_is_zeros(files) -> None:
    mapped = map_files(files(5, 7))

    assert mapped[5:PAGE] == bytes(PAGE - 5)
    assert len(mapped) == 2 * PAGE


def test_it_cannot_be_written(files) -> None:
    assert memoryview(map_files(files(5, 7))).readonly


def test_pages_that_were_let_go_are_read_again(files) -> None:
    mapped = map_files(files(5, PAGE + 7))

    with memoryview(mapped) as view:
        forget_pages(view)

    assert bytes_of(mapped) == [b"\1" * 5, b"\2" * (PAGE + 7)]


def test_files_that_stay_have_lost_nothing(files) -> None:
    paths = files(5, 7)
    mapped = map_files(paths)
    with paths[0].open("ab") as file:
        file.write(b"more")

    assert mapped.left() == mapped.parts
    assert not has_shrunk(memoryview(mapped))


def test_a_file_that_becomes_shorter_loses_what_was_its_own(files) -> None:
    paths = files(5, 7, 3)
    mapped = map_files(paths)
    os.truncate(paths[1], 4)

    assert has_shrunk(memoryview(mapped))
    assert [part.end - part.begin for part in mapped.left()] == [5, 4, 3]
    assert [part.begin for part in mapped.left()] == [0, PAGE, 2 * PAGE]


def test_a_file_without_bytes_has_lost_them_and_is_not_left(files) -> None:
    mapped = map_files(files(0, 7))

    assert has_shrunk(memoryview(mapped))
    assert mapped.left() == mapped.parts[1:]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is known that well")
def test_what_one_file_has_lost_is_zeros_and_the_next_one_stays(files) -> None:
    command = [sys.executable, "-c", READ_AFTER_CUT, *map(str, files(3 * PAGE, PAGE + 1))]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.stdout.split("\n") == [f"10 {PAGE + 1} True", f"[10, {PAGE + 1}]", ""], done.stderr


def test_a_file_is_opened_again_where_it_is_the_same(files) -> None:
    paths = files(5, 7)

    with map_files(paths).parts[1].opened() as descriptor:
        assert descriptor is not None
        assert os.pread(descriptor, 10, 0) == b"\2" * 7


def test_another_file_of_that_name_is_not_opened(files, tmp_path) -> None:
    paths = files(5, 7)
    mapped = map_files(paths)
    (tmp_path / "other").write_bytes(b"x")
    (tmp_path / "other").rename(paths[1])

    with mapped.parts[1].opened() as descriptor:
        assert descriptor is None
    assert not has_shrunk(memoryview(mapped))
    assert bytes_of(mapped)[1] == b"\2" * 7


def test_a_file_that_is_gone_is_there_as_long_as_it_is_mapped(files) -> None:
    paths = files(5, 7)
    mapped = map_files(paths)
    paths[0].unlink()

    with mapped.parts[0].opened() as descriptor:
        assert descriptor is None
    assert bytes_of(mapped)[0] == b"\1" * 5
    assert not has_shrunk(memoryview(mapped))


def test_a_part_that_is_no_file_has_nothing_to_open_and_nothing_to_lose() -> None:
    part = FilePart(3, 5)

    with part.opened() as descriptor:
        assert descriptor is None
    assert part.lost == 0


def test_a_file_of_its_own_mapping_is_a_part_from_its_beginning(files) -> None:
    [path] = files(5)

    with path.open("rb") as file:
        part = part_of(path, 5, file.fileno())

    assert (part.begin, part.end, part.lost) == (0, 5, 0)


def test_files_that_are_not_there_are_an_error(files, tmp_path) -> None:
    with pytest.raises(FileNotFoundError):
        map_files([*files(5), tmp_path / "none"])


def test_what_cannot_be_mapped_is_an_error(files, monkeypatch) -> None:
    # The second file would not begin with a page.
    monkeypatch.setattr("analyzer.base.mapped_files._whole_pages", lambda size: size)

    with pytest.raises(OSError, match="Invalid argument"):
        map_files(files(PAGE + 1, 7))
