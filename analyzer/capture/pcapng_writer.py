"""Packets written as pcapng (draft-ietf-opsawg-pcapng): bytes, lengths and times as they were, with comments.

One section, little-endian, times in nanoseconds; the same packets give the same bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address

from analyzer.base.escape import shorten, visible
from analyzer.base.fact import Fact
from analyzer.capture.capture import Capture

SECTION_HEADER, INTERFACE_DESCRIPTION, NAME_RESOLUTION, ENHANCED_PACKET = 0x0A0D0D0A, 1, 4, 6
BYTE_ORDER_MAGIC = 0x1A2B3C4D
OPT_COMMENT, SHB_USERAPPL, IF_NAME, IF_DESCRIPTION, IF_TSRESOL = 1, 4, 2, 3, 9
NANOSECONDS = b"\x09"
# Name records by the version of their address (section 4.4).
NRB_IPV4, NRB_IPV6 = 1, 2
# What is kept of one comment or name; an option holds 65,535 bytes.
MAX_COMMENT, MAX_NAME = 2_000, 253

_LOW_64 = 0xFFFF_FFFF_FFFF_FFFF


class PickedPacket(Fact, frozen=True):
    """Record ``row`` (0-based) of a capture, with what is to be said about it; ``kept_len`` bytes, None for all.

    ``interface`` is the name of the one that it is written for, None for its own.
    """

    capture: Capture
    row: int
    comments: tuple[str, ...] = ()
    kept_len: int | None = None
    interface: str | None = None


def write_pcapng(packets: Iterable[PickedPacket], names: Mapping[str, str] | None = None) -> Iterator[bytes]:
    """The blocks of a file with ``packets`` in their order; ``names`` are by address.

    Each capture's interfaces stay apart, and those of them that packets name: an interface is described before its
    first packet, and is named after its capture or says in its description from which it is. Comments and names are
    made visible, for they may quote the wire.
    """
    yield _block(
        SECTION_HEADER, struct.pack("<IHHq", BYTE_ORDER_MAGIC, 1, 0, -1) + _options((SHB_USERAPPL, "meshverdict"))
    )
    if names:
        yield _block(NAME_RESOLUTION, _name_records(names))
    numbers: dict[tuple[str, int, str | None], int] = {}
    for picked in packets:
        interface = int(picked.capture.records.interface[picked.row])
        key = (picked.capture.name, interface, picked.interface)
        if key not in numbers:
            numbers[key] = len(numbers)
            yield _interface(picked.capture, interface, picked.interface)
        yield _packet(picked, numbers[key])


def _interface(capture: Capture, number: int, named: str | None) -> bytes:
    interface = capture.interfaces[number]
    origin = f"{capture.name}:{interface.name}" if interface.name else capture.name
    names = [(IF_NAME, origin)] if named is None else [(IF_NAME, named), (IF_DESCRIPTION, origin)]
    body = struct.pack("<HHI", interface.link, 0, interface.snaplen)
    return _block(INTERFACE_DESCRIPTION, body + _options(*names, (IF_TSRESOL, NANOSECONDS)))


def _packet(picked: PickedPacket, interface: int) -> bytes:
    records, row = picked.capture.records, picked.row
    begin, size = int(records.data_off[row]), int(records.captured_len[row])
    size = size if picked.kept_len is None else min(size, picked.kept_len)
    time = int(records.time_ns[row]) & _LOW_64
    head = struct.pack("<IIIII", interface, time >> 32, time & 0xFFFF_FFFF, size, int(records.wire_len[row]))
    data = bytes(picked.capture.buffer[begin : begin + size])
    comments = ((OPT_COMMENT, comment) for comment in picked.comments)
    return _block(ENHANCED_PACKET, head + _padded(data) + _options(*comments))


def _name_records(names: Mapping[str, str]) -> bytes:
    records = b""
    for text, name in sorted(names.items()):
        address = ip_address(text)
        value = address.packed + shorten(visible(name), MAX_NAME).encode() + b"\0"
        kind = NRB_IPV4 if address.version == 4 else NRB_IPV6
        records += struct.pack("<HH", kind, len(value)) + _padded(value)
    return records + bytes(4)


def _options(*options: tuple[int, str | bytes]) -> bytes:
    """The options with the mark of their end; nothing where there are none."""
    written = b""
    for code, value in options:
        data = value if isinstance(value, bytes) else shorten(visible(value), MAX_COMMENT).encode()
        written += struct.pack("<HH", code, len(data)) + _padded(data)
    return written + bytes(4) if written else b""


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
