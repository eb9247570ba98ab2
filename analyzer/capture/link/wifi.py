"""Wi-Fi frames (LINKTYPE_IEEE802_11 105; IEEE 802.11 clause 9.2), also behind a radiotap header (127)."""

from __future__ import annotations

import numpy as np

from analyzer.capture.frames import LINK_TYPE, LLC, WIFI, Decoding, Frames

RADIOTAP = np.dtype([("version", "u1"), ("padding", "u1"), ("length", "<u2")])
HEADER = np.dtype([("frame_control", "<u2")])

# Bits of the frame control field.
TYPE, TYPE_DATA = 0x000C, 0x0008
NO_DATA, QOS = 0x0040, 0x0080
BOTH_DS, PROTECTED, ORDER = 0x0300, 0x4000, 0x8000

# Frame control, duration, three addresses, sequence control; then a fourth address, QoS control, HT control.
FIXED_LEN, ADDRESS_LEN, QOS_LEN, HT_LEN = 24, 6, 2, 4


def decode_radiotap(decoding: Decoding, frames: Frames) -> Frames:
    """The Wi-Fi frame behind the radio's measurements (https://www.radiotap.org)."""
    frames = decoding.whole(frames, RADIOTAP.itemsize)
    length = decoding.read(frames, RADIOTAP)["length"].astype(np.int64)
    sound = length >= RADIOTAP.itemsize
    return decoding.sound(frames, sound).advance(length[sound], LINK_TYPE + WIFI)


def decode_wifi(decoding: Decoding, frames: Frames) -> Frames:
    """What a data frame carries; management, control, empty and encrypted frames lead to no known header."""
    frames = decoding.whole(frames, HEADER.itemsize)
    control = decoding.read(frames, HEADER)["frame_control"]
    carries = (control & TYPE == TYPE_DATA) & (control & (NO_DATA | PROTECTED) == 0)
    qos = control & QOS != 0
    length = (
        FIXED_LEN
        + np.where(control & BOTH_DS == BOTH_DS, ADDRESS_LEN, 0)
        + np.where(qos, QOS_LEN, 0)
        + np.where(qos & (control & ORDER != 0), HT_LEN, 0)
    )
    return frames.advance(length, np.where(carries, LLC, 0))
