"""GRE inside UDP (RFC 8086)."""

from __future__ import annotations

from analyzer.capture.frames import Decoding, Frames
from analyzer.capture.network.gre import HEADER, VERSION, decode_gre


def decode_gre_in_udp(decoding: Decoding, frames: Frames) -> Frames:
    """What is inside. A datagram too short for GRE, or of another version, stays what it was: UDP on that port."""
    frames = frames.keep(frames.at + HEADER.itemsize <= frames.end)
    return decode_gre(decoding, frames.keep(decoding.read(frames, HEADER)["flags_version"] & VERSION == 0))
