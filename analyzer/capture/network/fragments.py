"""Fragments of IP datagrams, put together as a Linux receiver does (``net/ipv4/inet_fragment.c``; RFC 5722).

Nothing is copied: of a TCP segment that came in fragments, the row of the first has its header, and the rows of the
others become segments that carry the bytes which follow, each from the packet that brought them. What is not TCP stays
as it came.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from analyzer.base.table import DECODED, FIN, FRAGMENT_CONFLICT, I64, PROTOCOL_TCP, RST, SYN, PacketTable, RecordTable
from analyzer.capture.frames import IP_PROTOCOL, Decoding, Fragments, Frames
from analyzer.capture.transport.tcp import decode_tcp

# What a receiver waits for the rest of a datagram (net.ipv4.ipfrag_time and net.ipv6.ip6frag_time are 30 and 60 s).
WAIT_NS = 30_000_000_000
# No datagram is longer than its length field can say, less the shortest header of IPv4.
MAX_DATAGRAM_LEN = 65_535 - 20
# The longest TCP header: fifteen words.
MAX_TCP_HEADER = 60
# Fragments are cut at multiples of this.
UNIT = 8

Key = tuple[int, ...]


@dataclass(slots=True)
class _Datagram:
    """What has come of one datagram: ``members`` are indices of fragments, by where they begin; nothing overlaps."""

    begun_ns: int
    starts: list[int] = field(default_factory=list)
    stops: list[int] = field(default_factory=list)
    members: list[int] = field(default_factory=list)
    total: int | None = None
    held: int = 0

    @property
    def complete(self) -> bool:
        return self.held == self.total

    def add(self, member: int, start: int, stop: int, *, more: bool) -> bool:
        """Take a fragment in; False where it contradicts those that came before: a receiver then drops them all.

        One that repeats what is there is left out.
        """
        furthest = self.stops[-1] if self.stops else 0
        too_long = stop > (MAX_DATAGRAM_LEN if self.total is None else self.total)
        if stop <= start or too_long or (not more and (stop < furthest or self.total not in (None, stop))):
            return False
        if not more:
            self.total = stop
        i = bisect_right(self.starts, start)
        before = self.stops[i - 1] if i else 0
        after = self.starts[i] if i < len(self.starts) else MAX_DATAGRAM_LEN
        if start >= before and stop <= after:
            self.starts.insert(i, start)
            self.stops.insert(i, stop)
            self.members.insert(i, member)
            self.held += stop - start
            return True
        return start < before and stop <= self._run_end(i - 1)

    def _run_end(self, i: int) -> int:
        """Where the bytes break off that are there from piece ``i`` on."""
        while i + 1 < len(self.starts) and self.starts[i + 1] == self.stops[i]:
            i += 1
        return self.stops[i]


def join_fragments(decoding: Decoding, records: RecordTable) -> None:
    """Make segments of the TCP datagrams whose fragments are all there; the others keep their fate.

    A fragment that overlaps another in part, or lies behind the datagram's end, spoils the datagram: a receiver drops
    all of it.
    """
    if not decoding.fragments:
        return
    table = decoding.table
    columns = (np.concatenate([getattr(part, name) for part in decoding.fragments]) for name in Fragments.__slots__)
    met = Fragments(*columns)
    is_tcp = np.flatnonzero(table.protocol[met.row] == PROTOCOL_TCP)
    in_order = is_tcp[np.argsort(met.row[is_tcp], kind="stable")]
    whole = list(_complete(table, records, met, in_order))
    if not whole:
        return
    header_lens = _decode_headers(decoding, met, whole)
    for datagram, header_len in zip(whole, header_lens, strict=True):
        _spread(table, met, datagram, header_len)


def _complete(table: PacketTable, records: RecordTable, met: Fragments, chosen: I64) -> Iterator[_Datagram]:
    """The datagrams of ``chosen`` fragments, which are in the order of the capture, as they become complete."""
    waiting: dict[Key, _Datagram] = {}
    rows = met.row[chosen]
    keys = np.stack(
        [
            met.identification[chosen], table.src_hi[rows], table.src_lo[rows], table.dst_hi[rows], table.dst_lo[rows],
            table.ip_version[rows], table.ifindex[rows], table.direction[rows], records.interface[rows],
        ],
        axis=1, dtype=np.int64,
    )  # fmt: skip
    stops = met.start[chosen] + met.wire_end[chosen] - met.at[chosen]
    # All but the last end at a multiple of eight; what stands over is cut off.
    stops = np.where(met.more[chosen] != 0, stops & -UNIT, stops)
    columns = (chosen, met.start[chosen], stops, met.more[chosen], records.time_ns[rows])
    for key, (member, start, stop, more, time_ns) in zip(
        map(tuple, keys.tolist()), zip(*(column.tolist() for column in columns), strict=True), strict=True
    ):
        datagram = waiting.get(key)
        if datagram is None or abs(time_ns - datagram.begun_ns) > WAIT_NS:
            datagram = waiting[key] = _Datagram(time_ns)
        if not datagram.add(member, start, stop, more=bool(more)):
            table.fate[met.row[[member, *waiting.pop(key).members]]] = FRAGMENT_CONFLICT
        elif datagram.complete:
            yield waiting.pop(key)


def _decode_headers(decoding: Decoding, met: Fragments, whole: list[_Datagram]) -> list[int]:
    """Read the TCP header of each datagram, wherever it was cut, into its first row; its length, 0 where it is bad."""
    heads = [_head(decoding, met, datagram) for datagram in whole]
    sizes = np.array([len(head) for head in heads], np.int64)
    at = np.cumsum(sizes) - sizes
    totals = np.array([datagram.held for datagram in whole], np.int64)
    rows = met.row[[datagram.members[0] for datagram in whole]]
    following = np.full(len(whole), IP_PROTOCOL + PROTOCOL_TCP, np.int64)
    data = np.frombuffer(b"".join(heads) or b"\0", np.uint8)
    decode_tcp(Decoding(data, decoding.table), Frames(rows, at, at + sizes, at + totals, following))
    decoded = decoding.table.fate[rows] == DECODED
    header_lens: list[int] = np.where(decoded, totals - decoding.table.payload_wire_len[rows], 0).tolist()
    return header_lens


def _head(decoding: Decoding, met: Fragments, datagram: _Datagram) -> bytes:
    head = b""
    for member, start, stop in zip(datagram.members, datagram.starts, datagram.stops, strict=True):
        if len(head) < start or start >= MAX_TCP_HEADER:
            break
        at = met.at[member]
        head += decoding.data[at : min(at + min(stop, MAX_TCP_HEADER) - start, met.end[member])].tobytes()
    return head


def _spread(table: PacketTable, met: Fragments, datagram: _Datagram, header_len: int) -> None:
    """Give every row of a datagram its part of the payload, and the header's fields of the first row."""
    if not header_len:
        return
    rows = met.row[datagram.members]
    first, last = rows[0], rows[-1]
    flags = int(table.tcp_flags[first])
    # What a RST carries is no payload.
    rows = rows[:1] if flags & RST else rows
    starts, stops = np.array(datagram.starts[: len(rows)]), np.array(datagram.stops[: len(rows)])
    at, end = met.at[datagram.members[: len(rows)]], met.end[datagram.members[: len(rows)]]
    skipped = np.clip(header_len - starts, 0, stops - starts)
    for name in ("src_port", "dst_port", "ack", "window", "tsval", "tsecr"):
        column = getattr(table, name)
        column[rows] = column[first]
    table.fate[rows] = DECODED
    # A SYN takes a number of its own, before the payload.
    before = np.maximum(starts - header_len, 0) + (1 if flags & SYN else 0)
    before[0] = 0
    table.seq[rows] = (int(table.seq[first]) + before) & 0xFFFF_FFFF
    table.tcp_flags[rows] = flags & ~(SYN | FIN)
    table.tcp_flags[first] |= flags & SYN
    table.tcp_flags[last] |= flags & FIN
    payload = at + skipped
    captured = np.minimum(end, at + stops - starts)
    table.payload_off[rows] = np.minimum(payload, captured)
    table.payload_len[rows] = np.maximum(captured - payload, 0)
    table.payload_wire_len[rows] = stops - starts - skipped
