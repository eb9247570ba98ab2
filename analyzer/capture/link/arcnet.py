"""ARCNET as Linux (LINKTYPE_ARCNET_LINUX 129) and the BSDs (LINKTYPE_ARCNET_BSD 7) capture it; RFC 1051, RFC 1201."""

from __future__ import annotations

import numpy as np

from analyzer.base.table import U8
from analyzer.capture.frames import IPV4, IPV6, Decoding, Frames

# Source and destination, then on Linux where the driver put the data in its buffer, then the system code.
LINUX = np.dtype([("addresses", "V2"), ("offset", ">u2"), ("system", "u1")])
BSD = np.dtype([("addresses", "V2"), ("system", "u1")])
# What RFC 1201 adds: 0 in the flag of a packet that was not cut.
SPLIT = np.dtype([("flag", "u1"), ("sequence", ">u2")])
# Padding that lets a packet have a length that ARCNET cannot send: the true flag follows the code, which comes again.
EXCEPTION = 0xFF
EXCEPTION_LEN = 4

# System codes (RFC 1051 section 4, RFC 1201 section 2.3): the older encoding of IP has no split flag.
OLD_IP, OLD_ARP, IP, IP6 = 240, 241, 212, 196


def decode_arcnet_linux(decoding: Decoding, frames: Frames) -> Frames:
    """What follows; a part of a packet that was cut for the link leads to no known header."""
    frames = decoding.whole(frames, LINUX.itemsize)
    return _decode_system(decoding, frames.advance(LINUX.itemsize, 0), decoding.read(frames, LINUX)["system"])


def decode_arcnet_bsd(decoding: Decoding, frames: Frames) -> Frames:
    """As ``decode_arcnet_linux``."""
    frames = decoding.whole(frames, BSD.itemsize)
    return _decode_system(decoding, frames.advance(BSD.itemsize, 0), decoding.read(frames, BSD)["system"])


def _decode_system(decoding: Decoding, frames: Frames, system: U8) -> Frames:
    split = ~np.isin(system, (OLD_IP, OLD_ARP))
    following = np.select([(system == OLD_IP) | (system == IP), system == IP6], [IPV4, IPV6], 0)
    room = ~split | (frames.at + SPLIT.itemsize <= frames.end)
    split, following = split[room], following[room]
    frames = decoding.sound(frames, room)
    flag = np.zeros(len(frames), np.uint8)
    flag[split] = decoding.read(frames.keep(split), SPLIT)["flag"]
    size = np.where(split, SPLIT.itemsize, 0) + np.where(flag == EXCEPTION, EXCEPTION_LEN, 0)
    return frames.advance(size, np.where((flag == 0) | (flag == EXCEPTION), following, 0))
