"""ERSPAN (draft-foschiano-erspan): frames that a switch mirrors to an analyser, inside GRE."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import ETHERNET, LINK_TYPE, Decoding, Frames

TYPE_II_LEN = 8
TYPE_III = np.dtype([("head", "V11"), ("flags", "u1")])

# Type III: a subheader of eight bytes follows the header.
SUBHEADER = 0x01


def decode_erspan_ii(decoding: Decoding, frames: Frames) -> Frames:
    """The frame behind a header of type II."""
    return decoding.whole(frames, TYPE_II_LEN).advance(TYPE_II_LEN, LINK_TYPE + ETHERNET)


def decode_erspan_iii(decoding: Decoding, frames: Frames) -> Frames:
    """The frame behind a header of type III."""
    frames = decoding.whole(frames, TYPE_III.itemsize)
    subheader = decoding.read(frames, TYPE_III)["flags"] & SUBHEADER
    return frames.advance(TYPE_III.itemsize + 8 * subheader.astype(np.int64), LINK_TYPE + ETHERNET)
