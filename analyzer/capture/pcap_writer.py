"""A capture written anew with shorter packets, each with the length that it had on the wire.

Nanosecond pcap (draft-ietf-opsawg-pcap) where all packets have one link type, for it is the smallest; else pcapng.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from analyzer.base.table import I64
from analyzer.capture.capture import Capture
from analyzer.capture.pcapng_writer import PickedPacket, write_pcapng
from analyzer.capture.records import MAX_RECORD_LEN, SECOND_NS

MAGIC_NANOSECONDS = 0xA1B23C4D
VERSION = (2, 4)
# The time of a record is 32 bits of seconds; what lies outside is for pcapng.
_SECONDS_END = 1 << 32


def write_cut(capture: Capture, kept: I64) -> Iterator[bytes]:
    """The file with ``kept`` bytes of each record of ``capture``, ``(P,)``; records below 0 are left out."""
    rows = np.flatnonzero(kept >= 0)
    if len(capture.interfaces) == 1 and _fits(capture.records.time_ns[rows]):
        yield struct.pack("<IHHiIII", MAGIC_NANOSECONDS, *VERSION, 0, 0, MAX_RECORD_LEN, capture.interfaces[0].link)
        yield from _records(capture, rows, kept)
    else:
        yield from write_pcapng(PickedPacket(capture, row, kept_len=size) for row, size in _pairs(rows, kept))


def _fits(times_ns: I64) -> bool:
    return bool(((times_ns >= 0) & (times_ns // SECOND_NS < _SECONDS_END)).all())


def _records(capture: Capture, rows: I64, kept: I64) -> Iterator[bytes]:
    seconds, rest = np.divmod(capture.records.time_ns[rows], SECOND_NS)
    columns = (seconds, rest, kept[rows], capture.records.wire_len[rows], capture.records.data_off[rows])
    for second, nanosecond, size, wire_len, begin in zip(*(column.tolist() for column in columns), strict=True):
        yield struct.pack("<IIII", second, nanosecond, size, wire_len)
        yield bytes(capture.buffer[begin : begin + size])


def _pairs(rows: I64, kept: I64) -> Iterator[tuple[int, int]]:
    return zip(rows.tolist(), kept[rows].tolist(), strict=True)
