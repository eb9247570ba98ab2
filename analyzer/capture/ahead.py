"""A large capture that is read while something else is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

from analyzer.base.errors import CaptureError
from analyzer.base.room import Room
from analyzer.base.workers import begun_beside
from analyzer.capture.capture import Capture
from analyzer.capture.pcap import MAGICS
from analyzer.capture.reader import Opened, read_capture_bytes, what_is_left
from analyzer.capture.record_log import IN_FILE_FROM
from analyzer.capture.sources import CaptureSource

# Room for the tables of three million packets, of which the system gives as much as they take.
_ROOM_LEN = 384 << 20


@contextmanager
def read_ahead(source: CaptureSource) -> Iterator[Callable[[], Capture]]:
    """Begins to read a capture in a fork, where it is pcap files that are mapped; gives what waits for it.

    That gives, and raises, what ``CaptureSource.read`` does: it reads here what was not read there.
    """
    with ExitStack() as stack:
        read: Callable[[], Capture] = source.read
        with suppress(CaptureError, OSError):
            if source.path is not None and source.size < IN_FILE_FROM:
                read = _begin(source, stack) or read
        yield read


def open_mapped_pcap(source: CaptureSource) -> Opened | None:
    """The bytes of pcap files that are mapped, so that a fork has them too; None for all others."""
    opened = source.open()
    if opened is None or not any(file.path for file in opened.files) or bytes(opened.data[:4]) not in MAGICS:
        return None
    return opened


def _begin(source: CaptureSource, stack: ExitStack) -> Callable[[], Capture] | None:
    opened = open_mapped_pcap(source)
    if opened is None:
        return None
    room = Room(_ROOM_LEN)
    wait = stack.enter_context(begun_beside(partial(_pack, opened, source.name, room)))
    return partial(_unpack, opened, room, wait, source)


def _pack(opened: Opened, name: str, room: Room) -> bytes:
    capture = read_capture_bytes(opened.data, name=name, files=opened.files, zeros=room.zeros)
    return room.pack(capture, capture.buffer)


def _unpack(opened: Opened, room: Room, wait: Callable[[], bytes | None], source: CaptureSource) -> Capture:
    packed = wait()
    if packed is None:
        return source.read()
    capture: Capture = room.unpack(packed, memoryview(opened.data))
    return what_is_left(capture, opened)
