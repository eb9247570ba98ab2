"""A file to a ``Capture``, whatever its format and compression."""

from __future__ import annotations

import mmap
import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from analyzer.base.errors import CaptureError
from analyzer.base.fact import replace
from analyzer.base.mapped_files import FilePart, MappedFiles, part_of
from analyzer.base.oddity import Code, Family, Level, Oddity
from analyzer.base.place import PacketPlace
from analyzer.base.room import Zeros
from analyzer.base.shrinking import has_shrunk, survive_shrinking
from analyzer.base.spool import Spool
from analyzer.capture.capture import Capture
from analyzer.capture.compression import EXPANSION_LIMIT, MAX_EXPANDED, Expanded, compression_of
from analyzer.capture.link import LINKS
from analyzer.capture.pcap import MAGICS as PCAP_MAGICS
from analyzer.capture.pcap import read_pcap
from analyzer.capture.pcapng import MAGIC as PCAPNG_MAGIC
from analyzer.capture.pcapng import read_pcapng
from analyzer.capture.record_log import Sink

Reader = Callable[..., Capture]

# The first four bytes of every format that is read, uncompressed.
READERS: Mapping[bytes, Reader] = MappingProxyType({PCAPNG_MAGIC: read_pcapng, **dict.fromkeys(PCAP_MAGICS, read_pcap)})

# What analyze --save writes begins so (sqlite.org/fileformat.html): a capture it is not, and often taken for one.
_SQLITE = b"SQLi"

# Larger files are mapped. Smaller ones are read: that costs nothing, and a file that shrinks meanwhile (tcpdump -W
# starts its files anew) cannot take pages away from under us.
MAPPED_FROM = 32 << 20
# What is taken of standard input at once.
_BLOCK_LEN = 1 << 20


class Opened(NamedTuple):
    """The bytes of a capture's files; ``files`` tells where each of them lies, if they are mapped or several."""

    data: bytes | bytearray | mmap.mmap
    files: tuple[FilePart, ...] = ()


UNSUPPORTED_LINK = Code(
    "unsupported-link-type",
    Family.CAPTURE,
    Level.WARNING,
    "{count} packets have link type {link}, which is not decoded",
    "The capture has packets of a link layer that this program does not know; they are counted and left out.",
    "Take the capture inside the pod: tcpdump -i any.",
)


def read_capture(path: Path | None, *, name: str) -> Capture:
    """The capture in a file, or on standard input (None); ``name`` is what messages and places call it.

    Raises ``CaptureError`` when the file cannot be read, is no regular file, or is no capture at all. A capture that
    breaks off gives what was read, with ``complete`` false.
    """
    if path is None:
        return read_capture_bytes(_read_standard_input(name), name=name)
    return read_opened(open_file(path, name=name), name=name)


def read_opened(opened: Opened, *, name: str) -> Capture:
    """The capture in files that were opened; raises as ``read_capture``."""
    with explained(name):
        capture = read_capture_bytes(opened.data, name=name, files=opened.files)
    return what_is_left(capture, opened)


def open_file(path: Path, *, name: str) -> Opened:
    """The bytes of a file, mapped where it is large; raises as ``read_capture``."""
    with explained(name), open(path, "rb", opener=_open_without_waiting) as file:
        return _load(path, file, name)


@contextmanager
def explained(name: str) -> Iterator[None]:
    """What the system does not let us do with a capture's file is raised as a ``CaptureError``."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise CaptureError(f"{name}: {_reason(error)}; expected a capture file") from None


def what_is_left(capture: Capture, opened: Opened) -> Capture:
    """A capture that was read from ``opened``; only what files still have, where one has become shorter meanwhile."""
    data = opened.data
    if not (isinstance(data, mmap.mmap) and has_shrunk(memoryview(data))):
        return capture
    # Records that were found behind the new end are zeros.
    files = data.left() if isinstance(data, MappedFiles) else (FilePart(0, data.size()),)
    buffer = memoryview(data)[: files[-1].end if files else 0]
    left = read_capture_bytes(buffer, name=capture.name, files=files)
    return replace(left, complete=False, error=shrunk(capture.name))


def shrunk(name: str) -> str:
    """What is told of a capture whose file became shorter."""
    return f"{name}: the file became shorter while it was read; what it has lost is missing"


def read_capture_bytes(
    data: bytes | bytearray | mmap.mmap | memoryview,
    *,
    name: str,
    files: Sequence[FilePart] = (),
    zeros: Zeros = np.zeros,
    sink: Sink | None = None,
) -> Capture:
    """The capture in ``data``, in which ``files`` lie one behind another; without them it is one. As ``read_capture``.

    ``zeros`` makes the columns of a pcap file's tables, or its records go to ``sink``.
    """
    buffer = memoryview(data)
    compression = compression_of(buffer)
    if compression is None:
        return check_links(_read(buffer, name, files, zeros, sink))
    expanded = compression.expand(buffer)
    if not len(expanded.data) and expanded.problem:
        raise CaptureError(f"{name}: {expanded.problem}; expected a capture")
    capture = _read(expanded.data, name)
    capture = replace(capture, format=f"{capture.format}+{compression.name}")
    return check_links(_with_problem(capture, expanded))


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe without a writer, too, which would otherwise be waited for."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _load(path: Path, file: BufferedReader, name: str) -> Opened:
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        kind = "a pipe" if stat.S_ISFIFO(status.st_mode) else "a device"
        raise CaptureError(f"{name}: {kind}; expected a file (use - for standard input)")
    if status.st_size < MAPPED_FROM:
        return Opened(file.read(MAPPED_FROM))
    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    survive_shrinking(mapped)
    return Opened(mapped, (part_of(path, len(mapped), file.fileno()),))


def _read_standard_input(name: str) -> memoryview:
    if sys.stdin is None or sys.stdin.closed:
        raise CaptureError(f"{name}: standard input is closed; expected a capture")
    data = Spool()
    while block := sys.stdin.buffer.read(_BLOCK_LEN):
        data.add(block)
        if len(data) > MAX_EXPANDED:
            raise CaptureError(f"{name}: more than {MAX_EXPANDED} bytes on standard input; expected a file for so many")
    data.close()
    return data.whole()


def _read(
    buffer: memoryview,
    name: str,
    files: Sequence[FilePart] = (),
    zeros: Zeros = np.zeros,
    sink: Sink | None = None,
) -> Capture:
    if not len(buffer):
        raise CaptureError(f"{name}: the file is empty; expected a pcap or pcapng capture")
    files = files or (FilePart(0, len(buffer)),)
    magic = bytes(buffer[files[0].begin :][:4])
    reader = READERS.get(magic)
    if magic == _SQLITE:
        raise CaptureError(
            f"{name}: a saved run, not a capture; explain, report, whatif and diff read such a run alone"
        )
    if reader is None:
        raise CaptureError(f"{name}: not a capture: it begins with {magic.hex(' ')}; expected pcap or pcapng")
    if reader is read_pcap:
        return read_pcap(buffer, name=name, files=files, zeros=zeros, sink=sink)
    return reader(buffer, name=name, files=files)


def _with_problem(capture: Capture, expanded: Expanded) -> Capture:
    """The capture with what was wrong with its compression, which explains why its records break off."""
    if expanded.problem is None:
        return capture
    error = f"{capture.name}: after packet {len(capture.records)}: {expanded.problem}"
    oddities = capture.oddities + (
        (Oddity(EXPANSION_LIMIT, None, {"limit": expanded.limit}),) if expanded.limit else ()
    )
    return replace(capture, complete=False, error=error, oddities=oddities)


def check_links(capture: Capture) -> Capture:
    """The capture with an oddity for each link type that cannot be decoded.

    Raises ``CaptureError`` when it has interfaces and none of them can.
    """
    links = {interface.link for interface in capture.interfaces}
    unknown = sorted(links - LINKS.keys())
    if not unknown:
        return capture
    if not links & LINKS.keys():
        supported = ", ".join(f"{number} {link.name}" for number, link in LINKS.items())
        raise CaptureError(f"{capture.name}: link type {', '.join(map(str, unknown))}; expected one of {supported}")
    found = []
    for link in unknown:
        rows = np.flatnonzero(capture.records.link == link)
        place = PacketPlace(capture.name, int(rows[0]) + 1) if len(rows) else None
        found.append(Oddity(UNSUPPORTED_LINK, place, {"count": len(rows), "link": link}))
    return replace(capture, oddities=capture.oddities + tuple(found))


def _reason(error: Exception) -> str:
    """The operating system's words, without the path that it puts behind them."""
    return (getattr(error, "strerror", None) or str(error)).lower()
