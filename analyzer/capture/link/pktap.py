"""Apple's packet tap (LINKTYPE_PKTAP 258): what ``tcpdump -i any`` writes on macOS."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import LINK_TYPE, Decoding, Frames

HEADER = np.dtype([("length", "<u4"), ("record_type", "<u4"), ("link", "<u4")])

# LINKTYPE_ numbers have sixteen bits.
LINK_MASK = 0xFFFF


def decode_pktap(decoding: Decoding, frames: Frames) -> Frames:
    """The frame behind the header, of the link type that it names."""
    frames = decoding.whole(frames, HEADER.itemsize)
    header = decoding.read(frames, HEADER)
    length = header["length"].astype(np.int64)
    sound = length >= HEADER.itemsize
    link = header["link"][sound].astype(np.int64) & LINK_MASK
    return decoding.sound(frames, sound).advance(length[sound], LINK_TYPE + link)
