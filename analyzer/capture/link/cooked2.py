"""Linux cooked capture v2 (LINKTYPE_LINUX_SLL2 276): what ``tcpdump -i any`` writes; it names the interface."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import Decoding, Frames

HEADER = np.dtype(
    [
        ("protocol", ">u2"),
        ("reserved", ">u2"),
        ("ifindex", ">u4"),
        ("arphrd", ">u2"),
        ("packet_type", "u1"),
        ("address", "V9"),
    ]
)


def decode_cooked2(decoding: Decoding, frames: Frames) -> Frames:
    """What follows; the packet type goes to ``direction`` and the interface index to ``ifindex``."""
    frames = decoding.whole(frames, HEADER.itemsize)
    header = decoding.read(frames, HEADER)
    decoding.table.direction[frames.row] = header["packet_type"]
    decoding.table.ifindex[frames.row] = header["ifindex"]
    return frames.advance(HEADER.itemsize, header["protocol"])
