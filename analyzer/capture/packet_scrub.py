"""Packets under pseudonyms: other addresses, no hardware addresses, payloads as they are given, checksums mended.

Only TCP that lies directly in IP is left, on the link types of ``_HEADS``: what else a capture holds is not known to be
harmless, and no verdict stands on it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from analyzer.base.pseudonym import Pseudonyms
from analyzer.base.table import PROTOCOL_TCP, PacketTable, decoded_as
from analyzer.capture.capture import Capture

_VLAN = (b"\x81\x00", b"\x88\xa8")
_ADDRESSES: Mapping[int, tuple[int, int, int]] = MappingProxyType({4: (12, 4, 10), 6: (8, 16, 0)})


class _UnknownError(Exception):
    """A frame that is not of the shapes that are rewritten."""


def scrub_packets(
    capture: Capture, packets: PacketTable, payloads: bytes, names: Pseudonyms
) -> tuple[bytes, list[int]]:
    """The buffer of a capture with every packet that is kept rewritten in place, and the rows of those.

    ``payloads`` is as long as the buffer, and has the new payloads where the old ones lie.
    """
    buffer = bytearray(len(capture.buffer))
    kept = []
    records = capture.records
    rows = np.flatnonzero(decoded_as(packets, PROTOCOL_TCP)).tolist()
    for row in rows:
        begin, size = int(records.data_off[row]), int(records.captured_len[row])
        frame = bytearray(capture.buffer[begin : begin + size])
        payload_at = int(packets.payload_off[row]) - begin
        payload_len = int(packets.payload_len[row])
        frame[payload_at : payload_at + payload_len] = payloads[begin + payload_at : begin + payload_at + payload_len]
        del frame[payload_at + payload_len :]
        frame += bytes(size - len(frame))
        try:
            _scrub_frame(frame, int(records.link[row]), payload_at, names)
        except (_UnknownError, IndexError, struct.error):
            continue
        buffer[begin : begin + size] = frame
        kept.append(row)
    return bytes(buffer), kept


def _scrub_frame(frame: bytearray, link: int, payload_at: int, names: Pseudonyms) -> None:
    find = _HEADS.get(link)
    if find is None:
        raise _UnknownError
    at = find(frame)
    version = frame[at] >> 4
    if version not in _ADDRESSES:
        raise _UnknownError
    first, size, checksum = _ADDRESSES[version]
    head_len = (frame[at] & 15) * 4 if version == 4 else 40
    protocol = frame[at + 9] if version == 4 else frame[at + 6]
    tcp = at + head_len
    if protocol != PROTOCOL_TCP or tcp + (frame[tcp + 12] >> 4) * 4 != payload_at:
        raise _UnknownError
    for begin in (at + first, at + first + size):
        frame[begin : begin + size] = names.packed(bytes(frame[begin : begin + size]))
    if checksum:
        _mend(frame, at + checksum, at, tcp)
    wire_len = int.from_bytes(frame[at + 2 : at + 4], "big") if version == 4 else head_len + _payload_len(frame, at)
    frame[tcp + 16 : tcp + 18] = bytes(2)
    # Of a packet that the capture cut the sum cannot be known.
    if len(frame) >= at + wire_len:
        ends = bytes(frame[at + first : at + first + 2 * size]) + struct.pack(">II", wire_len - head_len, PROTOCOL_TCP)
        _mend(frame, tcp + 16, tcp, at + wire_len, ends)


def _payload_len(frame: bytearray, at: int) -> int:
    return int.from_bytes(frame[at + 4 : at + 6], "big")


def _mend(frame: bytearray, field: int, begin: int, end: int, before: bytes = b"") -> None:
    """Writes the Internet checksum (RFC 1071) of ``before`` and the bytes from ``begin`` to ``end``."""
    frame[field : field + 2] = bytes(2)
    data = before + bytes(frame[begin:end])
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    frame[field : field + 2] = (~total & 0xFFFF).to_bytes(2, "big")


def _cooked(frame: bytearray) -> int:
    frame[6:14] = bytes(8)
    return 16


def _cooked2(frame: bytearray) -> int:
    frame[12:20] = bytes(8)
    return 20


def _ethernet(frame: bytearray) -> int:
    frame[:12] = bytes(12)
    at = 12
    while bytes(frame[at : at + 2]) in _VLAN:
        at += 4
    return at + 2


def _raw(_frame: bytearray) -> int:
    return 0


def _loopback(_frame: bytearray) -> int:
    return 4


_HEADS: Mapping[int, Callable[[bytearray], int]] = MappingProxyType(
    {
        0: _loopback,
        1: _ethernet,
        12: _raw,
        14: _raw,
        101: _raw,
        108: _loopback,
        113: _cooked,
        228: _raw,
        229: _raw,
        276: _cooked2,
    }
)
