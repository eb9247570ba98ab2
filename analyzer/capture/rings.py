"""Files of one recording, as ``tcpdump -C`` and ``-G`` leave them: told by their names, ordered by their first packets.

What ``-W`` begins anew holds the latest packets under the lowest number, so that names do not tell the order. The files
of a ring are read as one capture: connections go on from file to file, and so do the numbers of packets.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from analyzer.base.errors import CaptureError
from analyzer.base.fact import replace
from analyzer.base.mapped_files import FilePart, can_map_files, map_files
from analyzer.base.spool import Spool
from analyzer.capture import reader
from analyzer.capture.capture import Capture
from analyzer.capture.pcap import HEADER_LEN
from analyzer.capture.pcapng import MAGIC as PCAPNG_MAGIC
from analyzer.capture.reader import (
    READERS,
    Opened,
    explained,
    open_file,
    read_capture,
    read_capture_bytes,
    read_opened,
)

# Files that cannot be mapped are copied: of a larger ring each is a capture then.
MAX_JOINED = 512 << 20
# What has the first packet in it: a record of the greatest length, and what may stand before it.
_PREFIX_LEN = 512 << 10
_NUMBERED = re.compile(r"(.*\.(?:pcap|pcapng|ntar|cap|dmp))(\.?\d+)?((?:\.(?:gz|zst|xz|bz2))?)", re.IGNORECASE)
# Dates and times as strftime(3) writes them for -G, and seconds since the epoch (%s).
_TIME = re.compile(r"(?<!\d)(?:\d{4}[-_.]?\d{2}[-_.]?\d{2}(?:[-_.T]?\d{2}[-_.:]?\d{2}(?:[-_.:]?\d{2})?)?|\d{10})(?!\d)")


def ring_name(name: str) -> str:
    """What the names of a ring's files have in common: the name without its number and its time."""
    match = _NUMBERED.fullmatch(name)
    return _TIME.sub("{time}", f"{match[1]}{match[3]}" if match else name)


def join_rings(paths: Sequence[Path | None]) -> list[list[Path | None]]:
    """The paths in groups, in their order: the files of a ring together, the oldest packets first."""
    groups: dict[object, list[Path | None]] = {}
    for number, path in enumerate(paths):
        groups.setdefault((os.path.dirname(path), ring_name(path.name)) if path else number, []).append(path)
    return [ring for group in groups.values() for ring in _rings_in(group)]


def read_ring(paths: Sequence[Path | None], *, name: str) -> Capture:
    """The capture in a file, on standard input (None), or in the files of a ring; raises as ``read_capture``."""
    if len(paths) == 1:
        return read_capture(paths[0], name=name)
    opened = open_ring(paths, name=name)
    return _read_joined(paths, name) if opened is None else read_opened(opened, name=name)


def open_ring(paths: Sequence[Path | None], *, name: str) -> Opened | None:
    """The bytes of a file, or of the files of a ring, where no copy of them is needed; raises as ``read_capture``.

    None for standard input, and for a ring that is small, compressed, or on a system that cannot map it.
    """
    files = [path for path in paths if path is not None]
    if len(files) < len(paths):
        return None
    if len(files) == 1:
        return open_file(files[0], name=name)
    with explained(name):
        if not can_map_files() or sum(path.stat().st_size for path in files) < reader.MAPPED_FROM:
            return None
        mapped = map_files(files)
    parts = tuple(part for part in mapped.parts if part.end > part.begin)
    if len(mapped) <= MAX_JOINED and any(mapped[part.begin : part.begin + 4] not in READERS for part in parts):
        return None
    return Opened(mapped, parts)


def _read_joined(paths: Sequence[Path | None], name: str) -> Capture:
    """The capture in files that are copied, one behind another."""
    data, parts, problems = Spool(), [], []
    for path in paths:
        capture = read_capture(path, name=name)
        parts.append(FilePart(len(data), len(data) + len(capture.buffer)))
        data.add(capture.buffer)
        problems += [capture.error] if capture.error else []
    data.close()
    joined = read_capture_bytes(data.whole(), name=name, files=parts)
    return replace(joined, complete=False, error=joined.error or problems[0]) if problems else joined


def _rings_in(group: list[Path | None]) -> list[list[Path | None]]:
    """A group of files by name, as one ring where their packets say that too; else each by itself."""
    paths = [path for path in group if path is not None]
    begins = [_begin_of(path) for path in paths] if len(paths) > 1 else []
    known = [begin for begin in begins if begin is not None]
    alone: list[list[Path | None]] = [[path] for path in group]
    if not begins or len(known) < len(begins) or len({begin.header for begin in known}) > 1:
        return alone
    can_map = can_map_files() and all(begin.is_plain for begin in known)
    if not can_map and sum(path.stat().st_size for path in paths) > MAX_JOINED:
        return alone
    times = [begin.time_ns for begin in known]
    if len(set(times)) < len(times):
        # One recording begins each of its files once: these are copies.
        return alone
    return [[path for _, path in sorted(zip(times, paths, strict=True))]]


class _Begin(NamedTuple):
    """How a file begins: its header as far as all files of a ring share it, and the time of its first packet."""

    header: bytes
    time_ns: int
    is_plain: bool


def _begin_of(path: Path) -> _Begin | None:
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            prefix = file.read(_PREFIX_LEN)
        capture = read_capture_bytes(prefix, name=path.name)
    except (OSError, CaptureError):
        return None
    if not len(capture.records):
        return None
    header = bytes(capture.buffer[:4])
    if header != PCAPNG_MAGIC:
        header = bytes(capture.buffer[:HEADER_LEN])
    return _Begin(header, int(capture.records.time_ns[0]), is_plain=prefix[:4] in READERS)
