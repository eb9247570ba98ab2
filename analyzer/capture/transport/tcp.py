"""TCP (RFC 9293) and its timestamps option (RFC 7323)."""

from __future__ import annotations

import numpy as np

from analyzer.base.table import DECODED, HAS_TIMESTAMP, I64
from analyzer.capture.frames import Decoding, Frames, nothing
from analyzer.capture.gather import gather

HEADER = np.dtype(
    [
        ("source", ">u2"),
        ("destination", ">u2"),
        ("seq", ">u4"),
        ("ack", ">u4"),
        ("offset_flags", ">u2"),
        ("window", ">u2"),
        ("checksum", ">u2"),
        ("urgent", ">u2"),
    ]
)
OPTION = np.dtype([("kind", "u1"), ("length", "u1")])
TIMESTAMPS = np.dtype([("tsval", ">u4"), ("tsecr", ">u4")])
ALIGNED = np.dtype([("prefix", ">u4"), ("tsval", ">u4"), ("tsecr", ">u4")])

KIND_END, KIND_NOP, KIND_TIMESTAMPS = 0, 1, 8
TIMESTAMPS_LEN = 10
# Two NOPs, kind 8, length 10: how nearly every segment after the SYN carries them (RFC 7323 appendix A).
ALIGNED_PREFIX = 0x0101_080A
# Fifteen words of header less the fixed five: more options than bytes cannot be.
MAX_OPTIONS = 40


def decode_tcp(decoding: Decoding, frames: Frames) -> Frames:
    """Nothing follows. A header cut inside its options still gives ports, numbers and flags, and no payload."""
    frames = decoding.whole(frames, HEADER.itemsize)
    header = decoding.read(frames, HEADER)
    header_len = (header["offset_flags"] >> 12).astype(np.int64) * 4
    sound = (header_len >= HEADER.itemsize) & (frames.at + header_len <= frames.wire_end)
    if not sound.all():
        frames, header, header_len = decoding.sound(frames, sound), header[sound], header_len[sound]
    table, row = decoding.table, frames.row
    table.src_port[row] = header["source"]
    table.dst_port[row] = header["destination"]
    table.seq[row] = header["seq"]
    table.ack[row] = header["ack"]
    table.window[row] = header["window"]
    table.tcp_flags[row] = header["offset_flags"] & 0x01FF
    payload = frames.at + header_len
    table.payload_off[row] = np.minimum(payload, frames.end)
    table.payload_len[row] = np.maximum(frames.end - payload, 0)
    table.payload_wire_len[row] = frames.wire_end - payload
    table.fate[row] = DECODED
    _read_timestamps(decoding, row, frames.at + HEADER.itemsize, np.minimum(payload, frames.end))
    return nothing(frames)


def _read_timestamps(decoding: Decoding, row: I64, at: I64, end: I64) -> None:
    """Fill ``tsval`` and ``tsecr`` from the options between ``at`` and ``end``."""
    room = at + ALIGNED.itemsize <= end
    front = gather(decoding.data, at[room], ALIGNED)
    aligned = front["prefix"] == ALIGNED_PREFIX
    _store(decoding, row[room][aligned], front["tsval"][aligned], front["tsecr"][aligned])
    slow = at < end
    slow[np.flatnonzero(room)[aligned]] = False
    _walk_options(decoding, row[slow], at[slow], end[slow])


def _walk_options(decoding: Decoding, row: I64, at: I64, end: I64) -> None:
    """Step over one option of every row at a time; a length below two or beyond the header ends a row's walk."""
    for _ in range(MAX_OPTIONS):
        room = at + OPTION.itemsize <= end
        row, at, end = row[room], at[room], end[room]
        if not len(row):
            return
        option = gather(decoding.data, at, OPTION)
        nop = option["kind"] == KIND_NOP
        length = np.where(nop, 1, option["length"]).astype(np.int64)
        found = (option["kind"] == KIND_TIMESTAMPS) & (length == TIMESTAMPS_LEN) & (at + TIMESTAMPS_LEN <= end)
        stamps = gather(decoding.data, at[found] + OPTION.itemsize, TIMESTAMPS)
        _store(decoding, row[found], stamps["tsval"], stamps["tsecr"])
        going = ~found & (option["kind"] != KIND_END) & (nop | (length >= OPTION.itemsize))
        row, at, end = row[going], (at + length)[going], end[going]


def _store(decoding: Decoding, row: I64, tsval: np.ndarray, tsecr: np.ndarray) -> None:
    decoding.table.tsval[row] = tsval
    decoding.table.tsecr[row] = tsecr
    decoding.table.tcp_flags[row] |= HAS_TIMESTAMP
