"""TCP segments in whole IPv4 packets, all headers in one pass: what nearly every packet of a mesh is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analyzer.base.kernel import pays, run_kernel
from analyzer.base.table import DECODED, HAS_TIMESTAMP, I64, IPV4_MAPPED_PREFIX, PROTOCOL_TCP, U8, PacketTable
from analyzer.capture.frames import IPV4, NO_LINK_HEADER, Decoding, Frames, LinkHeader
from analyzer.capture.network.ipv4 import FRAGMENT_MASK, decode_ipv4
from analyzer.capture.transport.tcp import KIND_END, KIND_NOP, KIND_TIMESTAMPS, TIMESTAMPS_LEN

# The least that an IPv4 header, a TCP header and an option may have.
_IPV4_LEN = _TCP_LEN = 20
_OPTION_LEN = 2


# Of packets row, first byte and length.
Place = tuple[I64, I64, I64]


def decode_ipv4_tcp(decoding: Decoding, frames: Frames) -> Frames:
    """What ``decode_ipv4`` gives; most packets of a large capture are decoded to their end, and do not go on."""
    left = decode_whole(decoding, (frames.row, frames.at, frames.end - frames.at), NO_LINK_HEADER)
    return decode_ipv4(decoding, frames if left is None else frames.pick(left))


def decode_whole(decoding: Decoding, place: Place, link: LinkHeader, *, begin: int = 0) -> I64 | None:
    """Decode the packets that are TCP in IPv4 behind ``link``; gives the indices of the others, None if not worth it.

    The bytes of ``decoding`` begin at ``begin`` of the file: ``place`` counts from there, and the payload's places
    will.
    """
    rows = max(len(decoding.table), decoding.rows)
    if not pays(decode_segments, rows):
        return None
    left = np.empty(len(place[0]), np.int64)
    arguments = decoding.data, place, (*link, begin), columns_of(decoding.table), left
    return left[: run_kernel(decode_segments, rows, *arguments)]


def columns_of(t: PacketTable) -> tuple[np.ndarray, ...]:
    """The columns of a table, in the order in which kernels take them."""
    return (
        t.ip_version, t.protocol, t.fate, t.src_hi, t.src_lo, t.dst_hi, t.dst_lo, t.src_port, t.dst_port, t.tcp_flags,
        t.window, t.seq, t.ack, t.tsval, t.tsecr, t.payload_off, t.payload_len, t.payload_wire_len, t.direction,
        t.ifindex,
    )  # fmt: skip


def decode_segments(data: U8, place: Sequence[I64], link: Sequence[int], columns: Sequence[I64], left: I64) -> int:
    """Kernel: ``decode_segment`` for each packet; gives how many are none. The indices of these go to ``left``.

    ``place`` counts from the file's beginning.
    """
    rows, begins, sizes = place
    begin = link[4]
    count = 0
    for i in range(len(rows)):
        at = begins[i] - begin
        if not decode_segment(data, rows[i], at, at + sizes[i], link, columns):
            left[count] = i
            count += 1
    return count


def decode_segment(data: U8, row: int, at: int, end: int, link: Sequence[int], columns: Sequence[I64]) -> bool:
    """Fill a row of the columns, where what lies from ``at`` to ``end`` is whole IPv4 with a whole TCP header.

    ``link`` is a ``LinkHeader`` and where in the file ``data`` begins, from where the payload's place counts. What has
    a length of 0, is a fragment, contradicts itself or is cut inside its headers is left as it is. Kernels call this.
    """
    header_len, ethertype_at, packet_type_at, ifindex_at, begin = link
    (
        ip_version, protocol, fate, src_hi, src_lo, dst_hi, dst_lo, src_port, dst_port, tcp_flags,
        window, seq, ack, tsval, tsecr, payload_off, payload_len, payload_wire_len, direction, ifindex,
    ) = columns  # fmt: skip
    ip = at + header_len
    if (
        (ip + _IPV4_LEN + _TCP_LEN > end or data[ip] >> 4 != 4 or data[ip + 9] != PROTOCOL_TCP)
        or (ethertype_at >= 0 and (data[at + ethertype_at] << 8 | data[at + ethertype_at + 1]) != IPV4)
    ):  # fmt: skip
        return False
    tcp = ip + (data[ip] & 15) * 4
    wire_end = ip + (data[ip + 2] << 8 | data[ip + 3])
    end = min(end, wire_end)
    fragment = (data[ip + 6] << 8 | data[ip + 7]) & FRAGMENT_MASK
    if tcp < ip + _IPV4_LEN or tcp + _TCP_LEN > end or fragment:
        return False
    payload = tcp + (data[tcp + 12] >> 4) * 4
    if payload < tcp + _TCP_LEN or payload > end:
        return False
    ip_version[row], protocol[row], fate[row], src_hi[row], dst_hi[row] = 4, PROTOCOL_TCP, DECODED, 0, 0
    address = data[ip + 12] << 24 | data[ip + 13] << 16 | data[ip + 14] << 8 | data[ip + 15]
    src_lo[row] = address | IPV4_MAPPED_PREFIX
    address = data[ip + 16] << 24 | data[ip + 17] << 16 | data[ip + 18] << 8 | data[ip + 19]
    dst_lo[row] = address | IPV4_MAPPED_PREFIX
    src_port[row], dst_port[row] = data[tcp] << 8 | data[tcp + 1], data[tcp + 2] << 8 | data[tcp + 3]
    seq[row] = data[tcp + 4] << 24 | data[tcp + 5] << 16 | data[tcp + 6] << 8 | data[tcp + 7]
    ack[row] = data[tcp + 8] << 24 | data[tcp + 9] << 16 | data[tcp + 10] << 8 | data[tcp + 11]
    flags, window[row] = (data[tcp + 12] & 1) << 8 | data[tcp + 13], data[tcp + 14] << 8 | data[tcp + 15]
    payload_off[row], payload_len[row], payload_wire_len[row] = payload + begin, end - payload, wire_end - payload
    if packet_type_at >= 0:
        direction[row] = data[at + packet_type_at]
    if ifindex_at >= 0:
        at += ifindex_at
        ifindex[row] = data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]
    at = tcp + _TCP_LEN
    while at + _OPTION_LEN <= payload and data[at] != KIND_END:
        length = data[at + 1] & 0xFF
        if data[at] == KIND_NOP:
            length = 1
        elif data[at] == KIND_TIMESTAMPS and length == TIMESTAMPS_LEN and at + length <= payload:
            tsval[row] = data[at + 2] << 24 | data[at + 3] << 16 | data[at + 4] << 8 | data[at + 5]
            tsecr[row] = data[at + 6] << 24 | data[at + 7] << 16 | data[at + 8] << 8 | data[at + 9]
            flags |= HAS_TIMESTAMP
            break
        elif length < _OPTION_LEN:
            break
        at += length
    tcp_flags[row] = flags
    return True
