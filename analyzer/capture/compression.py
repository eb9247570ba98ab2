"""Compressed captures: gzip, zstd, xz and bzip2, by their first bytes, with a ceiling on what comes out."""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable
from typing import Protocol

from analyzer.base.errors import OutputError
from analyzer.base.fact import Fact
from analyzer.base.oddity import Code, Family, Level
from analyzer.base.pages import SPAN, forget_pages
from analyzer.base.spool import Spool

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# The most bytes that a compressed capture may hold: many of them lie in a temporary file.
MAX_EXPANDED = 16 << 30

# A capture compresses ten- or twentyfold. Beyond this ratio, and beyond the bytes that are free, it is a bomb.
MAX_RATIO = 100
FREE_BYTES = 16 << 20

# What LZMA may ask for to hold its dictionary (xz -9 needs 65 MiB).
LZMA_MEMORY = 256 << 20

# What is fed at a time: little at first, so that a file of very many tiny members is not copied over and over.
FIRST_CHUNK, CHUNK = 1 << 10, 1 << 20

EXPANSION_LIMIT = Code(
    "decompression-limit",
    Family.LIMIT,
    Level.ERROR,
    "the compressed capture holds more than {limit} bytes; the rest is not read",
    "A compressed capture is expanded, into a temporary file where it is large, up to a ceiling, and no further than a "
    "hundred times its size.",
    "Decompress the file first: an uncompressed capture of any size is read.",
)


class _Decompressor(Protocol):
    """What the decompressors of the standard library share."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gunzip:
    """zlib's decompressor for one gzip member, with the interface of the others."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(16 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)


class Expanded(Fact, frozen=True):
    """What came out. ``problem`` says why there is not more of it, ``limit`` which ceiling, when that was why."""

    data: memoryview
    problem: str | None = None
    limit: int | None = None


class Compression(Fact, frozen=True):
    """A compressed format: its name, its first bytes, and how to begin one member (frame, stream) of it."""

    name: str
    magic: bytes
    begin: Callable[[], _Decompressor]

    def expand(self, buffer: memoryview, *, max_expanded: int = MAX_EXPANDED) -> Expanded:
        """All members of ``buffer``, one after another, up to the ceiling. Never raises."""
        ceiling = min(max_expanded, max(FREE_BYTES, len(buffer) * MAX_RATIO))
        data = Spool()
        try:
            problem = self._expand_members(buffer, data, ceiling)
            data.close()
        except OutputError as error:
            problem = str(error)
        except (zlib.error, lzma.LZMAError, zstd.ZstdError, OSError, EOFError, ValueError, MemoryError) as error:
            problem = f"{self.name} data is damaged ({error})"
        if len(data) > ceiling:
            problem = f"{self.name} data expands to more than {ceiling} bytes, the limit"
            return Expanded(data.whole()[:ceiling], problem, ceiling)
        return Expanded(data.whole(), problem)

    def _expand_members(self, buffer: memoryview, data: Spool, ceiling: int) -> str | None:
        at = kept_from = 0
        while at < len(buffer) and len(data) <= ceiling:
            if buffer[at : at + len(self.magic)] != self.magic:
                return self._judge_trailer(buffer[at:])
            member, size = self.begin(), FIRST_CHUNK
            while not member.eof and len(data) <= ceiling:
                chunk = bytes(buffer[at : at + size]) if member.needs_input else b""
                if member.needs_input and not chunk:
                    return f"{self.name} data ends in the middle"
                at += len(chunk)
                if at - kept_from > SPAN:
                    forget_pages(buffer)
                    kept_from = at
                size = min(2 * size, CHUNK)
                data.add(member.decompress(chunk, CHUNK))
            at -= len(member.unused_data)
        return None

    def _judge_trailer(self, trailer: memoryview) -> str | None:
        """Nothing is wrong with zeros that pad a file out."""
        if bytes(trailer).count(0) == len(trailer):
            return None
        return f"the {len(trailer)} bytes after the {self.name} data are something else"


COMPRESSIONS = (
    Compression("gzip", b"\x1f\x8b", _Gunzip),
    Compression("zstd", b"\x28\xb5\x2f\xfd", zstd.ZstdDecompressor),
    Compression("xz", b"\xfd7zXZ\x00", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, LZMA_MEMORY)),
    Compression("bzip2", b"BZh", bz2.BZ2Decompressor),
)


def squeezed(data: bytes | memoryview) -> bytes:
    """``data`` made smaller in a moment, for another process of this program."""
    return zstd.compress(data, 1)


def unsqueezed(data: bytes) -> bytes:
    """What was ``squeezed`` by a process that is trusted, whatever its size."""
    return zstd.decompress(data)


def compression_of(buffer: memoryview) -> Compression | None:
    """The compression that ``buffer`` begins like, or None."""
    return next((c for c in COMPRESSIONS if buffer[: len(c.magic)] == c.magic), None)
