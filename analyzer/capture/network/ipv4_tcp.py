"""TCP segments in whole IPv4 packets, both headers in one pass: what nearly every packet of a mesh is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analyzer.base.kernel import pays, run_kernel
from analyzer.base.table import DECODED, HAS_TIMESTAMP, I64, IPV4_MAPPED_PREFIX, PROTOCOL_TCP, U8, PacketTable
from analyzer.capture.frames import Decoding, Frames
from analyzer.capture.network.ipv4 import FRAGMENT_MASK, decode_ipv4
from analyzer.capture.transport.tcp import KIND_END, KIND_NOP, KIND_TIMESTAMPS, TIMESTAMPS_LEN

# The least that an IPv4 header, a TCP header and an option may have.
_IPV4_LEN = _TCP_LEN = 20
_OPTION_LEN = 2


def decode_ipv4_tcp(decoding: Decoding, frames: Frames) -> Frames:
    """What ``decode_ipv4`` gives; most packets of a large capture are decoded to their end, and do not go on."""
    rows = max(len(decoding.table), decoding.rows)
    if not pays(decode_segments, rows):
        return decode_ipv4(decoding, frames)
    left = np.empty(len(frames), np.int64)
    bounds = frames.row, frames.at, frames.end
    count = run_kernel(decode_segments, rows, decoding.data, bounds, _columns(decoding.table), left)
    return decode_ipv4(decoding, frames.pick(left[:count]))


def _columns(t: PacketTable) -> tuple[np.ndarray, ...]:
    return (
        t.ip_version, t.protocol, t.fate, t.src_hi, t.src_lo, t.dst_hi, t.dst_lo, t.src_port, t.dst_port, t.tcp_flags,
        t.window, t.seq, t.ack, t.tsval, t.tsecr, t.payload_off, t.payload_len, t.payload_wire_len,
    )  # fmt: skip


def decode_segments(data: U8, frames: Sequence[I64], columns: Sequence[I64], left: I64) -> int:
    """Kernel: fill the columns of the packets that are whole IPv4 with whole TCP headers; gives how many are not.

    ``frames`` are row, first and last byte of each, the others' indices go to ``left``. What has a length of 0, is a
    fragment, contradicts itself or is cut inside its headers is left as it is.
    """
    rows, begins, ends = frames
    (
        ip_version, protocol, fate, src_hi, src_lo, dst_hi, dst_lo, src_port, dst_port, tcp_flags,
        window, seq, ack, tsval, tsecr, payload_off, payload_len, payload_wire_len,
    ) = columns  # fmt: skip
    count = 0
    for i in range(len(rows)):
        row, ip, end = rows[i], begins[i], ends[i]
        left[count] = i
        count += 1
        if ip + _IPV4_LEN + _TCP_LEN > end or data[ip] >> 4 != 4 or data[ip + 9] != PROTOCOL_TCP:
            continue
        tcp = ip + (data[ip] & 15) * 4
        wire_end = ip + (data[ip + 2] << 8 | data[ip + 3])
        end = min(end, wire_end)
        fragment = (data[ip + 6] << 8 | data[ip + 7]) & FRAGMENT_MASK
        if tcp < ip + _IPV4_LEN or tcp + _TCP_LEN > end or fragment:
            continue
        payload = tcp + (data[tcp + 12] >> 4) * 4
        if payload < tcp + _TCP_LEN or payload > end:
            continue
        count -= 1
        source = data[ip + 12] << 24 | data[ip + 13] << 16 | data[ip + 14] << 8 | data[ip + 15]
        destination = data[ip + 16] << 24 | data[ip + 17] << 16 | data[ip + 18] << 8 | data[ip + 19]
        ip_version[row], protocol[row], fate[row] = 4, PROTOCOL_TCP, DECODED
        src_hi[row], src_lo[row] = 0, source | IPV4_MAPPED_PREFIX
        dst_hi[row], dst_lo[row] = 0, destination | IPV4_MAPPED_PREFIX
        src_port[row] = data[tcp] << 8 | data[tcp + 1]
        dst_port[row] = data[tcp + 2] << 8 | data[tcp + 3]
        seq[row] = data[tcp + 4] << 24 | data[tcp + 5] << 16 | data[tcp + 6] << 8 | data[tcp + 7]
        ack[row] = data[tcp + 8] << 24 | data[tcp + 9] << 16 | data[tcp + 10] << 8 | data[tcp + 11]
        flags = (data[tcp + 12] & 1) << 8 | data[tcp + 13]
        window[row] = data[tcp + 14] << 8 | data[tcp + 15]
        payload_off[row], payload_len[row], payload_wire_len[row] = payload, end - payload, wire_end - payload
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
    return count
