"""GRE (RFC 2784, RFC 2890): a packet or a frame inside IP."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import Decoding, Frames

HEADER = np.dtype([("flags_version", ">u2"), ("protocol", ">u2")])

# Each of these flags adds four bytes; the routing flag (RFC 1701) adds those of the checksum.
CHECKSUM_OR_ROUTING, KEY, SEQUENCE = 0xC000, 0x2000, 0x1000
VERSION = 0x0007


def decode_gre(decoding: Decoding, frames: Frames) -> Frames:
    """What is inside, by EtherType. Version 1 (PPTP, RFC 2637) has other fields, and leads to no known header."""
    frames = decoding.whole(frames, HEADER.itemsize)
    header = decoding.read(frames, HEADER)
    flags = header["flags_version"]
    optional = [(flags & flag != 0).astype(np.int64) for flag in (CHECKSUM_OR_ROUTING, KEY, SEQUENCE)]
    protocol = np.where(flags & VERSION == 0, header["protocol"], 0)
    return frames.advance(HEADER.itemsize + 4 * (optional[0] + optional[1] + optional[2]), protocol)
