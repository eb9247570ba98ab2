"""PPPoE sessions (RFC 2516)."""

from __future__ import annotations

import numpy as np

from analyzer.base.fact import replace
from analyzer.capture.frames import LINK_TYPE, PPP, Decoding, Frames

# Codes other than this belong to discovery (section 4).
SESSION_DATA = 0

HEADER = np.dtype([("version_type", "u1"), ("code", "u1"), ("session", ">u2"), ("length", ">u2")])


def decode_pppoe(decoding: Decoding, frames: Frames) -> Frames:
    """The PPP frame inside, as long as the header says: what pads the Ethernet frame is no part of it."""
    frames = decoding.whole(frames, HEADER.itemsize)
    header = decoding.read(frames, HEADER)
    wire_end = np.minimum(frames.wire_end, frames.at + HEADER.itemsize + header["length"])
    inner = replace(frames, end=np.minimum(frames.end, wire_end), wire_end=wire_end)
    return inner.advance(HEADER.itemsize, np.where(header["code"] == SESSION_DATA, LINK_TYPE + PPP, 0))
