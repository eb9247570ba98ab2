"""VXLAN (RFC 7348): Ethernet frames inside UDP, between the nodes of an overlay network."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import ETHERNET, LINK_TYPE, Decoding, Frames

HEADER = np.dtype([("flags_reserved", ">u4"), ("vni_reserved", ">u4")])

# The one flag that is set, and the reserved byte behind the network identifier (section 5).
VALID_VNI = 0x0800_0000
RESERVED = 0xFF


def decode_vxlan(decoding: Decoding, frames: Frames) -> Frames:
    """The frame inside. A datagram that does not look like VXLAN stays what it was: UDP on that port."""
    frames = frames.keep(frames.at + HEADER.itemsize <= frames.end)
    header = decoding.read(frames, HEADER)
    valid = (header["flags_reserved"] == VALID_VNI) & (header["vni_reserved"] & RESERVED == 0)
    return frames.keep(valid).advance(HEADER.itemsize, LINK_TYPE + ETHERNET)
