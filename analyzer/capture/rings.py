"""Files of one recording, as ``tcpdump -C`` and ``-G`` leave them: told by their names, ordered by their first packets.

What ``-W`` begins anew holds the latest packets under the lowest number, so that names do not tell the order. The files
of a ring are read as one capture: connections go on from file to file, and so do the numbers of packets.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from analyzer.base.errors import CaptureError
from analyzer.capture.capture import Capture
from analyzer.capture.pcap import HEADER_LEN
from analyzer.capture.pcapng import MAGIC as PCAPNG_MAGIC
from analyzer.capture.reader import read_capture, read_capture_bytes
from analyzer.capture.tail import Tail

# The files of a ring are in memory together; larger ones are read file by file.
MAX_RING = 512 << 20
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
    data = bytearray()
    for path in paths:
        capture = read_capture(path, name=name)
        whole = capture.buffer if capture.complete else memoryview(_whole_records(bytes(capture.buffer), name))
        data += whole[HEADER_LEN:] if data and whole[:4] != PCAPNG_MAGIC else whole
    return read_capture_bytes(bytes(data), name=name)


def _rings_in(group: list[Path | None]) -> list[list[Path | None]]:
    """A group of files by name, as one ring where their packets say that too; else each by itself."""
    paths = [path for path in group if path is not None]
    begins = [_begin_of(path) for path in paths] if len(paths) > 1 else []
    known = [begin for begin in begins if begin is not None]
    alone: list[list[Path | None]] = [[path] for path in group]
    if not begins or len(known) < len(begins) or len({header for header, _ in known}) > 1:
        return alone
    if sum(path.stat().st_size for path in paths) > MAX_RING:
        return alone
    times = [time_ns for _, time_ns in known]
    if len(set(times)) < len(times):
        # One recording begins each of its files once: these are copies.
        return alone
    return [[path for _, path in sorted(zip(times, paths, strict=True))]]


def _begin_of(path: Path) -> tuple[bytes, int] | None:
    """The file's header, as far as it is the same in all files of a ring, and the time of its first packet."""
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
    return header, int(capture.records.time_ns[0])


def _whole_records(data: bytes, name: str) -> bytes:
    """A capture without the record that is cut at its end."""
    return b"".join(piece.raw for piece in Tail(name).feed(data))
