"""LLC with SNAP (IEEE 802.2; RFC 1042): how frames with a length instead of an EtherType, and Wi-Fi, carry IP."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import Decoding, Frames

HEADER = np.dtype([("saps", ">u2"), ("control", "u1"), ("organization", "V3"), ("ethertype", ">u2")])

SNAP = 0xAAAA


def decode_llc(decoding: Decoding, frames: Frames) -> Frames:
    """What follows a SNAP header; anything else in LLC (spanning tree, IS-IS) leads to no known header."""
    frames = decoding.whole(frames, HEADER.itemsize)
    header = decoding.read(frames, HEADER)
    return frames.advance(HEADER.itemsize, np.where(header["saps"] == SNAP, header["ethertype"], 0))
