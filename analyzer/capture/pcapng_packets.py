"""The pcapng blocks that bring packets: enhanced, simple, and the old packet block."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer.base.fact import Fact
from analyzer.base.table import I64, U8
from analyzer.capture import pcapng_walk as walk
from analyzer.capture.gather import Structures, gather
from analyzer.capture.pcapng_blocks import InterfaceBlock
from analyzer.capture.pcapng_time import to_time_ns
from analyzer.capture.records import MAX_RECORD_LEN, Order, RecordPart, layout

_TIME_AND_LENGTHS = [("time_high", "u4"), ("time_low", "u4"), ("captured_len", "u4"), ("wire_len", "u4")]

BLOCKS = {
    walk.ENHANCED_PACKET: layout([("interface", "u4"), *_TIME_AND_LENGTHS]),
    walk.OLD_PACKET: layout([("interface", "u2"), ("drops", "u2"), *_TIME_AND_LENGTHS]),
    walk.SIMPLE_PACKET: layout([("wire_len", "u4")]),
}
# Type and length stand before these fields, the length again behind the packet.
FIELDS_AT, TRAILER_LEN = 8, 4


@dataclass(slots=True)
class Section:
    """A section as its packets need it, of which some blocks were read: those ``described`` so many interfaces.

    ``interfaces`` are those that are kept, with those of the blocks that come next; ``numbers`` are theirs in the whole
    capture.
    """

    data: U8
    order: Order
    interfaces: list[InterfaceBlock] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    described: int = 0


class BlockTable(Fact, frozen=True):
    """Some blocks of a section that follow each other, ``(N,)``: where they begin, their types and lengths."""

    offsets: I64
    kind: NDArray[Any]
    length: I64

    def of_kind(self, kind: int, buffer: memoryview) -> list[memoryview]:
        """The bytes of those of one type."""
        rows = np.flatnonzero(self.kind == kind)
        places = zip(self.offsets[rows].tolist(), self.length[rows].tolist(), strict=True)
        return [buffer[begin : begin + size] for begin, size in places]


class Packets(Fact, frozen=True):
    """The records of some blocks, and how many blocks were left out: of bad lengths, of unknown interfaces."""

    part: RecordPart
    bad: int
    unknown_interface: int


class _Columns(Fact, frozen=True):
    """What packet blocks say, ``(N,)`` each, in the order of the file."""

    interface: I64
    units: NDArray[np.uint64]
    data_off: I64
    captured_len: I64
    wire_len: I64
    sound: NDArray[np.bool_]
    timed: NDArray[np.bool_]


def read_packets(section: Section, blocks: BlockTable) -> Packets:
    """The packets of the next blocks of a section; other kinds among them are interfaces and statistics.

    A packet belongs to an interface that is described before it. A simple packet block has no time stamp (its time
    is 0) and belongs to the first interface, whose snap length bounds it.
    """
    bringing = np.isin(blocks.kind, list(BLOCKS))
    described = section.described + np.cumsum(blocks.kind == walk.INTERFACE_DESCRIPTION)[bringing]
    columns = _read_columns(section, blocks.offsets[bringing], blocks.kind[bringing], blocks.length[bringing])
    known = columns.interface < np.minimum(described, len(section.interfaces))
    keep = np.flatnonzero(columns.sound & known)
    interface = columns.interface[keep]
    time_ns, time_is_bad = to_time_ns(
        columns.units[keep],
        np.array([i.resolution for i in section.interfaces], np.uint8)[interface],
        np.array([i.offset_s for i in section.interfaces], np.int64)[interface],
    )
    timed = columns.timed[keep]
    part = RecordPart(
        time_ns=np.where(timed, time_ns, 0),
        data_off=columns.data_off[keep],
        captured_len=columns.captured_len[keep],
        wire_len=columns.wire_len[keep],
        interface=np.array(section.numbers, np.int64)[interface],
        link=np.array([i.interface.link for i in section.interfaces], np.int64)[interface],
        time_is_bad=time_is_bad & timed,
    )
    return Packets(part, int((~columns.sound).sum()), int((columns.sound & ~known).sum()))


def _read_columns(section: Section, offsets: I64, kind: NDArray[Any], length: I64) -> _Columns:
    count = len(offsets)
    zeros = np.zeros(count, np.int64)
    columns = _Columns(
        zeros, zeros.astype(np.uint64), zeros.copy(), zeros.copy(), zeros.copy(),
        np.zeros(count, np.bool_), kind != walk.SIMPLE_PACKET,
    )  # fmt: skip
    for number, layouts in BLOCKS.items():
        fields = layouts[section.order]
        overhead = FIELDS_AT + fields.itemsize + TRAILER_LEN
        rows = np.flatnonzero((kind == number) & (length >= overhead))
        block = gather(section.data, offsets[rows] + FIELDS_AT, fields)
        room = length[rows] - overhead
        columns.wire_len[rows] = block["wire_len"]
        columns.data_off[rows] = offsets[rows] + (overhead - TRAILER_LEN)
        if number == walk.SIMPLE_PACKET:
            columns.captured_len[rows] = _simple_len(section, columns.wire_len[rows], room)
        else:
            columns.captured_len[rows] = block["captured_len"]
            columns.interface[rows] = block["interface"]
            columns.units[rows] = _units(block)
        columns.sound[rows] = columns.captured_len[rows] <= np.minimum(room, MAX_RECORD_LEN)
    return columns


def _simple_len(section: Section, wire_len: I64, room: I64) -> I64:
    """How much a simple packet block holds: it does not say, the interface's snap length does."""
    snaplen = section.interfaces[0].interface.snaplen if section.interfaces else 0
    return np.minimum(np.minimum(wire_len, snaplen or MAX_RECORD_LEN), room)


def _units(block: Structures) -> NDArray[np.uint64]:
    return block["time_high"].astype(np.uint64) << np.uint64(32) | block["time_low"].astype(np.uint64)
