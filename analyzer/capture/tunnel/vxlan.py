"""VXLAN (RFC 7348): Ethernet frames inside UDP, between the nodes of an overlay network."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import ETHERNET, LINK_TYPE, Decoding, Frames

HEADER = np.dtype([("flags", "u1"), ("reserved", "V3"), ("vni_reserved", ">u4")])

# The flag that says that there is a network identifier; everything reserved is to be ignored (section 5).
VALID_VNI = 0x08


def decode_vxlan(decoding: Decoding, frames: Frames) -> Frames:
    """The frame inside. A datagram that does not look like VXLAN stays what it was: UDP on that port."""
    frames = frames.keep(frames.at + HEADER.itemsize <= frames.end)
    valid = decoding.read(frames, HEADER)["flags"] & VALID_VNI != 0
    return frames.keep(valid).advance(HEADER.itemsize, LINK_TYPE + ETHERNET)
