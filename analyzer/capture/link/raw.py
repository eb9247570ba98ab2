"""Raw IP (LINKTYPE_RAW 101, also 12 and 14; LINKTYPE_IPV4 228, LINKTYPE_IPV6 229): no link header at all."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import IPV4, IPV6, Decoding, Frames

HEADER = np.dtype([("version_ihl", "u1")])


def decode_raw(decoding: Decoding, frames: Frames) -> Frames:
    """The IP version by its own first four bits; a packet that is neither 4 nor 6 is bad."""
    frames = decoding.whole(frames, HEADER.itemsize)
    version = decoding.read(frames, HEADER)["version_ihl"] >> 4
    known = (version == 4) | (version == 6)
    frames = decoding.sound(frames, known)
    return frames.advance(0, np.where(version[known] == 4, IPV4, IPV6))
