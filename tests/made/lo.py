"""What ``tcpdump -i lo`` writes in a pod: connections of applications that iptables handed to the sidecar, as bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
RAW_IP, SLL2 = 101, 276
START_US = 1_763_712_000_000_000
# Where the kernel numbers interfaces, lo is the first.
LO_INDEX = 1


@dataclass
class Lo:
    """A capture that is being written: packets in the order of the calls, 1 ms apart."""

    records: list[bytes] = field(default_factory=list)
    late_us: int = 0

    def talk(self, client: str, server: str, *, redirect: int = 15001, stamp: int | None = None) -> LoTalk:
        return LoTalk(self, _ends(client), _ends(server), redirect, stamp)

    def wait(self, seconds: int) -> None:
        self.late_us += seconds * 10**6

    def add(self, packet: bytes, *, cut: int | None = None) -> None:
        moment = START_US + self.late_us + 1000 * len(self.records)
        shown = packet[:cut]
        self.records.append(struct.pack("<IIII", *divmod(moment, 10**6), len(shown), len(packet)) + shown)

    @property
    def data(self) -> bytes:
        return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, RAW_IP) + b"".join(self.records)

    def write(self, path: Path) -> Path:
        path.write_bytes(self.data)
        return path


@dataclass
class LoTalk:
    """One connection; its client's packets go to the sidecar's port on loopback, unless ``redirect`` is 0.

    ``stamp`` is the timestamp (RFC 7323) of all its packets.
    """

    lo: Lo
    client: tuple[str, int]
    server: tuple[str, int]
    redirect: int
    stamp: int | None = None
    next: dict[bool, int] = field(default_factory=lambda: {True: 1000, False: 5000})

    def send(
        self, sent: bool, flags: int, data: bytes = b"", *, back: int = 0, skip: bool = False, cut: int | None = None
    ) -> LoTalk:
        """One packet; ``back`` is how far before its place it is sent again, ``skip`` loses it, ``cut`` its end."""
        six = ":" in self.client[0]
        sidecar = ("::1" if six else "127.0.0.1", self.redirect)
        towards = sidecar if self.redirect else self.server
        source, target = (self.client, towards) if sent else (self.server, self.client)
        seq, ack = (self.next[sent] - back) % 2**32, self.next[not sent] if flags & ACK else 0
        options = b"" if self.stamp is None else struct.pack(">BBBBII", 1, 1, 8, 10, self.stamp, self.stamp)
        words = 5 + len(options) // 4
        tcp = struct.pack(">HHIIBBHHH", source[1], target[1], seq, ack, words << 4, flags, 65_535, 0, 0)
        tcp += options + data
        if not skip:
            self.lo.add(_ip(source[0], target[0], tcp), cut=cut)
        if not back:
            self.next[sent] += len(data) + (flags & (FIN | SYN) > 0)
        return self

    def open(self) -> LoTalk:
        return self.send(True, SYN).send(False, SYN | ACK).send(True, ACK)

    def ask(self, data: bytes, **how) -> LoTalk:
        return self.send(True, PSH | ACK, data, **how)

    def answer(self, data: bytes, **how) -> LoTalk:
        return self.send(False, PSH | ACK, data, **how)

    def close(self) -> LoTalk:
        return self.send(True, FIN | ACK).send(False, FIN | ACK).send(True, ACK)

    def reset(self, *, by_client: bool = False) -> LoTalk:
        return self.send(by_client, RST | ACK)


def _ends(text: str) -> tuple[str, int]:
    ip, _, port = text.rpartition(":")
    return ip.strip("[]"), int(port)


def _ip(source: str, target: str, tcp: bytes) -> bytes:
    ends = ip_address(source).packed + ip_address(target).packed
    if ":" in source:
        return struct.pack(">IHBB", 6 << 28, len(tcp), 6, 64) + ends + tcp
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0) + ends + tcp


def get(path: str = "/", host: str = "web", *, method: str = "GET", **headers: str) -> bytes:
    named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{named}\r\n".encode("latin-1")


def ok(body: bytes = b"hi", *, status: str = "200 OK", server: str = "envoy", passed_on: bool = True) -> bytes:
    """An answer; ``passed_on`` by an Envoy, or its own."""
    took = "x-envoy-upstream-service-time: 3\r\n" if passed_on else ""
    return f"HTTP/1.1 {status}\r\nserver: {server}\r\n{took}content-length: {len(body)}\r\n\r\n".encode() + body


def hello(sni: str, alpn: tuple[str, ...] = ()) -> bytes:
    """A ClientHello of TLS 1.3 in one record."""
    name = sni.encode()
    protocols = b"".join(bytes([len(each)]) + each.encode() for each in alpn)
    extensions = struct.pack(">HHHBH", 0, len(name) + 5, len(name) + 3, 0, len(name)) + name
    extensions += b"\x00\x2b\x00\x03\x02\x03\x04"
    if protocols:
        extensions += struct.pack(">HHH", 16, len(protocols) + 2, len(protocols)) + protocols
    body = b"\x03\x03" + bytes(32) + b"\x00" + b"\x00\x02\x13\x01" + b"\x01\x00"
    body += struct.pack(">H", len(extensions)) + extensions
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + struct.pack(">H", len(message)) + message


def server_hello() -> bytes:
    body = b"\x03\x03" + bytes(range(32)) + b"\x00\x13\x01\x00" + b"\x00\x06" + b"\x00\x2b\x00\x02\x03\x04"
    message = b"\x02" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x03" + struct.pack(">H", len(message)) + message + b"\x17\x03\x03\x00\x04abcd"


def calls_over_lo(paths: list[Path]) -> bytes:
    """The connections of applications in captures of all interfaces (pcap, LINUX_SLL2), as one capture of lo.

    Captures of another kind are left out, and so is what sidecars send to their applications.
    """
    header, records = Lo().data[:20] + struct.pack("<I", SLL2), []
    for path in paths:
        data = path.read_bytes()
        if data[:4] == b"\xd4\xc3\xb2\xa1" and struct.unpack_from("<I", data, 20) == (SLL2,):
            of_lo = [(record, *_ends_of(record)) for record in _of_lo(data)]
            callers = {source for _, source, target in of_lo if target[1] == 15001}
            records += [record for record, *ends in of_lo if callers.intersection(ends)]
    return header + b"".join(sorted(records, key=lambda record: struct.unpack_from("<II", record)))


def _of_lo(data: bytes) -> Iterator[bytes]:
    at = 24
    while at + 16 <= len(data):
        (captured,) = struct.unpack_from("<I", data, at + 8)
        if struct.unpack_from(">I", data, at + 20) == (LO_INDEX,):
            yield data[at : at + 16 + captured]
        at += 16 + captured


def _ends_of(record: bytes) -> tuple[tuple[bytes, int], tuple[bytes, int]]:
    """Source and target of a TCP packet, behind the headers of its record and of SLL2."""
    ip = record[36:]
    size, at = (16, 8) if ip[0] >> 4 == 6 else (4, 12)
    ports = struct.unpack_from(">HH", ip, 40 if size == 16 else (ip[0] & 15) * 4)
    return (ip[at : at + size], ports[0]), (ip[at + size : at + 2 * size], ports[1])
