"""Ethernet (LINKTYPE_ETHERNET 1): two addresses and an EtherType (IEEE 802.3 clause 3)."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import Decoding, Frames

HEADER = np.dtype([("destination", "V6"), ("source", "V6"), ("ethertype", ">u2")])


def decode_ethernet(decoding: Decoding, frames: Frames) -> Frames:
    """What follows the header; a length instead of a type (802.3 with LLC) leads to no known header."""
    frames = decoding.whole(frames, HEADER.itemsize)
    header = decoding.read(frames, HEADER)
    return frames.advance(HEADER.itemsize, header["ethertype"])
