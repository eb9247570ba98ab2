"""Records to packets: every header of every record, many records at a time."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from analyzer.base.oddity import Code, Family, Level, Oddity
from analyzer.base.pages import SPAN, forget_pages
from analyzer.base.place import PacketPlace
from analyzer.base.table import (
    BAD_HEADER,
    NESTED_TOO_DEEP,
    NOT_IP,
    OTHER_TRANSPORT,
    UNKNOWN_LINK,
    PacketTable,
    RecordTable,
    distinct,
)
from analyzer.capture.capture import Capture
from analyzer.capture.frames import IP_PROTOCOL, LINK_TYPE, UDP_PORT, Decoding, Frames, Layer, join
from analyzer.capture.gather import as_bytes
from analyzer.capture.link import LINKS
from analyzer.capture.network import ENCAPSULATIONS, EXTENSIONS, NETWORKS
from analyzer.capture.network.fragments import join_fragments
from analyzer.capture.transport import TRANSPORTS
from analyzer.capture.tunnel import TUNNELS

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

# Rows whose temporary columns stay in the processor's cache together.
ROWS_AT_ONCE = 32_768

# A packet of 64 KiB could nest eight thousand headers; 170 options in a row have been seen, in an attack.
MAX_HEADERS = 256

# What Linux puts into one packet for the network card to cut up: GSO_MAX_SIZE is 524280 (include/linux/netdevice.h).
# A record may claim four gigabytes.
MAX_PACKET_LEN = 1 << 20


def decode_packets(capture: Capture) -> PacketTable:
    """The table of all packets of a capture; row i is record i, and ``fate`` says how far each was understood.

    Columns that a record's headers do not reach are 0 (``direction`` 255). Nothing in a packet makes this raise.
    """
    table = blank_table(len(capture.records))
    decoding = Decoding(as_bytes(capture.buffer), table, np.zeros(len(table), np.uint8))
    read_from = 0
    for first in range(0, len(table), ROWS_AT_ONCE):
        last = min(first + ROWS_AT_ONCE, len(table))
        _decode_rows(decoding, _frames(capture.records, first, last))
        if (read_to := int(capture.records.data_off[last - 1])) - read_from > SPAN:
            forget_pages(capture.buffer)
            read_from = read_to
    forget_pages(capture.buffer)
    join_fragments(decoding, capture.records, _decode_rows)
    return table


def _frames(records: RecordTable, first: int, last: int) -> Frames:
    at = records.data_off[first:last]
    captured_end = at + records.captured_len[first:last]
    wire_end = np.maximum(at + np.minimum(records.wire_len[first:last], MAX_PACKET_LEN), captured_end)
    following = records.link[first:last].astype(np.int64) + LINK_TYPE
    return Frames(np.arange(first, last, dtype=np.int64), at, captured_end, wire_end, following)


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


def blank_table(rows: int) -> PacketTable:
    """A table that nothing is known of yet: every row is bad until a layer says otherwise."""
    return PacketTable(
        ip_version=np.zeros(rows, np.uint8),
        src_hi=np.zeros(rows, np.int64),
        src_lo=np.zeros(rows, np.int64),
        dst_hi=np.zeros(rows, np.int64),
        dst_lo=np.zeros(rows, np.int64),
        protocol=np.zeros(rows, np.uint8),
        src_port=np.zeros(rows, np.uint16),
        dst_port=np.zeros(rows, np.uint16),
        tcp_flags=np.zeros(rows, np.uint16),
        seq=np.zeros(rows, np.uint32),
        ack=np.zeros(rows, np.uint32),
        window=np.zeros(rows, np.uint16),
        tsval=np.zeros(rows, np.uint32),
        tsecr=np.zeros(rows, np.uint32),
        payload_off=np.zeros(rows, np.int64),
        payload_len=np.zeros(rows, np.uint32),
        payload_wire_len=np.zeros(rows, np.uint32),
        direction=np.full(rows, 255, np.uint8),
        ifindex=np.zeros(rows, np.uint32),
        fate=np.full(rows, BAD_HEADER, np.uint8),
    )
