"""The conductor of a capture that grows: what came is looked at again and again, and calls are told as they end.

A look costs what the packets of living connections, the new ones, and the judging of the last minute's calls cost. Of a
connection that is over what was said is kept and its packets are let go, so that at the end all are judged together, as
``analyze_paths`` would have judged them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from analyzer.base.fact import replace
from analyzer.base.oddity import Code, Family, Level, Oddity
from analyzer.base.table import FATE_NAMES, PacketTable
from analyzer.capture.capture import Capture
from analyzer.capture.reader import read_capture_bytes
from analyzer.capture.tail import BEGIN, HEADER, Tail
from analyzer.flow.aging import SETTLE_NS, is_over, numbered, rows_needed
from analyzer.flow.compact import compact
from analyzer.flow.connection import Connection
from analyzer.flow.traffic import Bools
from analyzer.mesh.history import Meshes
from analyzer.opening import OpenedCapture, read_packets, with_pod
from analyzer.pipeline import Where, assemble
from analyzer.verdict.health import vantage_of
from analyzer.verdict.oddities import tell, tell_limits
from analyzer.verdict.record import (
    APP_TO_SIDECAR,
    DIRECT,
    Analysis,
    CallRecord,
    CaptureRecord,
)

# Calls are told with the connections of so long before; those before can have no part in them.
HORIZON_NS = 60_000_000_000
# The legs of a call are all there so long after its end; whether a sidecar's connection carried any is known later.
LEG_NS = 1_000_000_000
# What living connections may hold in memory.
MAX_KEPT = 256 << 20
# Outcomes of a request that has its answer, or will never have one.
_ENDED = frozenset({"answered", "local-reply", "reset", "closed", "refused", "tls-alert"})

TOO_MUCH_KEPT = Code(
    "follow-limit",
    Family.LIMIT,
    Level.WARNING,
    "{count} connections that went on were cut at packet {packet}: their packets take more than {limit} bytes",
    "While a capture is followed the packets of its open connections are in memory, up to a ceiling. What comes later "
    "on those that were cut is taken for connections of which the beginning is missing.",
    "Analyze the finished capture without --follow: that has no such ceiling.",
)


@dataclass(slots=True)
class _Section:
    """A stretch of the capture with a header of its own: the records that are kept of it, and their numbers."""

    header: bytearray
    records: list[bytes] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Totals:
    """What is counted of all packets, those that were let go too."""

    records: int = 0
    bytes: int = 0
    first_ns: int | None = None
    last_ns: int = 0
    fates: Counter[int] = field(default_factory=Counter)
    links: set[str] = field(default_factory=set)
    format: str = ""


class Follower:
    """One growing capture, judged by ``mesh``: ``feed`` it bytes, ``look`` for calls that ended, then ``finish``."""

    def __init__(
        self,
        name: str,
        mesh: Meshes | None,
        *,
        pod_hint: tuple[str | None, str] | None = None,
        where: Where = lambda _: True,
        max_kept: int = MAX_KEPT,
    ) -> None:
        self._tail = Tail(name)
        self._name, self._mesh, self._pod_hint, self._where, self._max_kept = name, mesh, pod_hint, where, max_kept
        self._sections: list[_Section] = []
        self._totals = _Totals()
        self._over: list[Connection] = []
        self._living: list[Connection] = []
        self._cut: list[Oddity] = []
        self._told: set[str] = set()
        self._callers: set[str] = set()
        self._looked_at = 0

    @property
    def is_waiting(self) -> bool:
        """Whether packets came since the last look."""
        return self._totals.records > self._looked_at

    def feed(self, data: bytes) -> None:
        """Take the bytes that came; raises ``CaptureError`` where the first ones are no capture's."""
        for kind, raw in self._tail.feed(data):
            if kind == BEGIN:
                self._sections.append(_Section(bytearray(raw)))
            elif kind == HEADER:
                self._sections[-1].header += raw
            else:
                self._totals.records += 1
                self._sections[-1].records.append(raw)
                self._sections[-1].numbers.append(self._totals.records)

    def restart(self) -> None:
        """The file was begun anew, by its writer or by a rotation: what comes next begins with a header."""
        self._tail.restart()

    def look(self, *, quiet: bool = False) -> list[CallRecord]:
        """The calls that ended since the last look, by their first packet; ids as in ``lasting_id``.

        A call is told when its last packet is a moment old, since its other legs may still be under way. ``quiet`` says
        that nothing has come for longer than that.
        """
        self._read()
        recent = self._totals.last_ns - HORIZON_NS
        near = [c for c in self._over if c.last_ns >= recent]
        found = [call for call in self._judge([*near, *self._living]).calls if self._has_ended(call, quiet=quiet)]
        self._told |= {call.id for call in found}
        self._callers |= {call.client.ip for call in found if _is_own(call)}
        return found

    def finish(self) -> Analysis:
        """The run over all that came, as ``analyze_paths`` would give it but for what is said of single packets."""
        self._read()
        return self._judged([*self._over, *self._living])

    def _has_ended(self, call: CallRecord, *, quiet: bool) -> bool:
        if call.id in self._told or call.observed.outcome not in _ENDED:
            return False
        own = _is_own(call)
        # A sidecar's connection outlives the calls that it carried: when these are forgotten it is nobody's own.
        if not own and call.client.ip in self._callers:
            return False
        return quiet or call.last_ns + (LEG_NS if own else SETTLE_NS) <= self._totals.last_ns

    def _judge(self, connections: Sequence[Connection]) -> Analysis:
        return with_lasting_ids(self._judged(connections))

    def _judged(self, connections: Sequence[Connection]) -> Analysis:
        ordered = sorted(connections, key=lambda c: c.first_packet)
        found = [replace(c, index=index) for index, c in enumerate(ordered)]
        odd = [*self._cut, *(oddity for c in found for oddity in c.oddities)]
        record = replace(self._record(found), oddities=tell(odd))
        opened = OpenedCapture(record, found, tell_limits(self._name, odd))
        return assemble([with_pod(opened, self._pod_hint, self._mesh)], self._mesh, self._where)

    def _record(self, connections: Sequence[Connection]) -> CaptureRecord:
        totals, error = self._totals, self._tail.error
        if error is None and self._tail.waiting:
            error = (
                f"{self._name}: packet {totals.records + 1}: record is cut; {self._tail.waiting} bytes of it are there"
            )
        return CaptureRecord(
            name=self._name, format=totals.format or "pcap", pod=None, vantage=vantage_of(connections),
            link_types=tuple(sorted(totals.links)), records=totals.records, bytes=totals.bytes,
            first_ns=totals.first_ns or 0, last_ns=totals.last_ns, connections=len(connections), calls=0,
            fates=tuple((FATE_NAMES[i], n) for i, n in sorted(totals.fates.items())), complete=error is None,
            oddities=(), error=error,
        )  # fmt: skip

    def _read(self) -> None:
        """Read what is kept and what came; let go of what is over."""
        self._sections = [each for each in self._sections if each.records or each is self._sections[-1]]
        if not self.is_waiting:
            return
        data = b"".join(part for each in self._sections for part in (bytes(each.header), *each.records))
        numbers = np.array([number for each in self._sections for number in each.numbers], np.int64)
        capture = read_capture_bytes(data, name=self._name)
        read = read_packets(capture)
        found = read.connections()
        now_ns = max(self._totals.last_ns, int(capture.records.time_ns.max()))
        over = [c for c in found if is_over(c, now_ns)]
        living = [c for c in found if not is_over(c, now_ns)]
        if len(data) > self._max_kept:
            over, living = self._cut_oldest(over, living, len(data))
        ended = [compact(numbered(c, numbers, 0)) for c in over]
        going_on = [numbered(c, numbers, 0) for c in living]
        needed = rows_needed(read.traffic, living, now_ns)
        # From here on nothing takes long: who interrupts a look finds the state before it, or after it.
        self._count(capture, read.packets, numbers > self._looked_at)
        self._over += ended
        self._living = going_on
        self._let_go(needed)

    def _count(self, capture: Capture, packets: PacketTable, new: Bools) -> None:
        times = capture.records.time_ns[new]
        totals = self._totals
        totals.bytes += int(capture.records.captured_len[new].sum(dtype=np.int64))
        totals.first_ns = min(int(times.min()), totals.first_ns if totals.first_ns is not None else int(times.min()))
        totals.last_ns = max(int(times.max()), totals.last_ns)
        totals.fates.update(packets.fate[new].tolist())
        totals.links |= {interface.link_name for interface in capture.interfaces}
        totals.format = totals.format or capture.format
        self._looked_at = totals.records

    def _cut_oldest(
        self, over: list[Connection], living: list[Connection], size: int
    ) -> tuple[list[Connection], list[Connection]]:
        """Take connections that go on, the largest first, for over until about half of the room is free."""
        by_size = sorted(living, key=lambda c: (-(c.client_bytes + c.server_bytes), c.index))
        cut = 0
        for connection in by_size:
            if size <= self._max_kept // 2:
                break
            size -= connection.client_bytes + connection.server_bytes
            cut += 1
        values = {"count": cut, "packet": self._totals.records, "limit": self._max_kept}
        self._cut.append(Oddity(TOO_MUCH_KEPT, None, values))
        return over + by_size[:cut], sorted(by_size[cut:], key=lambda c: c.index)

    def _let_go(self, needed: Bools) -> None:
        first = 0
        for each in self._sections:
            stays = needed[first : first + len(each.records)].tolist()
            first += len(each.records)
            each.records = [record for record, stay in zip(each.records, stays, strict=True) if stay]
            each.numbers = [number for number, stay in zip(each.numbers, stays, strict=True) if stay]


def _is_own(call: CallRecord) -> bool:
    """Whether an application made the call on a connection of its own."""
    return call.legs[0].role in (APP_TO_SIDECAR, DIRECT)


def lasting_id(call: CallRecord) -> str:
    """A name that a call keeps while others come to be known: its connection's, and its place there."""
    return f"{call.uid}.{call.request}"


def with_lasting_ids(analysis: Analysis) -> Analysis:
    """The run with ``lasting_id`` as the id of each call."""
    names = {call.id: lasting_id(call) for call in analysis.calls}
    return replace(
        analysis,
        calls=tuple(replace(call, id=names[call.id]) for call in analysis.calls),
        findings=tuple(replace(f, calls=tuple(names.get(i, i) for i in f.calls)) for f in analysis.findings),
    )
