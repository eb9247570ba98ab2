"""The conductor of trimming: captures cut to what their verdicts need, and the proof that these are the same."""

from __future__ import annotations

import gzip
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from analyzer.base.errors import CaptureError
from analyzer.base.fact import Fact, replace
from analyzer.base.table import I64
from analyzer.base.watch import Progress, Watch
from analyzer.capture.capture import Capture
from analyzer.capture.decode import decode_packets
from analyzer.capture.pcap_writer import write_cut
from analyzer.capture.reader import read_capture_bytes
from analyzer.capture.sources import CaptureSource, find_captures
from analyzer.flow.connections import describe
from analyzer.flow.cut import Needs, kept_lengths
from analyzer.flow.traffic import read_traffic
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.opening import OpenedCapture, open_capture
from analyzer.pipeline import ask_all
from analyzer.protocol.conversation import parse_conversation
from analyzer.protocol.fact_spans import fact_spans
from analyzer.verdict.judge import Asked
from analyzer.verdict.record import CallRecord
from analyzer.verdict.renumber import cited_packets, renumber

# Connections whose calls come out otherwise are kept whole in the next attempt.
MAX_ATTEMPTS = 4
# Compression in a capture's name, which is written anew.
_COMPRESSED = re.compile(r"\.(?:gz|zst|xz|bz2)$", re.IGNORECASE)
_GZIP_LEVEL = 9
# Connections by capture, as their uids.
_Uids = dict[str, set[str]]


class TrimmedCapture(Fact, frozen=True):
    """A capture and what is left of it.

    ``data`` is the new file, to be called ``file``; ``before_len`` and ``before_packets`` are the old one's, expanded.
    """

    source: CaptureSource
    file: str
    data: bytes
    packets: int
    before_len: int
    before_packets: int


class Trimming(Fact, frozen=True):
    """Captures that were cut, and how many calls they hold; ``differing`` are the ids of those that would change.

    Where there are such, the files must not be used.
    ``errors`` are captures that could not be read, or not to their end; ``limits`` are those that were hit.
    """

    captures: tuple[TrimmedCapture, ...]
    calls: int
    differing: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()


class _Original(Fact, frozen=True):
    source: CaptureSource
    capture: Capture


class _Attempt(Fact, frozen=True):
    """Captures as one attempt cut them, and the calls that come out otherwise, each as it was and as it would be."""

    captures: tuple[TrimmedCapture, ...]
    differing: tuple[tuple[Asked | None, Asked | None], ...]


def trim_paths(
    captures: Sequence[str], mesh: MeshSnapshot, *, compress: bool = True, progress: Progress | None = None
) -> Trimming:
    """Cut the captures that files, folders and globs name; nothing is written. The files are gzip where ``compress``.

    Keys to TLS that a capture brings go, and with them what they would show: a trimmed capture is to be handed on.

    The proof: the cut captures are read and judged again, and every record, but for the numbers of packets that are
    left out, and every question that was asked must be equal; so other meshes cannot tell the captures apart either.
    """
    sources = find_captures(captures)
    watch = Watch(progress, sum(source.size for source in sources))
    originals, errors = _read_all(sources)
    opened = [open_capture(each.capture, each.source.pod_hint, mesh) for each in originals]
    before, limits = ask_all(opened, mesh)
    whole: _Uids = defaultdict(set)
    for number in range(MAX_ATTEMPTS):
        watch.tell("cutting", number / MAX_ATTEMPTS)
        attempt = _attempt(originals, before, whole, mesh)
        known = {name: set(uids) for name, uids in whole.items()}
        _keep_whole(whole, attempt.differing)
        if not attempt.differing or known == whole:
            break
    errors += [each.capture.error for each in originals if each.capture.error]
    differing = tuple(each.record.id for pair in attempt.differing for each in pair if each is not None)
    differing = tuple(dict.fromkeys(differing))
    files = tuple(_compressed(each) for each in attempt.captures) if compress else attempt.captures
    return Trimming(files, len(before), differing, tuple(errors), limits)


def _compressed(trimmed: TrimmedCapture) -> TrimmedCapture:
    """The same bytes whenever it is made: the time in the header is 0."""
    data = gzip.compress(trimmed.data, _GZIP_LEVEL, mtime=0)
    return replace(trimmed, file=f"{trimmed.file}.gz", data=data)


def _read_all(sources: Iterable[CaptureSource]) -> tuple[list[_Original], list[str]]:
    originals, errors = [], []
    for source in sources:
        try:
            originals.append(_Original(source, replace(source.read(), secrets=b"")))
        except CaptureError as error:
            errors.append(str(error))
    return originals, errors


def _attempt(originals: Sequence[_Original], before: Sequence[Asked], whole: _Uids, mesh: MeshSnapshot) -> _Attempt:
    cited: dict[str, set[int]] = defaultdict(set)
    for name, packet in (place for asked in before for place in cited_packets(asked.record)):
        cited[name].add(packet)
    trimmed: list[TrimmedCapture] = []
    opened: list[OpenedCapture] = []
    numbers: dict[str, list[int]] = {}
    for original in originals:
        name = original.source.name
        kept = _kept(original.capture, whole[name], cited[name])
        data = b"".join(write_cut(original.capture, kept))
        again = read_capture_bytes(data, name=name)
        file = _COMPRESSED.sub("", name) if original.source.path else f"{name}.pcap"
        old = original.capture
        trimmed.append(
            TrimmedCapture(original.source, file, data, len(again.records), len(old.buffer), len(old.records))
        )
        opened.append(open_capture(again, original.source.pod_hint, mesh))
        numbers[name] = (np.flatnonzero(kept >= 0) + 1).tolist()
    after = [replace(asked, record=renumber(asked.record, numbers)) for asked in ask_all(opened, mesh)[0]]
    return _Attempt(tuple(trimmed), tuple(_differences(before, after)))


def _kept(capture: Capture, whole: set[str], cited: Iterable[int]) -> I64:
    """How much of each packet stays, from what each connection's facts stand on."""
    traffic = read_traffic(decode_packets(capture), capture.records)
    connections = describe(capture.name, capture.buffer, traffic)
    needs = {}
    for each in connections:
        if each.uid not in whole:
            said = parse_conversation(each.from_client, each.from_server)
            needs[each.index] = Needs(*fact_spans(said, each.from_client, each.from_server))
    return kept_lengths(traffic, connections, needs, cited)


def _differences(before: Sequence[Asked], after: Sequence[Asked]) -> Iterator[tuple[Asked | None, Asked | None]]:
    # Each packet keeps its number here; only its place in the file is left out.
    own = {name: range(1, 1 << 32) for asked in before for name, _ in cited_packets(asked.record)}
    for i in range(max(len(before), len(after))):
        old = before[i] if i < len(before) else None
        new = after[i] if i < len(after) else None
        if old is None or new is None or not _is_same(replace(old, record=renumber(old.record, own)), new):
            yield old, new


def _is_same(old: Asked, new: Asked) -> bool:
    return _comparable(old.record) == _comparable(new.record) and old.question == new.question


def _comparable(record: CallRecord) -> CallRecord:
    """A record without the gaps in its history: they are what cutting makes."""
    return replace(record, history=record.history.replace("G", "").replace("g", ""))


def _keep_whole(whole: _Uids, differing: Iterable[tuple[Asked | None, Asked | None]]) -> None:
    """Mark every connection that had to do with calls that come out otherwise."""
    for asked in (each for pair in differing for each in pair if each is not None):
        for leg in asked.record.legs:
            whole[leg.capture].add(leg.uid)
