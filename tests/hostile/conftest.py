"""Captures that were made to break a reader, written byte by byte, and what the whole program says of them."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from analyzer.pipeline import analyze_paths
from analyzer.report.as_json import render_jsonl

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CLIENT, SERVER = 0, 1
Record = dict[str, Any]


def get(host: str = "a.example", path: str = "/") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def tcp_segment(ports: tuple[int, int], seq: int, ack: int, flags: int, data: bytes = b"", **more: Any) -> bytes:
    options = more.get("options", b"")
    offset = more.get("offset", 5 + len(options) // 4)
    head = (*ports, seq % 2**32, ack % 2**32, offset << 12 | flags, more.get("window", 64240), more.get("checksum", 0))
    return struct.pack(">HHIIHHHH", *head, more.get("urgent", 0)) + options + data


def ipv4(payload: bytes, ends: tuple[str, str], **more: Any) -> bytes:
    source, destination = (bytes(map(int, end.split("."))) for end in ends)
    total = more.get("total", 20 + len(payload))
    fields = (more.get("first", 0x45), 0, total & 0xFFFF, more.get("ident", 1), more.get("fragment", 0x4000), 64)
    return struct.pack(">BBHHHBBH4s4s", *fields, more.get("protocol", 6), 0, source, destination) + payload


def ethernet(packet: bytes, kind: int = 0x0800) -> bytes:
    return bytes(12) + kind.to_bytes(2, "big") + packet


@dataclass
class Tap:
    """A capture that is being written: frames in the order of the calls, 1 ms apart."""

    frames: list[bytes] = field(default_factory=list)
    link: int = 1
    wrap: Callable[[bytes], bytes] = ethernet

    def packet(self, packet: bytes, wrap: Callable[[bytes], bytes] | None = None) -> Tap:
        self.frames.append((wrap or self.wrap)(packet))
        return self

    def talk(self, port: int = 40000, **more: Any) -> Talk:
        return Talk(self, port, **more)

    def pcap(self, frames: Iterable[bytes] | None = None) -> bytes:
        head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, self.link)
        return head + b"".join(record(each, n) for n, each in enumerate(self.frames if frames is None else frames))


def record(frame: bytes, number: int = 0, *, seconds: int = 1_700_000_000, wire_len: int | None = None) -> bytes:
    """One packet of a pcap file."""
    size = len(frame) if wire_len is None else wire_len
    return struct.pack("<IIII", seconds, number * 1000, len(frame), size) + frame


@dataclass
class Talk:
    """One connection on a tap, which keeps count of its sequence numbers."""

    tap: Tap
    port: int = 40000
    ends: tuple[str, str] = ("10.0.0.1", "10.0.0.2")
    server_port: int = 8080
    next: list[int] = field(default_factory=lambda: [1000, 5000])

    def send(self, side: int, flags: int, data: bytes = b"", *, skip: bool = False, **more: Any) -> Talk:
        """A segment; ``skip``: it is not captured; ``at``: with another sequence number, which counts nothing."""
        seq = more.pop("at", self.next[side])
        if not skip:
            ports, ends = (self.port, self.server_port), self.ends
            turn = slice(None, None, -1) if side else slice(None)
            ack = self.next[1 - side] if flags & ACK else 0
            ip = {name: more.pop(name) for name in ("total", "ident", "fragment", "first") if name in more}
            self.tap.packet(ipv4(tcp_segment(ports[turn], seq, ack, flags, data, **more), ends[turn], **ip))
        if seq == self.next[side]:
            self.next[side] += len(data) + bool(flags & SYN) + bool(flags & FIN)
        return self

    def open(self) -> Talk:
        return self.send(CLIENT, SYN).send(SERVER, SYN | ACK).send(CLIENT, ACK)

    def ask(self, data: bytes, **more: Any) -> Talk:
        return self.send(CLIENT, PSH | ACK, data, **more)

    def answer(self, data: bytes = OK, **more: Any) -> Talk:
        return self.send(SERVER, PSH | ACK, data, **more)

    def close(self) -> Talk:
        return self.send(CLIENT, FIN | ACK).send(SERVER, FIN | ACK).send(CLIENT, ACK)


@dataclass(frozen=True)
class Heard:
    """What was said of a capture."""

    records: list[Record]

    def of(self, kind: str) -> list[Record]:
        return [each for each in self.records if each["kind"] == kind]

    @property
    def calls(self) -> list[tuple[str, str | None]]:
        return [(call["protocol"], call.get("host")) for call in self.of("call")]

    @property
    def hosts(self) -> list[str | None]:
        return [call.get("host") for call in self.of("call")]

    @property
    def names(self) -> list[str]:
        return [call["sni"] for call in self.of("call") if call.get("sni")]

    @property
    def odd(self) -> str:
        return "\n".join(line for capture in self.of("capture") for line in capture["oddities"])

    @property
    def flows(self) -> int:
        return len(self.of("flow"))

    @property
    def limits(self) -> list[str]:
        return list(self.of("run")[0]["limits"])


@pytest.fixture
def hear(tmp_path: Path) -> Callable[[bytes], Heard]:
    """A function that gives a file to the program and returns what it said."""

    def say(data: bytes, name: str = "x.pcap") -> Heard:
        path = tmp_path / name
        path.write_bytes(data)
        lines = b"".join(render_jsonl(analyze_paths([str(path)]))).splitlines()
        return Heard([json.loads(line) for line in lines])

    return say


@pytest.fixture(scope="session")
def make() -> Any:
    """This file's functions and numbers, by name."""
    kept = {name: staticmethod(value) if callable(value) else value for name, value in globals().items()}
    return type("Make", (), {name: value for name, value in kept.items() if not name.startswith("__")})
