"""The conductor of a capture that is too large for memory: read in windows, judged lot by lot, told in order.

Twice over the packets: a census of who talks with whom (``flow/census.py``) says which of them must be looked at
together (``flow/lots.py``); then each lot goes through all rooms by itself, its lines are written away, and what is
kept is small. In the end the lines of all lots are read in order. The bytes are those of a run that holds everything.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer.base.address import format_address
from analyzer.base.errors import CaptureError
from analyzer.base.fact import replace, set_derived
from analyzer.base.oddity import Oddity
from analyzer.base.pages import give_back_freed
from analyzer.base.scratch import Scratch
from analyzer.base.shrinking import has_shrunk
from analyzer.base.table import DECODED, FATE_NAMES, FRAGMENT_CONFLICT, I64, IP_FRAGMENT, NESTED_TOO_DEEP, PROTOCOL_UDP
from analyzer.base.watch import UNWATCHED, Watch
from analyzer.base.workers import run_in_workers
from analyzer.capture.capture import Capture
from analyzer.capture.decode import decode_packets, nesting_oddities
from analyzer.capture.gather import forget
from analyzer.capture.reader import read_capture_bytes, shrunk
from analyzer.capture.sources import CaptureSource
from analyzer.flow.census import Census, Tuples
from analyzer.flow.lots import Lots, part_in_lots
from analyzer.flow.udp import udp_flows
from analyzer.lot import CALL, FLOW, LotRun, LotWriter, Task
from analyzer.mesh.kinds.mesh_config import LOCALHOST
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.report.as_json import Object, capture_object, encode, finding_object
from analyzer.report.json_objects import totals_object
from analyzer.report.private import redact_apart_from_calls
from analyzer.report.spill import Merged
from analyzer.verdict.beside import Beside
from analyzer.verdict.codes import CODES
from analyzer.verdict.findings import Groups, findings_of
from analyzer.verdict.health import Sights
from analyzer.verdict.oddities import Tally
from analyzer.verdict.parting import Kind, Kinds, parting_finding, parting_of
from analyzer.verdict.record import Analysis, CallRecord, CaptureRecord, Finding, MeshRecord

# Captures with fewer packets are analysed faster in one piece: that takes about 500 bytes a packet.
LARGE_RECORDS = 1_500_000
_SAMPLE_LEN = 1 << 20
# Packets that are decoded together while they are counted: about 30 MB.
WINDOW_ROWS = 1 << 18
# Packets that are judged together: about 100 MB with the calls that they hold.
LOT_PACKETS = 150_000
MOST_TOGETHER = 0.5
# The share of a run until its lots are known, and until they are judged.
_COUNTED, _JUDGED = 0.2, 0.95
# A guess of whose capture it is, and the truth.
_TRIES = 2


@dataclass(frozen=True, slots=True)
class LargeRun:
    """A run whose ``analysis`` has no calls and no flows: their lines are in ``calls`` and ``flows``.

    ``verdicts`` counts the calls; ``met`` are the names of the choices that some call met.
    """

    analysis: Analysis
    verdicts: Mapping[str | None, int]
    met: frozenset[str]
    calls: Merged
    flows: Merged

    def lines(self, *, redact: bool) -> Iterator[bytes]:
        """The lines of the run, as ``render_jsonl`` gives them."""
        yield _line("run", totals_object(self.analysis, self.verdicts, flows=len(self.flows)))
        shown = redact_apart_from_calls(self.analysis) if redact else self.analysis
        for capture in shown.captures:
            yield _line("capture", capture_object(capture))
        yield from self.calls.pieces(lambda number: b"%s%d" % (CALL.encode(), number))
        yield from self.flows.pieces(lambda _: FLOW.encode())
        for finding in shown.findings:
            yield _line("finding", finding_object(finding))


@dataclass(frozen=True, slots=True)
class Plan:
    """How a large capture is judged: ``hint`` is whose it may be, ``keep`` chooses the calls that count.

    Where more than ``most_together`` of all packets must be looked at together, little is won by parting them.
    """

    mesh: MeshSnapshot | None
    mesh_record: MeshRecord | None
    hint: str | None
    keep: Callable[[CallRecord], bool]
    watched: Mapping[str, Callable[[CallRecord], bool]]
    redact: bool = True
    jobs: int = 1
    lot_packets: int = LOT_PACKETS
    window_rows: int = WINDOW_ROWS
    most_together: float = MOST_TOGETHER


@dataclass(slots=True)
class _Count:
    """What the census of a capture gives beside its tuples; ``nested`` is the first packet that was too deep."""

    fates: I64
    udp: list[I64]
    bytes: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    nested: int = 0


def is_large(source: CaptureSource) -> bool:
    """Whether a capture may have so many packets that its run would not fit into memory, by those at its beginning."""
    if source.path is None or source.ring:
        return False
    try:
        with source.path.open("rb") as file:
            beginning = file.read(_SAMPLE_LEN)
        found = read_capture_bytes(beginning, name=source.name)
    except (OSError, CaptureError):
        return False
    return len(found.records) * source.size // _SAMPLE_LEN > LARGE_RECORDS


def run_large(capture: Capture, plan: Plan, watch: Watch = UNWATCHED) -> LargeRun | None:
    """The run over one capture, of which no more is in memory than a lot.

    None where it cannot be parted: fragments lie across windows, keys open its TLS, sidecars deliver to 127.0.0.1, or
    most of its connections may have to do with each other (``flow/lots.py``).
    """
    if capture.secrets or (plan.mesh is not None and plan.mesh.config.inbound_policy == LOCALHOST):
        return None
    tuples, count = _counted(capture, plan.window_rows, watch.part(0.0, _COUNTED))
    in_pieces = count.fates[[IP_FRAGMENT, FRAGMENT_CONFLICT]].any()
    if in_pieces or not tuples.sure:
        return None
    lots = part_in_lots(tuples, plan.lot_packets)
    if lots.largest > max(plan.lot_packets, len(capture.records) * plan.most_together):
        return None
    give_back_freed()
    watch = watch.part(_COUNTED, _JUDGED)
    apps = _addresses(lots.apps)
    sights = Sights(dict(zip(apps, lots.connections.tolist(), strict=True)))
    for _ in range(_TRIES):
        home = sights.pod(plan.hint, plan.mesh)
        judged = _judged(_task(capture, lots, plan, home), plan.jobs, watch)
        sights = Sights(dict.fromkeys(apps, 0))
        for _, run in judged.runs:
            sights.join(run.sights)
        if sights.pod(plan.hint, plan.mesh) == home:
            break
    return _told(capture, count, plan, sights, judged)


def _counted(capture: Capture, window_rows: int, watch: Watch) -> tuple[Tuples, _Count]:
    records = capture.records
    census = Census(in_file=len(records) > window_rows)
    count = _Count(np.zeros(len(FATE_NAMES), np.int64), [])
    for first in watch.over(f"{capture.name}: census", range(0, len(records), window_rows)):
        window = records.part(slice(first, first + window_rows))
        packets = decode_packets(replace(capture, records=window))
        census.add(packets, window)
        count.fates += np.bincount(packets.fate, minlength=len(FATE_NAMES))
        count.udp.append(first + np.flatnonzero((packets.fate == DECODED) & (packets.protocol == PROTOCOL_UDP)))
        count.bytes += int(window.captured_len.sum(dtype=np.int64))
        begin, end = int(window.time_ns.min()), int(window.time_ns.max())
        count.first_ns = begin if count.first_ns is None else min(count.first_ns, begin)
        count.last_ns = end if count.last_ns is None else max(count.last_ns, end)
        deep = np.flatnonzero(packets.fate == NESTED_TOO_DEEP)
        count.nested = count.nested or (first + int(deep[0]) + 1 if len(deep) else 0)
        _forget_columns(capture)
    return census.finish(), count


def _forget_columns(capture: Capture) -> None:
    """Let go of what was read of a table that lies in a file."""
    records = capture.records
    columns: tuple[NDArray[Any], ...] = (
        records.time_ns, records.data_off, records.captured_len, records.wire_len, records.interface, records.link,
    )  # fmt: skip
    for column in columns:
        forget(column.view(np.uint8))


def _addresses(columns: I64) -> list[str]:
    return [format_address(hi, lo, version=version) for version, hi, lo in columns.T.tolist()]


def _task(capture: Capture, lots: Lots, plan: Plan, home: str | None) -> Task:
    beside = Beside(
        apps=frozenset(_addresses(lots.apps)),
        called=frozenset(_addresses(lots.servers)),
        lo_captures=frozenset((capture.name,) if lots.shows_lo else ()),
        narrow=frozenset((capture.name,) if lots.narrow else ()),
    )
    return Task(capture, lots, plan.mesh, home, beside, plan.keep, plan.watched, plan.redact)


@dataclass(frozen=True, slots=True)
class _Judged:
    """Lots in their order, each with the place of its files among ``files``; ``kinds`` as in ``LotWriter``."""

    runs: list[tuple[int, LotRun]]
    files: list[tuple[Scratch, Scratch]]
    kinds: Kinds


def _judged(task: Task, jobs: int, watch: Watch) -> _Judged:
    """All lots, judged by so many processes."""
    jobs = max(min(jobs, task.lots.count), 1)
    files = [(Scratch(), Scratch()) for _ in range(jobs)]
    quiet = replace(UNWATCHED, stop=watch.stop, heeded=watch.heeded)
    shares = [range(first, task.lots.count, jobs) for first in range(jobs)]
    shared = run_in_workers(
        [
            partial(_judge_some, task, share, files[number], quiet if number else watch)
            for number, share in enumerate(shares)
        ]
    )
    found: list[tuple[int, int, LotRun]] = []
    kinds: Kinds = {}
    for number, (share, (runs, own)) in enumerate(zip(shares, shared, strict=True)):
        found += [(lot, number, run) for lot, run in zip(share, runs, strict=False)]
        for key, kind in own.items():
            kinds.setdefault(key, Kind()).join(kind)
    found.sort(key=itemgetter(0))
    return _Judged([(number, run) for _, number, run in found], files, kinds)


def _judge_some(
    task: Task, lots: Sequence[int], files: tuple[Scratch, Scratch], watch: Watch
) -> tuple[list[LotRun], Kinds]:
    """Some lots, one after the other; fewer where the run is asked to end."""
    writer, found = LotWriter(task, *files), []
    for place, lot in enumerate(lots):
        if watch.is_stopped:
            break
        found.append(writer.run(lot, watch.part(place / len(lots), (place + 1) / len(lots))))
        _forget_columns(task.capture)
        # The command line looks for no garbage; here there is some, and only what this lot made is looked at.
        gc.collect(0)
        give_back_freed()
    return found, writer.kinds


def _told(capture: Capture, count: _Count, plan: Plan, sights: Sights, judged: _Judged) -> LargeRun:
    runs = [run for _, run in judged.runs]
    files = [judged.files[number] for number, _ in judged.runs]
    calls = Merged([run.calls for run in runs], [own for own, _ in files])
    flows = Merged([run.flows for run in runs], [own for _, own in files])
    verdicts: Counter[str | None] = Counter()
    for run in runs:
        verdicts.update(run.verdicts)
    record, limits = _record(capture, count, sights, runs)
    analysis = Analysis(
        calls=(),
        flows=(),
        findings=_findings(runs, judged.kinds, calls.numbers),
        captures=(replace(record, pod=sights.pod(plan.hint, plan.mesh), calls=sum(verdicts.values())),),
        mesh=plan.mesh_record,
        limits=limits,
    )
    met = frozenset[str]().union(*(run.met for run in runs))
    return LargeRun(analysis, verdicts, met, calls, flows)


def _record(
    capture: Capture, count: _Count, sights: Sights, runs: Sequence[LotRun]
) -> tuple[CaptureRecord, tuple[str, ...]]:
    rows = np.concatenate([np.empty(0, np.int64), *count.udp])
    some = replace(capture, records=capture.records.part(rows))
    udp, udp_odd = udp_flows(capture.buffer, decode_packets(some), some.records)
    nested = nesting_oddities(capture.name, int(count.fates[NESTED_TOO_DEEP]), count.nested)
    strange: list[Oddity] = [*capture.oddities, *nested, *udp_odd]
    odd, said = Tally(strange), Tally()
    for run in runs:
        odd.join(run.odd)
        said.join(run.said)
    changed = capture.complete and has_shrunk(capture.buffer)
    record = CaptureRecord(
        name=capture.name,
        format=capture.format,
        pod=None,
        vantage=sights.vantage,
        link_types=tuple(sorted({interface.link_name for interface in capture.interfaces})),
        records=len(capture.records),
        bytes=count.bytes,
        first_ns=count.first_ns or 0,
        last_ns=count.last_ns or 0,
        connections=sum(run.connections for run in runs),
        calls=0,
        fates=tuple((FATE_NAMES[i], n) for i, n in enumerate(count.fates.tolist()) if n),
        complete=capture.complete and not changed,
        oddities=(*odd.lines(), *said.lines()),
        error=shrunk(capture.name) if changed else capture.error,
        udp=tuple(udp),
    )
    return record, (*odd.limit_lines(capture.name), *said.limit_lines(capture.name))


def _findings(runs: Sequence[LotRun], kinds: Kinds, numbers: I64) -> tuple[Finding, ...]:
    """The findings of all lots; ``numbers`` are those of all calls, lot after lot.

    ``kinds`` has the calls that packets agree with, and is given the others.
    """
    groups: Groups = {}
    before = 0
    for run in runs:
        own = numbers[before : before + len(run.calls)]
        before += len(own)
        for key, marks in run.groups.items():
            groups.setdefault(key, []).extend(marks)
        for kind_key, wrong in run.wrong.items():
            kinds.setdefault(kind_key, Kind()).wrong += wrong
        for mark in chain.from_iterable((*run.groups.values(), *run.wrong.values())):
            set_derived(mark, "call", str(own[int(mark.call) - 1]))
    for marks in groups.values():
        marks.sort(key=lambda mark: mark.begin)
    parting = parting_of(kinds)
    changed = (parting_finding(parting),) if parting else ()
    told = frozenset(name for finding in changed for name in finding.calls)
    return (*changed, *findings_of(groups, CODES, told=told))


def _line(kind: str, fields: Object) -> bytes:
    return f'{{"kind":"{kind}",{encode(fields).decode()[1:]}\n'.encode()
