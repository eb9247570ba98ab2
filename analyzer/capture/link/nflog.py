"""Linux netfilter log (LINKTYPE_NFLOG 239): what an iptables NFLOG rule hands to a capture, as attributes."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import IPV4, IPV6, Decoding, Frames, join, nothing

HEADER = np.dtype([("family", "u1"), ("version", "u1"), ("resource", ">u2")])
# Length and type are in the byte order of the machine that captured; little is assumed.
ATTRIBUTE = np.dtype([("length", "<u2"), ("type", "<u2")])

FAMILY_INET, FAMILY_INET6 = 2, 10
# linux/netfilter/nfnetlink_log.h has some twenty attributes; the packet itself is the last one that is written.
PAYLOAD = 9
MAX_ATTRIBUTES = 32


def decode_nflog(decoding: Decoding, frames: Frames) -> Frames:
    """The IP packet in the payload attribute; a record without one is bad."""
    frames = decoding.whole(frames, HEADER.itemsize)
    family = decoding.read(frames, HEADER)["family"]
    following = np.select([family == FAMILY_INET, family == FAMILY_INET6], [IPV4, IPV6], 0)
    walking = frames.advance(HEADER.itemsize, following)
    found = [nothing(frames)]
    for _ in range(MAX_ATTRIBUTES):
        walking = decoding.whole(walking, ATTRIBUTE.itemsize)
        attribute = decoding.read(walking, ATTRIBUTE)
        sound = attribute["length"] >= ATTRIBUTE.itemsize
        walking, attribute = decoding.sound(walking, sound), attribute[sound]
        payload = attribute["type"] == PAYLOAD
        found.append(walking.keep(payload).advance(ATTRIBUTE.itemsize, walking.following[payload]))
        length = attribute["length"][~payload].astype(np.int64)
        walking = walking.keep(~payload)
        # Attributes are padded to four bytes.
        walking = walking.advance(length + 3 & ~3, walking.following)
    decoding.sound(walking, np.zeros(len(walking), np.bool_))
    return join(found)
