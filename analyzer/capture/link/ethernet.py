"""Ethernet (LINKTYPE_ETHERNET 1): two addresses and an EtherType (IEEE 802.3 clause 3)."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import LLC, Decoding, Frames

# What is smaller is the length of an 802.3 frame (clause 3.2.6).
LEAST_ETHERTYPE = 0x0600

HEADER = np.dtype([("destination", "V6"), ("source", "V6"), ("ethertype", ">u2")])


def decode_ethernet(decoding: Decoding, frames: Frames) -> Frames:
    """What follows the header; behind a length instead of a type that is LLC."""
    frames = decoding.whole(frames, HEADER.itemsize)
    ethertype = decoding.read(frames, HEADER)["ethertype"]
    return frames.advance(HEADER.itemsize, np.where(ethertype < LEAST_ETHERTYPE, LLC, ethertype))
