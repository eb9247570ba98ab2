"""Cisco HDLC (LINKTYPE_C_HDLC 104): an address, a control byte, and an EtherType (RFC 1547 section 4.3.1)."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import Decoding, Frames

HEADER = np.dtype([("address", "u1"), ("control", "u1"), ("ethertype", ">u2")])


def decode_cisco_hdlc(decoding: Decoding, frames: Frames) -> Frames:
    """What follows the header."""
    frames = decoding.whole(frames, HEADER.itemsize)
    return frames.advance(HEADER.itemsize, decoding.read(frames, HEADER)["ethertype"])
