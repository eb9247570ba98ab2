"""IPv6 and its extension headers (RFC 8200)."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import IP_PROTOCOL, Decoding, Frames

HEADER = np.dtype(
    [
        ("version_class_flow", ">u4"),
        ("payload_len", ">u2"),
        ("next_header", "u1"),
        ("hop_limit", "u1"),
        ("source_hi", ">i8"),
        ("source_lo", ">i8"),
        ("destination_hi", ">i8"),
        ("destination_lo", ">i8"),
    ]
)
OPTIONS = np.dtype([("next_header", "u1"), ("extension_len", "u1")])
FRAGMENT = np.dtype([("next_header", "u1"), ("reserved", "u1"), ("fragment", ">u2"), ("identification", ">u4")])

# Offset and "more fragments" (RFC 8200 section 4.5); both zero in an atomic fragment, which is whole (RFC 6946).
MORE_FRAGMENTS, OFFSET = 0x0001, 0xFFF8
FRAGMENT_MASK = MORE_FRAGMENTS | OFFSET


def decode_ipv6(decoding: Decoding, frames: Frames) -> Frames:
    """The next header of every packet.

    A payload length of 0 stands in jumbograms (RFC 2675) and in the segments of BIG TCP, with or without the
    hop-by-hop option: the packet then reaches to the end of the record.
    """
    frames = decoding.whole(frames, HEADER.itemsize)
    header = decoding.read(frames, HEADER)
    sound = header["version_class_flow"] >> 28 == 6
    if not sound.all():
        frames, header = decoding.sound(frames, sound), header[sound]
    table, row = decoding.table, frames.row
    table.ip_version[row] = 6
    table.src_hi[row] = header["source_hi"]
    table.src_lo[row] = header["source_lo"]
    table.dst_hi[row] = header["destination_hi"]
    table.dst_lo[row] = header["destination_lo"]
    table.protocol[row] = header["next_header"]
    payload_len = header["payload_len"].astype(np.int64)
    at = frames.at + HEADER.itemsize
    wire_end = np.where(payload_len == 0, frames.wire_end, at + payload_len)
    following = header["next_header"].astype(np.int64) + IP_PROTOCOL
    return Frames(row, at, np.minimum(frames.end, wire_end), wire_end, following)


def decode_options(decoding: Decoding, frames: Frames) -> Frames:
    """What follows a hop-by-hop, destination options, routing or mobility header (all have the same shape)."""
    return _decode_extension(decoding, frames, unit=8, first=8)


def decode_authentication(decoding: Decoding, frames: Frames) -> Frames:
    """What follows an authentication header (RFC 4302 section 2.2: length in words of four bytes, minus 2)."""
    return _decode_extension(decoding, frames, unit=4, first=8)


def _decode_extension(decoding: Decoding, frames: Frames, *, unit: int, first: int) -> Frames:
    frames = decoding.whole(frames, OPTIONS.itemsize)
    extension = decoding.read(frames, OPTIONS)
    decoding.table.protocol[frames.row] = extension["next_header"]
    size = extension["extension_len"].astype(np.int64) * unit + first
    return frames.advance(size, extension["next_header"].astype(np.int64) + IP_PROTOCOL)


def decode_fragment(decoding: Decoding, frames: Frames) -> Frames:
    """What follows the header of an atomic fragment; other fragments are noted."""
    frames = decoding.whole(frames, FRAGMENT.itemsize)
    fragment = decoding.read(frames, FRAGMENT)
    decoding.table.protocol[frames.row] = fragment["next_header"]
    inner = frames.advance(FRAGMENT.itemsize, fragment["next_header"].astype(np.int64) + IP_PROTOCOL)
    whole = (fragment["fragment"] & FRAGMENT_MASK) == 0
    if not whole.all():
        pieces = fragment[~whole]
        start, more = pieces["fragment"] & OFFSET, pieces["fragment"] & MORE_FRAGMENTS
        decoding.note_fragments(inner.keep(~whole), start, more, pieces["identification"])
    return inner.keep(whole)
