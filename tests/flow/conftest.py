"""Packets without frames: a fixture that fills the tables of a capture directly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from analyzer.base.address import parse_address
from analyzer.base.table import DECODED, HAS_TIMESTAMP, PROTOCOL_TCP, PacketTable, RecordTable
from analyzer.flow.connection import Connection
from analyzer.flow.connections import connections
from analyzer.flow.traffic import Traffic, read_traffic

FLAG_LETTERS = {"F": 0x01, "S": 0x02, "R": 0x04, "P": 0x08, "A": 0x10, "U": 0x20}
CLIENT, SERVER = 0, 1


@dataclass
class Wire:
    """A capture that is being written: packets in the order of the calls, 1 ms apart unless said otherwise."""

    rows: list[dict[str, int]] = field(default_factory=list)
    buffer: bytearray = field(default_factory=bytearray)

    def packet(
        self, src: str, dst: str, flags: str = "A", *, seq: int = 0, ack: int = 0, data: bytes = b"",
        wire_len: int | None = None, at_ms: float | None = None, stamp: tuple[int, int] | None = None, **columns: int,
    ) -> Wire:  # fmt: skip
        src_ip, src_port = src.rsplit(":", 1)
        dst_ip, dst_port = dst.rsplit(":", 1)
        src_hi, src_lo = parse_address(src_ip.strip("[]"))
        dst_hi, dst_lo = parse_address(dst_ip.strip("[]"))
        bits = sum(FLAG_LETTERS[letter] for letter in flags) | (HAS_TIMESTAMP if stamp else 0)
        tsval, tsecr = stamp or (0, 0)
        row = {
            "ip_version": 6 if ":" in src_ip else 4, "protocol": PROTOCOL_TCP, "tcp_flags": bits, "window": 64,
            "src_hi": src_hi, "src_lo": src_lo, "src_port": int(src_port),
            "dst_hi": dst_hi, "dst_lo": dst_lo, "dst_port": int(dst_port),
            "seq": seq % 2**32, "ack": ack % 2**32, "tsval": tsval, "tsecr": tsecr,
            "payload_off": len(self.buffer), "payload_len": len(data),
            "payload_wire_len": len(data) if wire_len is None else wire_len,
            "direction": 255, "ifindex": 0, "fate": DECODED, "interface": 0,
            "time_ns": int((len(self.rows) if at_ms is None else at_ms) * 1_000_000),
        }  # fmt: skip
        self.rows.append(row | columns)
        self.buffer += data
        return self

    def shuffled(self, order: list[int]) -> Wire:
        return Wire([self.rows[i] | {"time_ns": n * 1_000_000} for n, i in enumerate(order)], self.buffer)

    def records(self) -> RecordTable:
        rows = len(self.rows)
        return RecordTable(
            time_ns=self._column("time_ns", np.int64), interface=self._column("interface", np.uint16),
            data_off=np.zeros(rows, np.int64), captured_len=np.zeros(rows, np.uint32),
            wire_len=np.zeros(rows, np.uint32), link=np.ones(rows, np.uint16),
        )  # fmt: skip

    def packets(self) -> PacketTable:
        types = {
            "ip_version": np.uint8, "src_hi": np.int64, "src_lo": np.int64, "dst_hi": np.int64, "dst_lo": np.int64,
            "protocol": np.uint8, "src_port": np.uint16, "dst_port": np.uint16, "tcp_flags": np.uint16,
            "seq": np.uint32, "ack": np.uint32, "window": np.uint16, "tsval": np.uint32, "tsecr": np.uint32,
            "payload_off": np.int64, "payload_len": np.uint32, "payload_wire_len": np.uint32, "direction": np.uint8,
            "ifindex": np.uint32, "fate": np.uint8,
        }  # fmt: skip
        return PacketTable(**{name: self._column(name, kind) for name, kind in types.items()})

    def _column(self, name, kind):
        return np.array([row[name] for row in self.rows], kind)

    def traffic(self, **options) -> Traffic:
        return read_traffic(self.packets(), self.records(), **options)

    def connections(self) -> list[Connection]:
        return connections("test.pcap", memoryview(bytes(self.buffer)), self.records(), self.packets())

    def connection(self) -> Connection:
        (only,) = self.connections()
        return only

    def talk(self, client: str = "10.0.0.1:40000", server: str = "10.0.0.2:80", **options) -> Talk:
        return Talk(self, client, server, **options)


@dataclass
class Talk:
    """One connection that keeps count of its sequence numbers; ``towards`` is where a redirect sends the client's."""

    wire: Wire
    client: str
    server: str
    towards: str | None = None
    isn: tuple[int, int] = (1000, 5000)
    columns: dict[str, int] = field(default_factory=dict)
    next: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.next = list(self.isn)

    def send(self, side: int, flags: str = "A", data: bytes = b"", *, skip: bool = False, **options) -> Talk:
        """One packet from ``side``; with ``skip`` it is sent but not captured."""
        ends = (self.client, self.towards or self.server) if side == CLIENT else (self.server, self.client)
        numbers = {"seq": self.next[side], "ack": self.next[1 - side] if "A" in flags else 0}
        if not skip:
            self.wire.packet(*ends, flags, data=data, **{**numbers, **self.columns, **options})
        self.next[side] += options.get("wire_len", len(data)) + ("S" in flags) + ("F" in flags)
        return self

    def open(self, **options) -> Talk:
        return self.send(CLIENT, "S", **options).send(SERVER, "SA", **options).send(CLIENT, "A", **options)

    def ask(self, data: bytes, **options) -> Talk:
        return self.send(CLIENT, "PA", data, **options)

    def answer(self, data: bytes, **options) -> Talk:
        return self.send(SERVER, "PA", data, **options)

    def close(self, **options) -> Talk:
        return self.send(CLIENT, "FA", **options).send(SERVER, "FA", **options).send(CLIENT, "A", **options)


@pytest.fixture
def wire() -> Wire:
    """An empty capture."""
    return Wire()


@pytest.fixture(scope="session")
def new_wire() -> Callable[[], Wire]:
    """As many empty captures as one calls for: one for each example of a property."""
    return Wire
