"""Bytes of a capture that is still written, as they come: of a file, through truncation and rotation, or of a pipe."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from analyzer.base.errors import CaptureError
from analyzer.capture.sources import printable

READ_LEN = 4 << 20
# A file's header and its first record's: another beginning is another file, whatever its size.
_BEGIN_LEN = 40
_NUMBER = re.compile(r"(.*?)(\d*)", re.DOTALL)


class Growth(NamedTuple):
    """What came: with ``restarted`` the bytes begin a file anew, after ``ended`` nothing will come."""

    data: bytes = b""
    restarted: bool = False
    ended: bool = False


class Growing(Protocol):
    """Where a growing capture comes from."""

    def read(self) -> Growth:
        """What has come since the last time, or a part of it, without waiting."""
        ...

    def fileno(self) -> int | None:
        """What to wait on for more, where the system can wait on it."""
        ...


class GrowingPipe:
    """A pipe, such as standard input."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        os.set_blocking(descriptor, False)

    def fileno(self) -> int:
        """The pipe."""
        return self._descriptor

    def read(self) -> Growth:
        """What lies in the pipe; the end where its writer is gone."""
        try:
            data = os.read(self._descriptor, READ_LEN)
        except BlockingIOError:
            return Growth()
        return Growth(data, ended=not data)


class GrowingFile:
    """A file that somebody writes. Raises ``CaptureError`` where there is none.

    A file that begins otherwise than before was begun anew, one that has another inode was put in its place (both
    logrotate(8)), and a next file that was written later takes over from it (``tcpdump -C``).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = self._open(path)
        self._begin = b""
        self._read_to = 0

    def fileno(self) -> None:
        """Nothing: a file is always ready."""
        return

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def read(self) -> Growth:
        """What was written since the last time."""
        restarted = False
        begin = os.pread(self._descriptor, _BEGIN_LEN, 0)
        if not begin.startswith(self._begin):
            self._read_to, restarted = 0, True
        self._begin = begin
        data = os.pread(self._descriptor, READ_LEN, self._read_to)
        self._read_to += len(data)
        if data or restarted:
            return Growth(data, restarted)
        return Growth(restarted=self._turn_to_next())

    def _turn_to_next(self) -> bool:
        """Whether another file goes on where this one is read to its end."""
        own = os.fstat(self._descriptor)
        for path in (self._path, *next_files(self._path)):
            with suppress(OSError, CaptureError):
                found = path.stat()
                other = (found.st_dev, found.st_ino) != (own.st_dev, own.st_ino)
                if other and (path == self._path or found.st_mtime_ns > own.st_mtime_ns):
                    descriptor = self._open(path)
                    os.close(self._descriptor)
                    self._path, self._descriptor, self._begin, self._read_to = path, descriptor, b"", 0
                    return True
        return False

    def is_written(self) -> bool:
        """Whether a process that we can see has the file open for writing (proc(5); false without it)."""
        own = os.fstat(self._descriptor)
        return any(_is_for_writing(entry, (own.st_dev, own.st_ino)) for entry in _descriptors())

    @staticmethod
    def _open(path: Path) -> int:
        shown = printable(path.name)
        try:
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        except OSError as error:
            raise CaptureError(f"{shown}: {(error.strerror or str(error)).lower()}; expected a capture file") from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise CaptureError(f"{shown}: no regular file; expected one, or - for standard input")
        return descriptor


def next_files(path: Path) -> Iterator[Path]:
    """The files that ``tcpdump -C`` may write after ``path``: the next number, and with ``-W`` the first one again."""
    match = _NUMBER.fullmatch(path.name)
    stem, number = (match[1], match[2]) if match else (path.name, "")
    yield path.with_name(f"{stem}{int(number or 0) + 1:0{len(number)}d}")
    if number:
        yield path.with_name(f"{stem}{0:0{len(number)}d}")


def _descriptors() -> Iterator[str]:
    """The open descriptors of all processes that may be looked at, as paths below /proc."""
    with suppress(OSError):
        for process in os.listdir("/proc"):
            with suppress(OSError):
                if process.isdigit():
                    yield from (f"/proc/{process}/fd/{entry}" for entry in os.listdir(f"/proc/{process}/fd"))


def _is_for_writing(entry: str, identity: tuple[int, int]) -> bool:
    with suppress(OSError, ValueError, IndexError):
        found = os.stat(entry)
        if (found.st_dev, found.st_ino) == identity:
            told = Path(entry.replace("/fd/", "/fdinfo/")).read_text()
            return int(told.partition("flags:")[2].split()[0], 8) & os.O_ACCMODE != os.O_RDONLY
    return False
