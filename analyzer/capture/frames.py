"""Rows on their way through the headers, and the columns that the headers fill."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.base.fact import Fact, field
from analyzer.base.table import BAD_HEADER, CUT_HEADER, I64, IP_FRAGMENT, NESTED_TOO_DEEP, U8, PacketTable
from analyzer.capture.gather import Structures, gather

# One number space for "what header comes next": EtherTypes as they are (IEEE 802.3), then IP protocols (IANA
# protocol-numbers), then link types (LINKTYPE_ of tcpdump.org),
# then UDP ports of tunnels.
IP_PROTOCOL = 0x1_0000
LINK_TYPE = 0x2_0000
UDP_PORT = 0x3_0000

# EtherTypes; LLC is Linux's number for it (ETH_P_802_2), below all true EtherTypes.
LLC, IPV4, IPV6, MPLS = 0x0004, 0x0800, 0x86DD, 0x8847
# Link types that other headers lead to.
ETHERNET, PPP, RAW_IP, WIFI = 1, 9, 101, 105
# Nodes nest two: a mirror (ERSPAN) of an overlay (VXLAN).
MAX_TUNNELS = 4

Mask = NDArray[np.bool_]


class LinkHeader(NamedTuple):
    """A link header of one length that has no options: where in it things stand, -1 where it does not say them.

    The EtherType has two bytes, the packet type one and the interface index four, the highest first.
    """

    length: int
    ethertype_at: int = -1
    packet_type_at: int = -1
    ifindex_at: int = -1


# What an IP packet has before it that stands for itself.
NO_LINK_HEADER = LinkHeader(0)


class Frames(Fact, frozen=True):
    """Rows whose next header is to be read. All columns ``(N,)``.

    ``row`` of the table; ``at`` where the next header begins in the buffer; ``end`` after the last captured byte and
    ``wire_end`` after the last byte that was on the wire, both cut down as headers say where their packet ends;
    ``following`` is the number of the next header.
    """

    row: I64
    at: I64
    end: I64
    wire_end: I64
    following: I64

    def __len__(self) -> int:
        return len(self.row)

    def keep(self, mask: Mask) -> Frames:
        """Only the rows where ``mask`` is true; the same object when that is all of them."""
        if mask.all():
            return self
        return Frames(self.row[mask], self.at[mask], self.end[mask], self.wire_end[mask], self.following[mask])

    def pick(self, which: I64) -> Frames:
        """The rows at these indices."""
        return Frames(self.row[which], self.at[which], self.end[which], self.wire_end[which], self.following[which])

    def advance(self, size: int | I64, following: int | I64) -> Frames:
        """The rows after a header of ``size`` bytes, towards ``following``."""
        next_header = np.broadcast_to(np.asarray(following, np.int64), self.row.shape)
        return Frames(self.row, self.at + size, self.end, self.wire_end, next_header)


NO_FRAMES = Frames(*(np.empty(0, np.int64) for _ in Frames.__struct_fields__))


class Fragments(Fact, frozen=True):
    """Fragments of IP datagrams. All columns ``(N,)``: of ``Frames``, then what the headers say of the datagram.

    ``start`` is the place of the fragment's first byte in the datagram; ``more`` is 0 in the last one.
    """

    row: I64
    at: I64
    end: I64
    wire_end: I64
    start: I64
    more: I64
    identification: I64

    def moved(self, rows: int, begin: int) -> Fragments:
        """The same fragments where ``rows`` stand before theirs, and their bytes ``begin`` further on."""
        at, end, wire_end = self.at + begin, self.end + begin, self.wire_end + begin
        return Fragments(self.row + rows, at, end, wire_end, self.start, self.more, self.identification)


class Decoding(Fact, frozen=True):
    """What a layer works on: the buffer, the table that it fills, and the fragments that it finds.

    ``tunnels`` ``(P,)`` counts the tunnels that were entered on the way through each record. ``rows`` is about how many
    records there are in all, where the table has some of them.
    """

    data: U8
    table: PacketTable
    tunnels: U8
    fragments: list[Fragments] = field(default_factory=list)
    rows: int = 0

    def whole(self, frames: Frames, size: int | I64) -> Frames:
        """The rows that have ``size`` captured bytes; the others end here, cut or contradicting themselves.

        A header that would not even fit what was on the wire is bad, one that the snap length took is cut.
        """
        room = frames.at + size <= frames.end
        if room.all():
            return frames
        lost = frames.keep(~room)
        on_wire = lost.wire_end - lost.at >= (size if isinstance(size, int) else size[~room])
        self.table.fate[lost.row] = np.where(on_wire, CUT_HEADER, BAD_HEADER)
        return frames.keep(room)

    def note_fragments(self, frames: Frames, start: I64, more: I64, identification: I64) -> None:
        """Keep rows whose packet is a fragment, until all of its datagram may be there; they end here."""
        self.table.fate[frames.row] = IP_FRAGMENT
        columns = (column.astype(np.int64) for column in (start, more, identification))
        self.fragments.append(Fragments(frames.row, frames.at, frames.end, frames.wire_end, *columns))

    def sound(self, frames: Frames, mask: Mask) -> Frames:
        """The rows where ``mask`` is true; the others have a header that contradicts itself."""
        if mask.all():
            return frames
        self.table.fate[frames.row[~mask]] = BAD_HEADER
        return frames.keep(mask)

    def enter_tunnel(self, frames: Frames) -> Frames:
        """The rows that are not too deep in tunnels already."""
        self.tunnels[frames.row] += 1
        shallow = self.tunnels[frames.row] <= MAX_TUNNELS
        self.table.fate[frames.row[~shallow]] = NESTED_TOO_DEEP
        return frames.keep(shallow)

    def read(self, frames: Frames, layout: np.dtype[Any], skip: int = 0) -> Structures:
        """The headers of rows that are known to have room for them, ``skip`` bytes further on."""
        return gather(self.data, frames.at + skip if skip else frames.at, layout)


# A layer reads one header of every row, fills its columns and gives the rows that go on, with what follows.
Layer = Callable[[Decoding, Frames], Frames]


def nothing(frames: Frames) -> Frames:
    """No rows: what a layer gives when nothing is left to decode."""
    return Frames(frames.row[:0], frames.at[:0], frames.end[:0], frames.wire_end[:0], frames.following[:0])


def join(parts: list[Frames]) -> Frames:
    """The rows of several parts; ``parts`` is not empty."""
    if len(parts) == 1:
        return parts[0]
    return Frames(
        np.concatenate([p.row for p in parts]), np.concatenate([p.at for p in parts]),
        np.concatenate([p.end for p in parts]), np.concatenate([p.wire_end for p in parts]),
        np.concatenate([p.following for p in parts]),
    )  # fmt: skip
