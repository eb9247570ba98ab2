"""PPP (LINKTYPE_PPP 9, LINKTYPE_PPP_HDLC 50; RFC 1661, RFC 1662)."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import IPV4, IPV6, MPLS, Decoding, Frames

FIELD = np.dtype([("value", ">u2")])

# "All stations" and "unnumbered information" (RFC 1662 section 3.1): present in HDLC framing, negotiable elsewhere.
ADDRESS_CONTROL = 0xFF03
# The last byte of a protocol number is odd, all bytes before it are even: a leading zero may be left out
# (RFC 1661 section 6.5).
COMPRESSED = 0x0100
# https://www.iana.org/assignments/ppp-numbers
PROTOCOLS = {0x0021: IPV4, 0x0057: IPV6, 0x0281: MPLS}


def decode_ppp(decoding: Decoding, frames: Frames) -> Frames:
    """What follows, with or without address and control, whether or not the protocol is compressed.

    An unknown protocol leads to no known header.
    """
    frames = decoding.whole(frames, FIELD.itemsize)
    framed = decoding.read(frames, FIELD)["value"] == ADDRESS_CONTROL
    frames = frames.advance(np.where(framed, FIELD.itemsize, 0), 0)
    frames = decoding.whole(frames, FIELD.itemsize)
    value = decoding.read(frames, FIELD)["value"]
    compressed = value & COMPRESSED != 0
    protocol = np.where(compressed, value >> 8, value)
    known = np.select([protocol == number for number in PROTOCOLS], list(PROTOCOLS.values()), 0)
    return frames.advance(np.where(compressed, 1, FIELD.itemsize), known)
