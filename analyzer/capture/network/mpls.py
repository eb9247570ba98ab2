"""MPLS (RFC 3032): a stack of labels, four bytes each."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import LINK_TYPE, MPLS, RAW_IP, Decoding, Frames

LABEL = np.dtype([("entry", ">u4")])

BOTTOM_OF_STACK = 0x100


def decode_mpls(decoding: Decoding, frames: Frames) -> Frames:
    """What follows a label: the next one, or below the last the IP packet, which no field announces."""
    frames = decoding.whole(frames, LABEL.itemsize)
    bottom = (decoding.read(frames, LABEL)["entry"] & BOTTOM_OF_STACK) != 0
    return frames.advance(LABEL.itemsize, np.where(bottom, LINK_TYPE + RAW_IP, MPLS))
