"""Fragments of IP datagrams, put together as a Linux receiver does (``net/ipv4/inet_fragment.c``; RFC 5722).

No payload is copied: of a TCP segment that came in fragments, also inside a tunnel, the row of the first has its
headers, and the rows of the others become segments that carry the bytes which follow, each from the packet that
brought them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from analyzer.base.table import DECODED, FIN, FRAGMENT_CONFLICT, PROTOCOL_TCP, RST, SYN, PacketTable, RecordTable
from analyzer.capture.frames import IP_PROTOCOL, Decoding, Fragments, Frames
from analyzer.capture.gather import as_bytes

# What a receiver waits for the rest of a datagram (net.ipv4.ipfrag_time and net.ipv6.ip6frag_time are 30 and 60 s).
WAIT_NS = 30_000_000_000
# No datagram is longer than its length field can say, less the shortest header of IPv4.
MAX_DATAGRAM_LEN = 65_535 - 20
# So much of the front of a datagram is searched for headers.
MAX_HEADERS_LEN = 512
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


def join_fragments(decoding: Decoding, records: RecordTable, decode: Callable[[Decoding, Frames], None]) -> None:
    """Make segments of the datagrams whose fragments are all there; the others keep their fate.

    A fragment that overlaps another in part, or lies behind the datagram's end, spoils the datagram: a receiver drops
    all of it. ``decode`` reads all headers of some frames.
    """
    if not decoding.fragments:
        return
    columns = (
        np.concatenate([getattr(part, name) for part in decoding.fragments]) for name in Fragments.__struct_fields__
    )
    met = Fragments(*columns)
    whole = list(_complete(decoding.table, records, met))
    heads = [_head(decoding, met, datagram) for datagram in whole]
    sizes = np.array([len(head) for head in heads], np.int64)
    ends = np.cumsum(sizes)
    rows = met.row[[datagram.members[0] for datagram in whole]]
    wire_ends = ends - sizes + np.array([datagram.held for datagram in whole], np.int64)
    following = decoding.table.protocol[rows].astype(np.int64) + IP_PROTOCOL
    # An offset into the copy tells how long the headers are; it must not stay in the table.
    decode(
        Decoding(as_bytes(memoryview(b"".join(heads))), decoding.table, decoding.tunnels),
        Frames(rows, ends - sizes, ends, wire_ends, following),
    )
    header_lens = decoding.table.payload_off[rows] - ends + sizes
    for datagram, header_len, size in zip(whole, header_lens.tolist(), sizes.tolist(), strict=True):
        if decoding.table.fate[met.row[datagram.members[0]]] == DECODED:
            cut = header_len >= size and size < min(datagram.held, MAX_HEADERS_LEN)
            _spread(decoding.table, met, datagram, None if cut else header_len)


def _complete(table: PacketTable, records: RecordTable, met: Fragments) -> Iterator[_Datagram]:
    """The datagrams as they become complete, in the order of the capture."""
    waiting: dict[Key, _Datagram] = {}
    order = np.argsort(met.row, kind="stable")
    rows = met.row[order]
    keys = np.stack(
        [
            met.identification[order], table.src_hi[rows], table.src_lo[rows], table.dst_hi[rows], table.dst_lo[rows],
            table.protocol[rows], table.ip_version[rows],
            table.ifindex[rows], table.direction[rows], records.interface[rows],
        ],
        axis=1, dtype=np.int64,
    )  # fmt: skip
    stops = met.start[order] + met.wire_end[order] - met.at[order]
    # All but the last end at a multiple of eight; what stands over is cut off.
    stops = np.where(met.more[order] != 0, stops & -UNIT, stops)
    columns = (order, met.start[order], stops, met.more[order], records.time_ns[rows])
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


def _head(decoding: Decoding, met: Fragments, datagram: _Datagram) -> bytes:
    """The front of a datagram, as far as it was captured without a hole."""
    head = b""
    for member, start, stop in zip(datagram.members, datagram.starts, datagram.stops, strict=True):
        if len(head) < start or start >= MAX_HEADERS_LEN:
            break
        at = met.at[member]
        head += decoding.data[at : min(at + min(stop, MAX_HEADERS_LEN) - start, met.end[member])].tobytes()
    return head


def _spread(table: PacketTable, met: Fragments, datagram: _Datagram, header_len: int | None) -> None:
    """Give every row of a TCP datagram its part of the payload, and the header's fields of the first row.

    Of other datagrams, of a RST (what it carries is no payload), and where the headers were cut (``header_len`` None),
    the other rows stay fragments.
    """
    first = met.row[datagram.members[0]]
    flags = int(table.tcp_flags[first])
    alone = header_len is None or table.protocol[first] != PROTOCOL_TCP or flags & RST
    members = datagram.members[: 1 if alone else None]
    rows, starts, stops = met.row[members], np.array(datagram.starts[: len(members)]), np.array(datagram.stops)
    begin = MAX_DATAGRAM_LEN if header_len is None else header_len
    end = begin + int(table.payload_wire_len[first])
    # What lies behind the inner packet of a tunnel is nobody's.
    stops = np.maximum(np.minimum(stops[: len(members)], end), starts)
    skipped = np.clip(begin - starts, 0, stops - starts)
    at, captured = met.at[members] + skipped, np.minimum(met.end[members], met.at[members] + stops - starts)
    table.payload_off[rows] = np.minimum(at, captured)
    table.payload_len[rows] = np.maximum(captured - at, 0)
    if alone:
        return
    table.payload_wire_len[rows] = stops - starts - skipped
    for name in _OF_THE_DATAGRAM:
        column = getattr(table, name)
        column[rows] = column[first]
    # A SYN takes a number of its own, before the payload.
    before = np.maximum(starts - begin, 0) + (1 if flags & SYN else 0)
    before[0] = 0
    table.seq[rows] = (int(table.seq[first]) + before) & 0xFFFF_FFFF
    table.tcp_flags[rows] = flags & ~(SYN | FIN)
    table.tcp_flags[first] |= flags & SYN
    table.tcp_flags[rows[-1]] |= flags & FIN


_OF_THE_DATAGRAM = (
    "ip_version", "src_hi", "src_lo", "dst_hi", "dst_lo", "protocol", "src_port", "dst_port", "ack", "window", "tsval",
    "tsecr", "fate",
)  # fmt: skip
