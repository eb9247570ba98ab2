"""Records to packets: every header of every record, many records at a time."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from analyzer.base.oddity import Code, Family, Level, Oddity
from analyzer.base.pages import SPAN, forget_pages
from analyzer.base.place import PacketPlace
from analyzer.base.room import Zeros
from analyzer.base.table import (
    BAD_HEADER,
    I64,
    NESTED_TOO_DEEP,
    NOT_IP,
    OTHER_TRANSPORT,
    U8,
    U16,
    U32,
    UNKNOWN_LINK,
    PacketTable,
    distinct,
)
from analyzer.capture.capture import Capture, Decoded
from analyzer.capture.frames import (
    IP_PROTOCOL,
    LINK_TYPE,
    NO_FRAMES,
    UDP_PORT,
    Decoding,
    Fragments,
    Frames,
    Layer,
    LinkHeader,
    join,
)
from analyzer.capture.gather import as_bytes
from analyzer.capture.link import LINKS
from analyzer.capture.network import ENCAPSULATIONS, EXTENSIONS, NETWORKS
from analyzer.capture.network.fragments import join_fragments
from analyzer.capture.network.ipv4_tcp import decode_whole
from analyzer.capture.record_log import Space
from analyzer.capture.records import Stretch
from analyzer.capture.transport import TRANSPORTS
from analyzer.capture.tunnel import TUNNELS

# Of records where they lie, what is there, what was on the wire, and the link.
Columns = tuple[I64, I64 | U32, I64 | U32, I64 | U16]

# Every header that is understood, by the number under which the one before it announces it.
LAYERS: Mapping[int, Layer] = MappingProxyType(
    {
        **NETWORKS,
        **{IP_PROTOCOL + number: layer for number, layer in EXTENSIONS.items()},
        **{IP_PROTOCOL + number: layer for number, layer in ENCAPSULATIONS.items()},
        **{IP_PROTOCOL + number: layer for number, layer in TRANSPORTS.items()},
        **{LINK_TYPE + number: link.decode for number, link in LINKS.items()},
        **{UDP_PORT + port: layer for port, layer in TUNNELS.items()},
    }
)

# What carries packets or frames inside IP.
_TUNNELLED = frozenset((*(IP_PROTOCOL + number for number in ENCAPSULATIONS), *(UDP_PORT + port for port in TUNNELS)))

NESTING_LIMIT = Code(
    "nesting-limit",
    Family.LIMIT,
    Level.WARNING,
    "{packets} packets are nested in more tunnels or headers than are followed",
    "Four tunnels inside each other and 256 headers are followed. No node nests so deep; a packet that was made for it "
    "costs a reader much and a sender little.",
)

# Rows whose headers and temporary columns stay in the processor's cache together.
ROWS_AT_ONCE = 8_192

# More packets than these are not decoded on the way: they may not fit into memory together.
MAX_PACKETS = 1_500_000

# A packet of 64 KiB could nest eight thousand headers; 170 options in a row have been seen, in an attack.
MAX_HEADERS = 256

# What Linux puts into one packet for the network card to cut up: GSO_MAX_SIZE is 524280 (include/linux/netdevice.h).
# A record may claim four gigabytes.
MAX_PACKET_LEN = 1 << 20


def decode_packets(capture: Capture) -> PacketTable:
    """The table of all packets of a capture; row i is record i, and ``fate`` says how far each was understood.

    Columns that a record's headers do not reach are 0 (``direction`` 255). Nothing in a packet makes this raise.
    """
    known = capture.decoded
    if known is not None and known.records is capture.records and known.buffer is capture.buffer:
        return known.packets
    table, records = blank_table(len(capture.records)), capture.records
    decoding = Decoding(as_bytes(capture.buffer), table, np.zeros(len(table), np.uint8))
    read_from = 0
    for first in range(0, len(table), ROWS_AT_ONCE):
        some = slice(first, first + ROWS_AT_ONCE)
        columns = records.data_off[some], records.captured_len[some], records.wire_len[some], records.link[some]
        _decode_rows(decoding, _frames_left(decoding, np.arange(first, first + len(columns[0])), columns))
        if (read_to := int(columns[0][-1])) - read_from > SPAN:
            forget_pages(capture.buffer)
            read_from = read_to
    forget_pages(capture.buffer)
    join_fragments(decoding, capture.records, _decode_rows)
    return table


class PacketLog:
    """Decodes packets while their records are found and their bytes are at hand.

    If more than ``most`` are expected nothing is decoded any more: a table of so many would not be used as a whole.
    ``zeros`` makes the table's columns.
    """

    def __init__(self, *, most: int = MAX_PACKETS, zeros: Zeros = np.zeros) -> None:
        self._zeros = zeros
        self._most = most
        self._len = 0
        self._expected = 0
        self._is_full = False
        self._table = blank_table(0)
        self._tunnels = np.zeros(0, np.uint8)
        self._fragments: list[Fragments] = []

    def expect(self, rows: int) -> None:
        """About so many packets there will be in all."""
        self._expected = rows
        self._is_full = self._is_full or rows > self._most

    def space(self, rows: int, link: int) -> Space | None:
        """The next rows, unless there are too many; None where packets do not begin plainly."""
        header = plain_header(link)
        if header is None or self._is_full:
            return None
        if self._len == len(self._table):
            self._make_room(self._len + rows)
        return Space(rows_of(self._table, slice(self._len, self._len + rows)), header)

    def add(self, stretch: Stretch) -> None:
        """Take the next records."""
        first, self._len = self._len, self._len + len(stretch.records.time_ns)
        if first == self._len or self._is_full:
            return
        if self._len > len(self._table):
            self._make_room(self._len)
        some = slice(first, self._len)
        fragments = decode_stretch(rows_of(self._table, some), self._tunnels[some], stretch, rows=self._expected)
        self._fragments += [each.moved(first, stretch.begin) for each in fragments]

    def _make_room(self, least: int) -> None:
        """Make room for all that are expected, and at least for so many."""
        rows = max(self._expected * 9 // 8, least)
        before, self._table = self._table, blank_table(rows, self._zeros)
        for name in PacketTable.__struct_fields__:
            getattr(self._table, name)[: len(before)] = getattr(before, name)
        self._tunnels = np.append(self._tunnels, np.zeros(rows - len(before), np.uint8))

    def decoded(self, capture: Capture) -> Decoded | None:
        """The packets of ``capture``, all of whose records were taken; None where they are too many."""
        if self._is_full:
            return None
        table = rows_of(self._table, slice(self._len))
        decoding = Decoding(as_bytes(capture.buffer), table, self._tunnels[: self._len], self._fragments)
        join_fragments(decoding, capture.records, _decode_rows)
        return Decoded(table, capture.buffer, capture.records)


def decode_stretch(table: PacketTable, tunnels: U8, stretch: Stretch, *, rows: int) -> list[Fragments]:
    """Decode what is left of a stretch into its table; gives the fragments among it. There are about so many ``rows``.

    Fragments know their rows in this table, and their places in the stretch's bytes.
    """
    part, data, begin, left = stretch
    if left is not None and not len(left):
        return []
    decoding = Decoding(data, table, tunnels, rows=rows)
    columns = part.data_off, part.captured_len, part.wire_len, part.link
    every = np.arange(len(table))
    if left is None:
        frames = _frames_left(decoding, every, columns, begin)
    else:
        frames = _frames(every, columns, begin).pick(left)
    _decode_rows(decoding, frames)
    found = frames.row[table.payload_off[frames.row] > 0]
    table.payload_off[found] += begin
    return decoding.fragments


def rows_of(table: PacketTable, rows: slice) -> PacketTable:
    """Some rows of a table, which can be written through."""
    return PacketTable(*(getattr(table, name)[rows] for name in PacketTable.__struct_fields__))


def _frames_left(decoding: Decoding, rows: I64, columns: Columns, begin: int = 0) -> Frames:
    """The records whose headers are to be read one after the other: where they are many, few are left for that.

    ``columns`` are the records', for these rows of the table; the bytes of ``decoding`` begin at ``begin`` of the file.
    """
    data_off, captured_len, _, link = columns
    header, left = plain_header(int(link[0])), None
    if header is not None and (link == link[0]).all():
        left = decode_whole(decoding, (rows, data_off, captured_len.astype(np.int64)), header, begin=begin)
    if left is not None and not len(left):
        return NO_FRAMES
    frames = _frames(rows, columns, begin)
    return frames if left is None else frames.pick(left)


def plain_header(link: int) -> LinkHeader | None:
    """The header of a link that is of one length and has no options; None where it is not so, or not known."""
    known = LINKS.get(link)
    return known.header if known else None


def _frames(rows: I64, columns: Columns, begin: int) -> Frames:
    """The records of some rows; the bytes that they lie in begin at ``begin`` of the file."""
    data_off, captured_len, wire_len, link = columns[0] - begin, *columns[1:]
    captured_end = data_off + captured_len
    wire_end = np.maximum(data_off + np.minimum(wire_len, MAX_PACKET_LEN), captured_end)
    return Frames(rows, data_off, captured_end, wire_end, link.astype(np.int64) + LINK_TYPE)


def _decode_rows(decoding: Decoding, frames: Frames) -> None:
    """Read one header of every row at a time, the rows with the same kind of header together."""
    for _ in range(MAX_HEADERS):
        further = [
            _step(decoding, frames.keep(frames.following == number), int(number))
            for number in distinct(frames.following)
        ]
        if not any(map(len, further)):
            return
        frames = join(further)
    decoding.table.fate[frames.row] = NESTED_TOO_DEEP


def decoding_oddities(capture: str, packets: PacketTable) -> list[Oddity]:
    """What decoding met that is told of a capture, at its first packet."""
    deep = np.flatnonzero(packets.fate == NESTED_TOO_DEEP)
    return nesting_oddities(capture, len(deep), int(deep[0]) + 1) if len(deep) else []


def nesting_oddities(capture: str, count: int, first_packet: int) -> list[Oddity]:
    """What is told of so many packets that are nested too deep."""
    return [Oddity(NESTING_LIMIT, PacketPlace(capture, first_packet), {"packets": count})] if count else []


def _step(decoding: Decoding, group: Frames, number: int) -> Frames:
    layer = LAYERS.get(number)
    if layer is not None:
        return layer(decoding, decoding.enter_tunnel(group) if number in _TUNNELLED else group)
    decoding.table.fate[group.row] = (
        UNKNOWN_LINK if number >= LINK_TYPE else OTHER_TRANSPORT if number >= IP_PROTOCOL else NOT_IP
    )
    return group.keep(np.zeros(len(group), np.bool_))


def blank_table(rows: int, zeros: Zeros = np.zeros) -> PacketTable:
    """A table that nothing is known of yet: every row is bad until a layer says otherwise."""
    table = PacketTable(
        ip_version=zeros(rows, np.uint8),
        src_hi=zeros(rows, np.int64),
        src_lo=zeros(rows, np.int64),
        dst_hi=zeros(rows, np.int64),
        dst_lo=zeros(rows, np.int64),
        protocol=zeros(rows, np.uint8),
        src_port=zeros(rows, np.uint16),
        dst_port=zeros(rows, np.uint16),
        tcp_flags=zeros(rows, np.uint16),
        seq=zeros(rows, np.uint32),
        ack=zeros(rows, np.uint32),
        window=zeros(rows, np.uint16),
        tsval=zeros(rows, np.uint32),
        tsecr=zeros(rows, np.uint32),
        payload_off=zeros(rows, np.int64),
        payload_len=zeros(rows, np.uint32),
        payload_wire_len=zeros(rows, np.uint32),
        direction=zeros(rows, np.uint8),
        ifindex=zeros(rows, np.uint32),
        fate=zeros(rows, np.uint8),
    )
    table.direction[:] = 255
    table.fate[:] = BAD_HEADER
    return table
