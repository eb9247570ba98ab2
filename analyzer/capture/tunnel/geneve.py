"""Geneve (RFC 8926): frames or packets inside UDP, with options."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import Decoding, Frames

HEADER = np.dtype([("version_options", "u1"), ("flags", "u1"), ("protocol", ">u2"), ("vni_reserved", ">u4")])

OPTIONS_WORDS = 0x3F


def decode_geneve(decoding: Decoding, frames: Frames) -> Frames:
    """What is inside, by EtherType. A datagram that is not of Geneve's version 0 stays UDP."""
    frames = frames.keep(frames.at + HEADER.itemsize <= frames.end)
    header = decoding.read(frames, HEADER)
    valid = header["version_options"] >> 6 == 0
    header = header[valid]
    options_len = (header["version_options"] & OPTIONS_WORDS).astype(np.int64) * 4
    return frames.keep(valid).advance(HEADER.itemsize + options_len, header["protocol"])
