"""Recorded captures as lists of packets, what other taps would have made of them, and the ways back to files."""

from __future__ import annotations

import json
import random
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pytest
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

from analyzer.mesh.load import load_mesh
from analyzer.pipeline import analyze_paths
from analyzer.report.as_json import render_jsonl

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
SCENARIOS = ("shop-default", "shop-strict", "shop-registry-only")
ETHERNET, NULL, RAW, SLL, SLL2 = 1, 0, 101, 113, 276
IPV4 = b"\x08\x00"
FIN, SYN, RST, PSH = 1, 2, 4, 8
# Captures of one packet are stamped by clocks that are up to this far apart.
SLACK_NS = 2_000_000
# Packets of one sender overtake each other where they were sent within so short a time.
OVERTAKEN_NS = 200_000
HUFFMAN = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)

Record = dict[str, Any]
Tap = Callable[[list["Packet"]], list["Packet"]]


@dataclass(frozen=True)
class Packet:
    """A frame as it was captured. ``kind`` is its EtherType, ``body`` what follows its link header."""

    time_ns: int
    link: int
    head: bytes
    kind: bytes
    body: bytes
    cut: int = 0

    @property
    def data(self) -> bytes:
        return self.head + self.body

    @property
    def on_lo(self) -> bool:
        """Whether it was seen on the pod's own interface, as Linux cooked captures say it (ARPHRD_LOOPBACK)."""
        return self.head[8:10] == b"\x03\x04"

    @property
    def is_tcp(self) -> bool:
        return self.kind == IPV4 and self.body[9] == 6

    @property
    def tcp_at(self) -> int:
        return (self.body[0] & 15) * 4

    @property
    def payload_at(self) -> int:
        return self.tcp_at + (self.body[self.tcp_at + 12] >> 4) * 4

    @property
    def total_len(self) -> int:
        return int.from_bytes(self.body[2:4], "big")

    @property
    def payload(self) -> bytes:
        return self.body[self.payload_at : self.total_len] if self.is_tcp else b""

    @property
    def ports(self) -> tuple[int, int]:
        return struct.unpack_from(">HH", self.body, self.tcp_at) if self.is_tcp else (0, 0)

    @property
    def flags(self) -> int:
        return self.body[self.tcp_at + 13] if self.is_tcp else 0

    def carrying(self, begin: int, end: int) -> Packet:
        """The segment with a part of its payload; what opens and closes stays with the first and the last one."""
        tcp, first, last = self.tcp_at, begin == 0, end >= len(self.payload)
        seq = int.from_bytes(self.body[tcp + 4 : tcp + 8], "big") + begin + (self.flags & SYN > 0 and not first)
        flags = self.flags & ~(0 if first else SYN) & ~(0 if last else FIN | PSH)
        body = bytearray(self.body[: self.payload_at] + self.payload[begin:end])
        body[2:4] = len(body).to_bytes(2, "big")
        body[tcp + 4 : tcp + 8] = (seq & 0xFFFFFFFF).to_bytes(4, "big")
        body[tcp + 13] = flags
        return replace(self, body=bytes(body))


def read_packets(path: Path) -> list[Packet]:
    """The packets of a recorded pcap file, which is little-endian and of Linux cooked captures."""
    raw = path.read_bytes()
    magic, link = struct.unpack_from("<I16xI", raw)
    unit = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}[magic]
    at, packets = 24, []
    while at < len(raw):
        seconds, fraction, size = struct.unpack_from("<III", raw, at)
        data = raw[at + 16 : at + 16 + size]
        assert link == SLL2
        packets.append(Packet(seconds * 10**9 + fraction * unit, link, data[:20], data[:2], data[20:]))
        at += 16 + size
    return packets


def as_pcap(packets: Sequence[Packet], *, order: str = "<", unit_ns: int = 1) -> bytes:
    """A pcap file; ``unit_ns`` of 1000 gives the older microseconds."""
    magic = 0xA1B23C4D if unit_ns == 1 else 0xA1B2C3D4
    parts = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 262144, packets[0].link if packets else SLL2)]
    for packet in packets:
        seconds, rest = divmod(packet.time_ns, 10**9)
        captured = packet.data[: packet.cut or None]
        sizes = (len(captured), len(packet.data))
        parts.append(struct.pack(f"{order}IIII", seconds, rest // unit_ns, *sizes) + captured)
    return b"".join(parts)


def as_pcapng(packets: Sequence[Packet], *, order: str = "<") -> bytes:
    """A pcapng file of one section and one interface, in nanoseconds."""

    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        length = struct.pack(f"{order}I", len(body) + 12)
        return struct.pack(f"{order}I", kind) + length + body + length

    nanoseconds = struct.pack(f"{order}HHB3xI", 9, 1, 9, 0)
    parts = [
        block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1)),
        block(1, struct.pack(f"{order}HHI", packets[0].link, 0, 0) + nanoseconds),
    ]
    for packet in packets:
        high, low = divmod(packet.time_ns, 1 << 32)
        fields = (0, high, low, len(packet.data), len(packet.data))
        parts.append(block(6, struct.pack(f"{order}IIIII", *fields) + packet.data))
    return b"".join(parts)


# Other taps that see all the same.


def in_segments(size: int) -> Tap:
    """Every payload in segments of ``size`` bytes."""

    def cut(packet: Packet) -> Iterable[Packet]:
        ends = range(size, len(packet.payload) + size, size) if packet.payload else ()
        pieces = (packet.carrying(end - size, min(end, len(packet.payload))) for end in ends)
        return (
            (replace(each, time_ns=each.time_ns + n) for n, each in enumerate(pieces)) if packet.payload else (packet,)
        )

    return lambda packets: [piece for packet in packets for piece in cut(packet)]


def twice(packets: list[Packet]) -> list[Packet]:
    """Every packet again a few microseconds later, as two mirrored ports show it."""
    return by_time([*packets, *(replace(packet, time_ns=packet.time_ns + 9000) for packet in packets)])


def permuted(packets: list[Packet]) -> list[Packet]:
    """Packets written in another order than that of their times, as several queues of a network card bring them."""
    chance, found = random.Random(6), []
    for begin in range(0, len(packets), 6):
        found += chance.sample(packets[begin : begin + 6], len(packets[begin : begin + 6]))
    return found


def overtaking(packets: list[Packet]) -> list[Packet]:
    """Packets that arrived in another order than they were sent: those of one sender that were under way together.

    A reply that came milliseconds after the request was acknowledged was not: at the time of the acknowledgement
    nobody could have known it, and what it was made from, another connection's reply, comes later in the capture.
    """
    under_way: dict[tuple[object, ...], list[list[Packet]]] = {}
    for packet in packets:
        heard = packet.body[packet.tcp_at + 8 : packet.tcp_at + 12] if packet.is_tcp else packet.time_ns
        bursts = under_way.setdefault((packet.body[12:20], packet.ports, heard), [])
        if not bursts or packet.time_ns - bursts[-1][0].time_ns > OVERTAKEN_NS:
            bursts.append([])
        bursts[-1].append(packet)
    return by_time(
        replace(packet, time_ns=other.time_ns)
        for bursts in under_way.values()
        for together in bursts
        for packet, other in zip(together, reversed(together), strict=True)
    )


def by_time(packets: Iterable[Packet]) -> list[Packet]:
    return sorted(packets, key=lambda packet: packet.time_ns)


def on_link(link: int, *tags: int) -> Tap:
    """The same packets under another link header, with 802.1Q ``tags`` where it is Ethernet's."""
    heads = {
        ETHERNET: lambda kind: bytes(12) + b"".join(struct.pack(">HH", 0x8100, tag) for tag in tags) + kind,
        SLL: lambda kind: struct.pack(">HHH8s", 0, 1, 6, bytes(8)) + kind,
        SLL2: lambda kind: kind + struct.pack(">HIHBB8s", 0, 1, 1, 0, 6, bytes(8)),
        RAW: lambda _: b"",
        NULL: lambda _: struct.pack("<I", 2),
    }
    return lambda packets: [
        replace(packet, link=link, head=heads[link](packet.kind))
        for packet in packets
        if packet.kind == IPV4 or link not in (RAW, NULL)
    ]


def among_noise(packets: list[Packet]) -> list[Packet]:
    """The packets of a busy node between them: 203.0.113.0/24 talks to 198.51.100.0/24, and some of it is garbage."""
    chance, noise = random.Random(3), []
    for packet in packets[::3]:
        said = chance.choice((b"", chance.randbytes(40), b"GET /noise HTTP/1.1\r\nHost: noise\r\n\r\n"))
        ports = chance.randrange(1024, 65535), chance.choice((80, 443, 9080, 53))
        tcp = struct.pack(">HHIIHHHH", *ports, chance.randrange(2**32), 0, 5 << 12 | (PSH if said else SYN), 500, 0, 0)
        ends = bytes((203, 0, 113, chance.randrange(1, 250))), bytes((198, 51, 100, chance.randrange(1, 250)))
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(said), 0, 0, 64, 6, 0, *ends)
        noise.append(replace(packet, time_ns=packet.time_ns + 1, kind=IPV4, body=ip + tcp + said))
        noise.append(replace(packet, time_ns=packet.time_ns + 2, kind=b"\xff\xff", body=chance.randbytes(30)))
    return by_time([*packets, *noise])


# Worse taps.


def snapped(length: int) -> Tap:
    """At most ``length`` bytes of every packet, as ``tcpdump -s`` keeps them."""
    return lambda packets: [replace(packet, cut=length) for packet in packets]


def losing(share: float, seed: int) -> Tap:
    """Without a share of the packets, by chance."""

    def lose(packets: list[Packet]) -> list[Packet]:
        chance = random.Random(seed)
        return [packet for packet in packets if chance.random() >= share]

    return lose


def without(unseen: Callable[[Packet], object]) -> Tap:
    """As a capture filter leaves it."""
    return lambda packets: [packet for packet in packets if not unseen(packet)]


def without_first_words(packets: list[Packet]) -> list[Packet]:
    """Without the first payload of either end of every connection."""
    seen: set[tuple[object, ...]] = set()
    found = []
    for packet in packets:
        lane = packet.body[12:20], packet.ports
        if packet.payload and lane not in seen:
            seen.add(lane)
        else:
            found.append(packet)
    return found


# Runs.


@dataclass(frozen=True)
class Recording:
    """One scenario: its mesh, and the packets that each pod's tap saw."""

    name: str
    folder: Path
    taps: dict[str, list[Packet]]
    base: tuple[Record, ...]

    @property
    def span_ns(self) -> tuple[int, int]:
        times = [packet.time_ns for packets in self.taps.values() for packet in packets]
        return min(times), max(times)

    def says(self, name: str) -> bool:
        """Whether a name stands in a packet, as it is or in HPACK's Huffman code."""
        plain = name.encode("latin-1", "replace")
        return plain in self._said or HUFFMAN.encode(plain) in self._said

    @cached_property
    def _said(self) -> bytes:
        return b"\n".join(packet.payload for packets in self.taps.values() for packet in packets)

    def calls(self, place: Path, change: Callable[[list[Packet]], bytes | list[Packet]]) -> list[Record]:
        """The calls of the same taps after a change."""
        for name, packets in self.taps.items():
            changed = change(list(packets))
            (place / name).write_bytes(changed if isinstance(changed, bytes) else as_pcap(changed))
        return calls_in(place, self.folder / "mesh")


def calls_in(captures: Path, mesh: Path) -> list[Record]:
    """The calls that an analysis finds, as ``-o jsonl`` prints them."""
    lines = b"".join(render_jsonl(analyze_paths([str(captures)], load_mesh([mesh])))).splitlines()
    return [record for record in map(json.loads, lines) if record["kind"] == "call"]


@cache
def recording_of(name: str) -> Recording:
    folder = CAPTURES / name
    taps = {path.name: read_packets(path) for path in sorted((folder / "pods").glob("*.any.pcap"))}
    return Recording(name, folder, taps, tuple(calls_in(folder / "pods", folder / "mesh")))


@pytest.fixture(params=SCENARIOS)
def recording(request: pytest.FixtureRequest) -> Recording:
    return recording_of(request.param)


def connection_of(record: Record) -> str:
    return f"{record['client']['ip']}:{record['client']['port']}"


def said(record: Record) -> tuple[object, ...]:
    return tuple(record.get(field) for field in ("method", "host", "path"))


def told(records: Iterable[Record]) -> Counter[tuple[object, ...]]:
    """What is said of every call, noise apart."""
    return Counter(
        (
            connection_of(record),
            record["request"],
            *said(record),
            record["verdict"],
            record["reason"],
            (record["outbound"] or {}).get("cluster"),
            record["observed"]["agrees"],
        )
        for record in records
        if not record["client"]["ip"].startswith(("203.0.113.", "198.51.100."))
    )


def names_of(record: Record) -> set[str]:
    """The hosts and server names that a call and its legs say."""
    said = (record.get("host"), *(each.get("sni") for each in (record, *record["legs"])))
    return {name for name in said if name}


def places_of(record: Record) -> set[str]:
    """The clients of a call's own connection and of those that carried it."""
    return {connection_of(record), *map(connection_of, record["legs"])}


def may_be_of(record: Record, call: Record) -> bool:
    """Whether a connection that no call is known to have used may have been opened for one: an attempt that failed.

    It has an end in common with a leg of the call, and was there while the call was under way.
    """
    ends = {end["ip"] for leg in call["legs"] for end in (leg["client"], leg["server"])}
    meets = call["first_ns"] - SLACK_NS <= record["last_ns"] and record["first_ns"] <= call["last_ns"] + SLACK_NS
    return meets and not ends.isdisjoint((record["client"]["ip"], record["server"]["ip"]))


def verdicts_for(record: Record, there: Iterable[Record]) -> set[str | None]:
    """What may be said of a connection that belongs to one of some calls.

    Where a route's weights leave a call open, the connection that they chose may still say where it goes.
    """
    chosen = any("weighted" in call["undetermined"] and connection_of(call) != connection_of(record) for call in there)
    return {record["verdict"]} if chosen else {call["verdict"] for call in there}


def untrue(recording: Recording, records: Iterable[Record]) -> list[str]:
    """The calls of worse taps that say something else than the whole truth, instead of nothing and why."""
    known: dict[str, list[Record]] = {}
    for record in recording.base:
        for place in places_of(record):
            known.setdefault(place, []).append(record)
    found = []
    for record in records:
        there = known.get(connection_of(record)) or [each for each in recording.base if may_be_of(record, each)]
        same = [each for each in there if said(each) == said(record)] or there
        name = f"{connection_of(record)} {said(record)}"
        unsaid = [each for each in names_of(record) if not recording.says(each)]
        found += [f"{connection_of(record)}: {each} is a name that nobody said" for each in unsaid]
        if record["verdict"] is None and not record["undetermined"]:
            found.append(f"{name}: no verdict, and no reason for that")
        if record["verdict"] is not None and record["verdict"] not in verdicts_for(record, same):
            found.append(f"{name}: {record['verdict']} for {[each['verdict'] for each in same]}")
        if record["observed"]["agrees"] is False and all(each["observed"]["agrees"] is not False for each in same):
            found.append(f"{name}: contradicted: {record['observed']}")
    return found


@pytest.fixture(scope="session")
def tap() -> Any:
    """This file's functions, by name."""
    return type("Taps", (), {name: staticmethod(value) for name, value in globals().items() if callable(value)})
