"""GRE (RFC 2784, RFC 2890): a packet or a frame inside IP."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import ETHERNET, LINK_TYPE, Decoding, Frames

HEADER = np.dtype([("flags_version", ">u2"), ("protocol", ">u2")])

# Each of these flags adds four bytes; the routing flag (RFC 1701) adds those of the checksum.
CHECKSUM_OR_ROUTING, KEY, SEQUENCE = 0xC000, 0x2000, 0x1000
VERSION = 0x0007

# ERSPAN has a header of its own only where GRE has a sequence number; without one (type I) the frame follows.
ERSPAN = 0x88BE


def decode_gre(decoding: Decoding, frames: Frames) -> Frames:
    """What is inside, by EtherType. Version 1 (PPTP, RFC 2637) has other fields, and leads to no known header."""
    frames = decoding.whole(frames, HEADER.itemsize)
    header = decoding.read(frames, HEADER)
    flags = header["flags_version"]
    protocol = np.where(flags & VERSION == 0, header["protocol"].astype(np.int64), 0)
    protocol[(protocol == ERSPAN) & (flags & SEQUENCE == 0)] = LINK_TYPE + ETHERNET
    optional = [(flags & flag != 0).astype(np.int64) for flag in (CHECKSUM_OR_ROUTING, KEY, SEQUENCE)]
    return frames.advance(HEADER.itemsize + 4 * (optional[0] + optional[1] + optional[2]), protocol)
