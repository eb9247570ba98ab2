"""Captures written byte by byte, and the roads from bytes to a capture and to a packet table."""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from analyzer.base.table import PacketTable
from analyzer.capture.capture import Capture
from analyzer.capture.decode import decode_packets
from analyzer.capture.reader import read_capture_bytes

Packet = bytes | tuple[int, int, bytes] | tuple[int, int, bytes, int]

SHARED = Path(__file__).resolve().parents[3] / "shared"


def write_pcap(
    packets: Sequence[Packet],
    *,
    link: int = 1,
    order: str = "<",
    magic: int = 0xA1B2C3D4,
    version: tuple[int, int] = (2, 4),
    snaplen: int = 262144,
) -> bytes:
    """A pcap file of packets: bytes alone, or (seconds, fraction, bytes), or (seconds, fraction, bytes, wire_len)."""
    parts = [struct.pack(f"{order}IHHiIII", magic, *version, 0, 0, snaplen, link)]
    for number, packet in enumerate(packets):
        seconds, fraction, data, *wire = (1_700_000_000, number, packet) if isinstance(packet, bytes) else packet
        parts.append(struct.pack(f"{order}IIII", seconds, fraction, len(data), wire[0] if wire else len(data)))
        if magic == 0xA1B2CD34:
            parts.append(bytes(8))
        parts.append(data)
    return b"".join(parts)


class PcapngWriter:
    """The blocks of a pcapng section, in one byte order."""

    def __init__(self, order: str = "<") -> None:
        self.order = order

    def block(self, kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        length = struct.pack(f"{self.order}I", len(body) + 12)
        return struct.pack(f"{self.order}I", kind) + length + body + length

    def option(self, code: int, value: bytes) -> bytes:
        return struct.pack(f"{self.order}HH", code, len(value)) + value + bytes(-len(value) % 4)

    def section(self, major: int = 1) -> bytes:
        return self.block(0x0A0D0D0A, struct.pack(f"{self.order}IHHq", 0x1A2B3C4D, major, 0, -1))

    def interface(self, link: int = 1, snaplen: int = 0, options: bytes = b"") -> bytes:
        return self.block(1, struct.pack(f"{self.order}HHI", link, 0, snaplen) + options)

    def enhanced(
        self,
        data: bytes,
        *,
        interface: int = 0,
        units: int = 0,
        wire_len: int | None = None,
        claimed: int | None = None,
    ) -> bytes:
        captured = len(data) if claimed is None else claimed
        fields = (interface, units >> 32, units & 0xFFFFFFFF, captured, len(data) if wire_len is None else wire_len)
        return self.block(6, struct.pack(f"{self.order}IIIII", *fields) + data)

    def old(self, data: bytes, *, interface: int = 0, units: int = 0) -> bytes:
        fields = (interface, 0, units >> 32, units & 0xFFFFFFFF, len(data), len(data))
        return self.block(2, struct.pack(f"{self.order}HHIIII", *fields) + data)

    def simple(self, data: bytes, *, wire_len: int | None = None) -> bytes:
        return self.block(3, struct.pack(f"{self.order}I", len(data) if wire_len is None else wire_len) + data)

    def statistics(self, options: bytes, *, interface: int = 0) -> bytes:
        return self.block(5, struct.pack(f"{self.order}III", interface, 0, 0) + options)


def read(data: bytes) -> Capture:
    return read_capture_bytes(data, name="x.pcap")


def decode(link: int, *packets: Packet) -> PacketTable:
    return decode_packets(read(write_pcap(packets, link=link)))


def ipv4_packet(payload: bytes, *, protocol: int = 6, total_len: int | None = None, fragment: int = 0x4000) -> bytes:
    """10.244.1.10 to 10.96.0.11."""
    length = 20 + len(payload) if total_len is None else total_len
    source, destination = bytes((10, 244, 1, 10)), bytes((10, 96, 0, 11))
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, length, 1, fragment, 64, protocol, 0, source, destination) + payload


def tcp_segment(payload: bytes = b"", *, options: bytes = b"", flags: int = 0x18, offset: int | None = None) -> bytes:
    """Port 40000 to 9080, seq 1000, ack 2000."""
    words = 5 + len(options) // 4 if offset is None else offset
    return struct.pack(">HHIIHHHH", 40000, 9080, 1000, 2000, words << 12 | flags, 501, 0, 0) + options + payload


@pytest.fixture(name="write_pcap", scope="session")
def write_pcap_fixture() -> Callable[..., bytes]:
    return write_pcap


@pytest.fixture(scope="session")
def pcapng() -> type[PcapngWriter]:
    return PcapngWriter


@pytest.fixture(name="read", scope="session")
def read_fixture() -> Callable[[bytes], Capture]:
    return read


@pytest.fixture(name="decode", scope="session")
def decode_fixture() -> Callable[..., PacketTable]:
    return decode


@pytest.fixture(scope="session")
def ipv4() -> Callable[..., bytes]:
    return ipv4_packet


@pytest.fixture(scope="session")
def tcp() -> Callable[..., bytes]:
    return tcp_segment


@pytest.fixture(scope="session")
def http_packet() -> bytes:
    """An IPv4 packet with a TCP segment that says ``GET``."""
    return ipv4_packet(tcp_segment(b"GET"))


@pytest.fixture(scope="session")
def payload_of() -> Callable[..., bytes]:
    """The captured payload of a packet of a capture."""

    def of(capture: Capture, packets: PacketTable, row: int = 0) -> bytes:
        begin = int(packets.payload_off[row])
        return bytes(capture.buffer[begin : begin + int(packets.payload_len[row])])

    return of


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recorded and collected captures beside the repository; tests that need it skip without it."""
    if not SHARED.is_dir():
        pytest.skip("no shared captures here")
    return SHARED
