import errno
import os

import pytest

from analyzer.base.errors import OutputError
from analyzer.base.scratch import Scratch


def failing(number: int):
    def fail(*_args, **_options) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_disk_without_room_is_told_with_what_to_do(monkeypatch, number) -> None:
    scratch = Scratch()
    monkeypatch.setattr("os.write", failing(number))

    with pytest.raises(OutputError) as told:
        scratch.write(b"x")

    assert str(told.value) == f"temporary files: {os.strerror(number)}: set TMPDIR to a folder with more room"


def test_another_error_of_the_disk_is_not_told_as_if_it_were(monkeypatch) -> None:
    scratch = Scratch()
    monkeypatch.setattr("os.write", failing(errno.EBADF))

    with pytest.raises(OSError, match="Bad file"):
        scratch.write(b"x")


def test_where_no_file_can_be_made_that_is_told(monkeypatch) -> None:
    monkeypatch.setattr("analyzer.base.scratch.TemporaryFile", failing(errno.EACCES))

    with pytest.raises(OutputError, match=r"^temporary files: Permission denied: set TMPDIR"):
        Scratch()


def test_what_was_written_is_read_back() -> None:
    scratch = Scratch()

    scratch.write(b"one ")
    scratch.write(memoryview(b"two"))

    assert bytes(scratch.mapped()) == b"one two"


def test_nothing_written_is_nothing_read() -> None:
    assert bytes(Scratch().mapped()) == b""


def test_what_is_mapped_outlives_the_file() -> None:
    scratch = Scratch()
    scratch.write(b"kept")
    mapped = scratch.mapped()

    del scratch

    assert bytes(mapped) == b"kept"


def test_a_fork_writes_to_the_same_file() -> None:
    scratch = Scratch()
    pid = os.fork()
    if not pid:
        scratch.write(b"from the other one")
        os._exit(0)

    os.waitpid(pid, 0)

    assert bytes(scratch.mapped()) == b"from the other one"


def test_what_is_cleared_is_begun_anew() -> None:
    scratch = Scratch()
    scratch.write(b"forgotten")

    scratch.clear()
    scratch.write(b"new")

    assert (scratch.tell(), bytes(scratch.mapped())) == (3, b"new")
