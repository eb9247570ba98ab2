"""What other machines are sent of one large capture, and send back: values, packed and squeezed.

A capture is sent without its bytes: a worker maps the files itself, which lie where they lie here.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from analyzer.base.errors import CaptureError, UsageError
from analyzer.base.fact import replace
from analyzer.base.packing import pack, unpack
from analyzer.base.shrinking import has_shrunk
from analyzer.capture.capture import Capture
from analyzer.capture.compression import squeezed, unsqueezed
from analyzer.capture.reader import shrunk
from analyzer.capture.rings import open_ring
from analyzer.capture.sources import CaptureSource

# Of what is sent; another release would read it otherwise.
VERSION = 5
# Of a file so many bytes are compared, in about so many places.
_BLOCK_LEN, _BLOCKS = 1 << 16, 16


def to_send(value: object) -> bytes:
    """``value`` for ``received``, in another process of this release."""
    return bytes([VERSION]) + squeezed(pack(value))


def received(sent: bytes) -> Any:
    """What was sent by a process that is trusted (``base/packing.py``); raises ``UsageError`` for another release."""
    check_version(sent[0])
    return unpack(unsqueezed(sent[1:]))


def check_version(version: int) -> None:
    """Raises ``UsageError`` where another release has sent something."""
    if version != VERSION:
        raise UsageError(f"found a worker of version {VERSION}, expected {version}")


class SentCapture(NamedTuple):
    """``bare`` is a capture without its bytes and records, which lie in files of which something is known."""

    paths: tuple[Path, ...]
    digest: bytes
    bare: Capture

    def open(self) -> Capture:
        """The capture with its bytes; raises ``CaptureError`` where the files are not there, or others."""
        name = self.bare.name
        opened = open_ring(self.paths, name=name)
        buffer = memoryview(opened.data if opened else b"")
        if _digest(buffer) != self.digest:
            raise CaptureError(f"{name}: another file; expected the same one on all machines")
        return replace(self.bare, buffer=buffer)


def can_be_sent(capture: Capture) -> bool:
    """Whether the packets lie in the files, not in what came out of their compression."""
    return "+" not in capture.format


def sent_capture(source: CaptureSource, capture: Capture) -> SentCapture:
    """What is sent of the capture that was read from ``source``."""
    paths = tuple(Path(os.path.abspath(path)) for path in source.ring or (source.path,) if path)
    bare = replace(capture, buffer=memoryview(b""), records=capture.records.part(slice(0)), decoded=None)
    return SentCapture(paths, _digest(capture.buffer), bare)


def check_whole(capture: Capture) -> None:
    """Raises ``CaptureError`` where a file became shorter, so that what was read of it may be zeros."""
    if has_shrunk(capture.buffer):
        raise CaptureError(shrunk(capture.name))


def _digest(buffer: memoryview) -> bytes:
    """By which files are known: how long they are, and what is in some places of them."""
    found = blake2b(str(len(buffer)).encode())
    last = max(len(buffer) - _BLOCK_LEN, 0)
    for place in range(_BLOCKS + 1):
        begin = last * place // _BLOCKS
        found.update(buffer[begin : begin + _BLOCK_LEN])
    return found.digest()
