"""BSD loopback (LINKTYPE_NULL 0, LINKTYPE_LOOP 108): four bytes of address family."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import IPV4, IPV6, Decoding, Frames

HEADER = np.dtype([("family", ">u4")])

# AF_INET is 2 everywhere; AF_INET6 is 10 on Linux, 23 on Windows, 24 on NetBSD and OpenBSD, 28 on FreeBSD, 30 on macOS.
FAMILY_INET = 2
FAMILIES_INET6 = (10, 23, 24, 28, 30)


def decode_loopback(decoding: Decoding, frames: Frames) -> Frames:
    """What follows. NULL writes the family in the byte order of its machine, LOOP big-endian: both orders are read."""
    frames = decoding.whole(frames, HEADER.itemsize)
    family = decoding.read(frames, HEADER)["family"].astype(np.uint32)
    family = np.where(family > 0xFFFF, family.byteswap(), family)
    ethertype = np.select([family == FAMILY_INET, np.isin(family, FAMILIES_INET6)], [IPV4, IPV6], 0)
    return frames.advance(HEADER.itemsize, ethertype)
