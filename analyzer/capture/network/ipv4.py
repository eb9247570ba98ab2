"""IPv4 (RFC 791)."""

from __future__ import annotations

import numpy as np

from analyzer.base.table import IPV4_MAPPED_PREFIX
from analyzer.capture.frames import IP_PROTOCOL, Decoding, Frames

HEADER = np.dtype(
    [
        ("version_ihl", "u1"),
        ("tos", "u1"),
        ("total_len", ">u2"),
        ("identification", ">u2"),
        ("fragment", ">u2"),
        ("ttl", "u1"),
        ("protocol", "u1"),
        ("checksum", ">u2"),
        ("source", ">u4"),
        ("destination", ">u4"),
    ]
)

# The flag "more fragments" and the thirteen bits of the offset, in units of eight: none is set in a whole packet.
MORE_FRAGMENTS, OFFSET = 0x2000, 0x1FFF
FRAGMENT_MASK = MORE_FRAGMENTS | OFFSET


def decode_ipv4(decoding: Decoding, frames: Frames) -> Frames:
    """The transport header of whole packets; fragments are noted.

    A total length of 0 is a packet that the sender's network card was to cut up (TSO, BIG TCP): it reaches to the
    end of the record. Any other length bounds the packet, so that Ethernet padding is no payload. Checksums are
    not looked at: offloading leaves them wrong in captures taken at the sender.
    """
    frames = decoding.whole(frames, HEADER.itemsize)
    header = decoding.read(frames, HEADER)
    header_len = (header["version_ihl"] & 0x0F).astype(np.int64) * 4
    total_len = header["total_len"].astype(np.int64)
    offloaded = total_len == 0
    sound = (header["version_ihl"] >> 4 == 4) & (header_len >= HEADER.itemsize)
    sound &= offloaded | (total_len >= header_len)
    if not sound.all():
        frames = decoding.sound(frames, sound)
        header, header_len = header[sound], header_len[sound]
        total_len, offloaded = total_len[sound], offloaded[sound]
    table, row = decoding.table, frames.row
    table.ip_version[row] = 4
    table.protocol[row] = header["protocol"]
    # Halves of an IPv6 address that may have stood around this packet.
    table.src_hi[row] = 0
    table.dst_hi[row] = 0
    table.src_lo[row] = header["source"].astype(np.int64) | IPV4_MAPPED_PREFIX
    table.dst_lo[row] = header["destination"].astype(np.int64) | IPV4_MAPPED_PREFIX
    wire_end = np.where(offloaded, frames.wire_end, frames.at + total_len)
    following = header["protocol"].astype(np.int64) + IP_PROTOCOL
    inner = Frames(row, frames.at + header_len, np.minimum(frames.end, wire_end), wire_end, following)
    fragmented = (header["fragment"] & FRAGMENT_MASK) != 0
    if fragmented.any():
        pieces = header[fragmented]
        start, more = (pieces["fragment"] & OFFSET).astype(np.int64) * 8, pieces["fragment"] & MORE_FRAGMENTS
        decoding.note_fragments(inner.keep(fragmented), start, more, pieces["identification"])
        inner = inner.keep(~fragmented)
    return inner
