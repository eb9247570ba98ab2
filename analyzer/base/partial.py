"""Files that are there whole or not at all: what is being written, or broke off, is called ``FILE.partial``."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SUFFIX = ".partial"
# ext4 writes a file to the disk before it takes another one's place (ext4(5), auto_da_alloc): a second for some 100 MB.
_LONG_TO_WRITE_LEN = 16 << 20
# renameat2(2), Linux: names are given from the folder that we are in, and two files swap theirs.
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
# What a device says that has no room, or fails.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """What to write instead of ``path``, whose place it takes in the end; ``path`` itself where it is no plain file.

    Links are followed, but none that waits at ``FILE.partial``, where nobody has named one. Where an exception ends it,
    what was at ``path`` stays as it was. Raises ``OSError``.
    """
    target = Path(os.path.realpath(path))
    partial = target.with_name(f"{target.name}{SUFFIX}")
    if not _may_replace(target):
        yield path
        return
    _make_anew(partial)
    yield partial
    if target.exists():
        shutil.copymode(target, partial)
    _put(partial, target)


def _put(partial: Path, target: Path) -> None:
    """Let a file take another one's place; a large one is not waited for until it is on the disk."""
    if partial.stat().st_size >= _LONG_TO_WRITE_LEN and _swapped(partial, target):
        partial.unlink()
    else:
        os.replace(partial, target)


def _swapped(one: Path, other: Path) -> bool:
    """Let two files take each other's place at once; False where one is not there, or the system cannot."""
    import ctypes

    try:
        swap = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    return not swap(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)


def _make_anew(partial: Path) -> None:
    """An empty file of our own, whatever was there: the rest of an earlier run, or a link to somebody's file."""
    with suppress(FileNotFoundError):
        partial.unlink()
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))


def has_no_room(error: OSError) -> bool:
    """Whether an error came while something was written, and not because it may not be written at all."""
    return error.errno in _NO_ROOM


def _may_replace(target: Path) -> bool:
    """Whether a file beside it can take its place: it is a plain file that we may write, or not there yet."""
    if not os.access(target.parent, os.W_OK):
        return False
    try:
        return stat.S_ISREG(target.stat().st_mode) and os.access(target, os.W_OK)
    except OSError:
        return True
