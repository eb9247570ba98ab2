"""GTP-U (3GPP TS 29.281): packets of mobile phones inside UDP, between the nodes of a mobile core."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import LINK_TYPE, RAW_IP, Decoding, Frames, join, nothing

HEADER = np.dtype([("flags", "u1"), ("message", "u1"), ("length", ">u2"), ("tunnel", ">u4")])
# There when any of three flags is set; the type of an extension header counts only where its own flag is.
OPTIONAL = np.dtype([("sequence", ">u2"), ("packet", "u1"), ("extension", "u1")])
BYTE = np.dtype([("value", "u1")])

# Version 1 of GTP, not GTP' (section 5.1), and the message that carries a packet (section 6.1).
VERSION_AND_TYPE, GTP_1 = 0xF0, 0x30
EXTENSION, ANY_OPTIONAL = 0x04, 0x07
USER_PACKET = 255
# More than one extension header is rare; a datagram could hold sixteen thousand.
MAX_EXTENSIONS = 8


def decode_gtp(decoding: Decoding, frames: Frames) -> Frames:
    """The IP packet inside. A datagram that is not GTP-U, or carries no packet, stays UDP on that port."""
    frames = frames.keep(frames.at + HEADER.itemsize <= frames.end)
    header = decoding.read(frames, HEADER)
    carries = (header["flags"] & VERSION_AND_TYPE == GTP_1) & (header["message"] == USER_PACKET)
    frames, flags = frames.keep(carries).advance(HEADER.itemsize, 0), header["flags"][carries]
    longer = flags & ANY_OPTIONAL != 0
    found = [frames.keep(~longer)]
    frames, flags = frames.keep(longer), flags[longer]
    room = frames.at + OPTIONAL.itemsize <= frames.end
    frames, flags = frames.keep(room), flags[room]
    optional = decoding.read(frames, OPTIONAL)
    extended = (flags & EXTENSION != 0) & (optional["extension"] != 0)
    frames = frames.advance(OPTIONAL.itemsize, 0)
    found.append(frames.keep(~extended))
    found.append(_skip_extensions(decoding, frames.keep(extended)))
    return _packets(decoding, join(found))


def _skip_extensions(decoding: Decoding, frames: Frames) -> Frames:
    """Step over the extension headers: a length in words of four bytes comes first, the next one's type last."""
    found = [nothing(frames)]
    for _ in range(MAX_EXTENSIONS):
        frames = frames.keep(frames.at < frames.end)
        size = decoding.read(frames, BYTE)["value"].astype(np.int64) * 4
        room = (size > 0) & (frames.at + size <= frames.end)
        frames = frames.keep(room).advance(size[room], 0)
        ends = decoding.read(frames, BYTE, skip=-1)["value"] == 0
        found.append(frames.keep(ends))
        frames = frames.keep(~ends)
    return join(found)


def _packets(decoding: Decoding, frames: Frames) -> Frames:
    frames = frames.keep(frames.at < frames.end)
    version = decoding.read(frames, BYTE)["value"] >> 4
    return frames.keep((version == 4) | (version == 6)).advance(0, LINK_TYPE + RAW_IP)
