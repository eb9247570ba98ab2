"""One direction of a TCP connection: bytes in order, with gaps, and the packet that brought each byte."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from enum import Enum

from analyzer.base.fact import Fact, set_derived


class End(Enum):
    """How a direction of a connection ended, as far as the capture shows."""

    OPEN = "open"  # nothing seen: it goes on, or the capture ends first
    FIN = "fin"
    RST = "rst"


class Stream(Fact, frozen=True):
    """Ordered bytes with gaps; position 0 is the byte after the SYN, or the first byte seen of a mid-stream start.

    ``starts[i]`` is the stream position of piece i, ``offsets[i]`` where it lies in ``buffer``, ``lengths[i]`` its
    length and ``packets[i]`` the 1-based packet that brought it. Pieces are ordered, do not overlap and are not
    empty; what lies between two pieces is a gap. ``length`` is the position after the last byte known to have been
    sent (a gap may stand at the end). ``from_start`` says that the handshake was seen, so that position 0 is the true
    beginning. ``times_ns[i]`` is when piece i was captured. ``breaks`` are the indices of the pieces before which
    bytes are missing; who knows them passes them, otherwise they are found. ``heard`` is how many bytes of the other
    direction the sender had received when it sent the first piece.
    """

    buffer: memoryview
    starts: Sequence[int]
    offsets: Sequence[int]
    lengths: Sequence[int]
    packets: Sequence[int]
    times_ns: Sequence[int]
    length: int
    from_start: bool
    end: End = End.OPEN
    end_packet: int = 0
    end_time_ns: int = 0
    breaks: Sequence[int] | None = None
    heard: int = 0

    def __post_init__(self) -> None:
        if self.breaks is None:
            ends = [0, *(start + length for start, length in zip(self.starts, self.lengths, strict=True))]
            found = [i for i, start in enumerate(self.starts) if start != ends[i]]
            set_derived(self, "breaks", found)

    @classmethod
    def of(cls, data: bytes, *, from_start: bool = True, end: End = End.OPEN) -> Stream:
        """A stream without gaps that came in one packet: for parsers' tests and for bytes at rest."""
        pieces = [1] if data else []
        return cls(
            memoryview(data), [0] * len(pieces), [0] * len(pieces), [len(data)] * len(pieces), pieces,
            [0] * len(pieces), len(data), from_start, end,
        )  # fmt: skip

    def contiguous_end(self, position: int) -> int:
        """The position where the bytes from ``position`` on first break off; ``position`` itself inside a gap."""
        i = self.piece_at(position)
        if i < 0:
            return position
        breaks = self.breaks or ()
        following = bisect_right(breaks, i)
        last = breaks[following] - 1 if following < len(breaks) else len(self.starts) - 1
        return self.starts[last] + self.lengths[last]

    def read(self, position: int, size: int) -> bytes:
        """Up to ``size`` bytes from ``position``; fewer at a gap or at the end, none inside a gap."""
        i = bisect_right(self.starts, position) - 1
        skip = position - self.starts[i] if i >= 0 else 0
        there = self.lengths[i] - skip if i >= 0 else 0
        if there <= 0 or size <= 0:
            return b""
        if size <= there:
            begin = self.offsets[i] + skip
            return bytes(self.buffer[begin : begin + size])
        parts: list[memoryview] = []
        left = size
        end = position
        while left > 0 and i < len(self.starts) and self.starts[i] + skip == end:
            take = min(self.lengths[i] - skip, left)
            begin = self.offsets[i] + skip
            parts.append(self.buffer[begin : begin + take])
            end += take
            left -= take
            skip = 0
            i += 1
        return b"".join(parts)

    def read_piece(self, position: int, size: int) -> bytes:
        """Up to ``size`` bytes from ``position`` that one packet brought; none inside a gap."""
        i = bisect_right(self.starts, position) - 1
        skip = position - self.starts[i] if i >= 0 else 0
        there = self.lengths[i] - skip if i >= 0 else 0
        if there <= 0 or size <= 0:
            return b""
        begin = self.offsets[i] + skip
        return bytes(self.buffer[begin : begin + (size if size < there else there)])

    def next_data(self, position: int) -> int | None:
        """The first position at or after ``position`` that has bytes, or None."""
        if self.piece_at(position) >= 0:
            return position
        i = bisect_right(self.starts, position)
        return self.starts[i] if i < len(self.starts) else None

    def piece_at(self, position: int) -> int:
        """The index of the piece that holds ``position``, or -1."""
        i = bisect_right(self.starts, position) - 1
        return i if i >= 0 and position < self.starts[i] + self.lengths[i] else -1

    def packet_at(self, position: int) -> int:
        """The 1-based packet that brought the byte at ``position``; 0 inside a gap."""
        i = bisect_right(self.starts, position) - 1
        return self.packets[i] if i >= 0 and position < self.starts[i] + self.lengths[i] else 0

    def packet_up_to(self, position: int) -> int:
        """The 1-based packet that brought the byte at ``position``, inside a gap the one before it; 0 without one.

        Where a capture's snapshot length cut segments, that is the one whose rest is missing.
        """
        i = bisect_right(self.starts, position) - 1
        return self.packets[i] if i >= 0 else 0

    def time_at(self, position: int) -> int:
        """When the byte at ``position`` was captured, ns since the epoch; 0 inside a gap."""
        i = bisect_right(self.starts, position) - 1
        return self.times_ns[i] if i >= 0 and position < self.starts[i] + self.lengths[i] else 0

    @property
    def captured(self) -> int:
        """How many bytes are there."""
        return sum(self.lengths)
