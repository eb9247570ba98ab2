"""VLAN tags (IEEE 802.1Q clause 9): four bytes that may stand several times before the EtherType."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import Decoding, Frames

# The EtherType of the tag itself is already read; what is left is its control information and the next EtherType.
TAG = np.dtype([("control", ">u2"), ("ethertype", ">u2")])


def decode_vlan(decoding: Decoding, frames: Frames) -> Frames:
    """What follows the tag; the VLAN number itself decides nothing."""
    frames = decoding.whole(frames, TAG.itemsize)
    return frames.advance(TAG.itemsize, decoding.read(frames, TAG)["ethertype"])
