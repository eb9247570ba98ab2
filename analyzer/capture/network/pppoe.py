"""PPPoE sessions (RFC 2516)."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import LINK_TYPE, PPP, Decoding, Frames

HEADER = np.dtype([("version_type", "u1"), ("code", "u1"), ("session", ">u2"), ("length", ">u2")])


def decode_pppoe(decoding: Decoding, frames: Frames) -> Frames:
    """The PPP frame inside."""
    frames = decoding.whole(frames, HEADER.itemsize)
    return frames.advance(HEADER.itemsize, LINK_TYPE + PPP)
