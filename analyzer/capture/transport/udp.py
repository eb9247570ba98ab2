"""UDP (RFC 768)."""

from __future__ import annotations

import numpy as np

from analyzer.base.table import DECODED
from analyzer.capture.frames import UDP_PORT, Decoding, Frames
from analyzer.capture.tunnel import TUNNELS

HEADER = np.dtype([("source", ">u2"), ("destination", ">u2"), ("length", ">u2"), ("checksum", ">u2")])
TUNNEL_PORTS = np.array(sorted(TUNNELS), np.uint16)


def decode_udp(decoding: Decoding, frames: Frames) -> Frames:
    """What follows on the ports of tunnels, nothing on others.

    A length of 0 reaches to the end of the packet (RFC 2675 section 4).
    """
    frames = decoding.whole(frames, HEADER.itemsize)
    header = decoding.read(frames, HEADER)
    length = header["length"].astype(np.int64)
    sound = (length == 0) | (length >= HEADER.itemsize)
    frames, header, length = decoding.sound(frames, sound), header[sound], length[sound]
    payload = frames.at + HEADER.itemsize
    wire_end = np.where(length == 0, frames.wire_end, np.minimum(frames.wire_end, frames.at + length))
    table, row = decoding.table, frames.row
    table.src_port[row] = header["source"]
    table.dst_port[row] = header["destination"]
    table.payload_off[row] = payload
    table.payload_len[row] = np.minimum(frames.end, wire_end) - payload
    table.payload_wire_len[row] = wire_end - payload
    table.fate[row] = DECODED
    inner = Frames(
        row, payload, np.minimum(frames.end, wire_end), wire_end, header["destination"].astype(np.int64) + UDP_PORT
    )
    return inner.keep(np.isin(header["destination"], TUNNEL_PORTS))
