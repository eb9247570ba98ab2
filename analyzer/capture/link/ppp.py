"""PPP (LINKTYPE_PPP 9, LINKTYPE_PPP_HDLC 50; RFC 1661, RFC 1662)."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import IPV4, IPV6, MPLS, Decoding, Frames

FIELD = np.dtype([("value", ">u2")])

# "All stations" and "unnumbered information" (RFC 1662 section 3.1): present in HDLC framing, negotiable elsewhere.
ADDRESS_CONTROL = 0xFF03
# https://www.iana.org/assignments/ppp-numbers
PROTOCOLS = {0x0021: IPV4, 0x0057: IPV6, 0x0281: MPLS}


def decode_ppp(decoding: Decoding, frames: Frames) -> Frames:
    """What follows, with or without address and control; an unknown protocol leads to no known header."""
    frames = decoding.whole(frames, FIELD.itemsize)
    framed = decoding.read(frames, FIELD)["value"] == ADDRESS_CONTROL
    frames = frames.advance(np.where(framed, FIELD.itemsize, 0), 0)
    frames = decoding.whole(frames, FIELD.itemsize)
    protocol = decoding.read(frames, FIELD)["value"]
    known = np.select([protocol == number for number in PROTOCOLS], list(PROTOCOLS.values()), 0)
    return frames.advance(FIELD.itemsize, known)
