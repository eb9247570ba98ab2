"""Bytes as they are written, through truncation and rotation."""

from __future__ import annotations

import os

import pytest

from analyzer.base.errors import CaptureError
from analyzer.capture.growing import GrowingFile, GrowingPipe, Growth, next_files

HEADER = bytes(range(40))


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(HEADER)
    return path


@pytest.fixture
def growing(written):
    source = GrowingFile(written)
    yield source
    source.close()


def append(path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_a_file_gives_what_was_appended(growing, written) -> None:
    assert growing.read() == Growth(HEADER)
    assert growing.read() == Growth()

    append(written, b"more")

    assert growing.read() == Growth(b"more")


def test_a_file_that_is_cut_and_written_anew_begins_anew(growing, written) -> None:
    growing.read()

    written.write_bytes(b"another beginning, which is longer than the first one was")

    assert growing.read() == Growth(b"another beginning, which is longer than the first one was", restarted=True)


def test_a_file_that_is_cut_to_nothing_begins_anew(growing, written) -> None:
    growing.read()
    written.write_bytes(b"")

    assert growing.read() == Growth(restarted=True)

    append(written, HEADER)
    assert growing.read() == Growth(HEADER)


def test_a_file_in_its_place_is_read_after_the_rest_of_the_old_one(growing, written) -> None:
    growing.read()
    old = written.rename(written.with_name("a.pcap.old"))
    append(old, b"rest")
    written.write_bytes(HEADER[::-1])

    assert growing.read() == Growth(b"rest")
    assert growing.read() == Growth(restarted=True)
    assert growing.read() == Growth(HEADER[::-1])


def test_the_next_file_of_a_ring_takes_over(growing, written) -> None:
    growing.read()
    following = written.with_name("a.pcap1")
    following.write_bytes(HEADER)
    later = written.stat().st_mtime_ns + 1
    os.utime(following, ns=(later, later))

    assert growing.read() == Growth(restarted=True)
    assert growing.read() == Growth(HEADER)


def test_an_older_file_of_a_ring_does_not(growing, written) -> None:
    growing.read()
    following = written.with_name("a.pcap1")
    following.write_bytes(HEADER)
    os.utime(following, ns=(0, 0))

    assert growing.read() == Growth()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.pcap", ["a.pcap1"]), ("a.pcap09", ["a.pcap10", "a.pcap00"]), ("a.pcap9", ["a.pcap10", "a.pcap0"])],
)
def test_files_of_a_ring_are_numbered_as_tcpdump_does(tmp_path, name, expected) -> None:
    assert [path.name for path in next_files(tmp_path / name)] == expected


def test_a_file_is_written_while_somebody_has_it_open_for_that(growing, written) -> None:
    if not os.path.isdir("/proc/self/fdinfo"):
        pytest.skip("no proc(5)")

    with written.open("ab"):
        assert growing.is_written()
    assert not growing.is_written()


def test_a_file_that_is_not_there_is_an_error(tmp_path) -> None:
    with pytest.raises(CaptureError, match=r"gone\.pcap: no such file or directory"):
        GrowingFile(tmp_path / "gone.pcap")


def test_a_folder_is_no_file(tmp_path) -> None:
    with pytest.raises(CaptureError, match="no regular file"):
        GrowingFile(tmp_path)


def test_a_pipe_gives_what_lies_in_it_until_its_writer_is_gone() -> None:
    reader, writer = os.pipe()
    source = GrowingPipe(reader)

    assert source.read() == Growth()
    os.write(writer, b"some")
    assert source.read() == Growth(b"some")
    os.close(writer)
    assert source.read() == Growth(ended=True)
    os.close(reader)
