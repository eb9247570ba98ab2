"""Linux cooked capture (LINKTYPE_LINUX_SLL 113): what ``tcpdump -i any`` writes on older systems."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import Decoding, Frames

HEADER = np.dtype([("packet_type", ">u2"), ("arphrd", ">u2"), ("address", "V10"), ("protocol", ">u2")])


def decode_cooked(decoding: Decoding, frames: Frames) -> Frames:
    """What follows; the packet type (0 to us .. 4 sent by us) goes to ``direction``."""
    frames = decoding.whole(frames, HEADER.itemsize)
    header = decoding.read(frames, HEADER)
    decoding.table.direction[frames.row] = np.minimum(header["packet_type"], 255)
    return frames.advance(HEADER.itemsize, header["protocol"])
