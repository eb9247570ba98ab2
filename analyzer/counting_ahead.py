"""A capture that is too large for memory is read and counted while something else is done.

Of pcap files the packets are counted while their records are found, which takes half the time of one after the other;
of one file by several processes, each of which has a section of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any, NamedTuple

from analyzer.base.errors import CaptureError
from analyzer.base.fact import replace
from analyzer.base.room import Room
from analyzer.base.table import I64, PacketTable, RecordTable
from analyzer.base.workers import begun_beside
from analyzer.capture.ahead import open_mapped_pcap
from analyzer.capture.capture import Capture
from analyzer.capture.reader import Opened, check_links, read_capture_bytes, what_is_left
from analyzer.capture.record_log import RecordFacts, RecordLog, Sink
from analyzer.capture.sections import Section, joined_sections, read_section, sections_of
from analyzer.capture.sources import CaptureSource
from analyzer.capture.windows import WindowLog
from analyzer.counting import Counted, without_packets
from analyzer.flow.census import Census
from analyzer.flow.count import Count

# Room for the tuples of thirty million packets, of which the system gives as much as they take.
_ROOM_LEN = 256 << 20

# More processes would wait for the file.
_MOST_FORKS = 8

# A capture, and what was counted on the way; None where that is still to be done.
Reading = Callable[[], tuple[Capture, Counted | None]]


@contextmanager
def count_ahead(source: CaptureSource, jobs: int = 1) -> Iterator[Reading]:
    """Begins to read a capture in up to ``jobs`` forks, and to count its packets: of pcap files that are mapped.

    Gives what waits for it, once: that raises what ``CaptureSource.read`` does, and reads here what was not read there.
    """
    with ExitStack() as stack:
        reading: Reading = partial(_read_alone, source)
        with suppress(CaptureError, OSError):
            reading = _begin(source, jobs, stack) or reading
        yield reading


def _read_alone(source: CaptureSource) -> tuple[Capture, None]:
    return source.read(), None


class _Share(NamedTuple):
    """What a fork fills, and this process reads."""

    log: RecordLog
    census: Census
    room: Room

    def packed(self, buffer: memoryview, read: Callable[[Sink], Any]) -> bytes:
        """What ``read`` gives, and what was counted of the packets that it reads."""
        count = Count()

        def take(packets: PacketTable, records: RecordTable) -> None:
            self.census.add(packets, records)
            count.add(records, packets)

        windows = WindowLog(take)
        told = read(Sink(self.log, windows))
        windows.finish()
        found = without_packets(self.census)
        counted = Counted(replace(found, table=self.room.kept(found.table)), count)
        return self.room.pack((told, self.log.facts, counted), buffer)

    def unpacked(self, packed: bytes, buffer: memoryview) -> tuple[Any, RecordFacts, Counted]:
        """What a fork has packed."""
        told, facts, (tuples, count) = self.room.unpack(packed, buffer)
        return told, facts, Counted(replace(tuples, tuple_of=self.census.tuple_of), count)


class _Beside(NamedTuple):
    """A share that a fork is at work on, and what waits for it."""

    share: _Share
    wait: Callable[[], bytes | None]


def _begin(source: CaptureSource, jobs: int, stack: ExitStack) -> Reading | None:
    opened = open_mapped_pcap(source)
    if opened is None:
        return None
    buffer, name = memoryview(opened.data), source.name
    sections = sections_of(buffer, name, min(jobs, _MOST_FORKS)) if len(opened.files) == 1 else []
    reads: list[Callable[[Sink], Any]] = [
        partial(_read_section, opened, section, name) for section in sections if len(sections) > 1
    ]
    forks = []
    for read in reads or [partial(_read_whole, opened, name)]:
        share = _Share(RecordLog(name, in_file=True), Census(in_file=True), Room(_ROOM_LEN))
        wait = stack.enter_context(begun_beside(partial(share.packed, buffer, read)))
        forks.append(_Beside(share, wait))
    return partial(_wait, source, opened, forks)


def _read_whole(opened: Opened, name: str, sink: Sink) -> Capture:
    """The capture without its records, which are in the sink's log."""
    capture = read_capture_bytes(opened.data, name=name, files=opened.files, sink=sink)
    return replace(capture, records=capture.records.part(slice(0)))


def _read_section(opened: Opened, section: Section, name: str, sink: Sink) -> I64:
    [file] = opened.files
    return read_section(memoryview(opened.data), file, section, name=name, sink=sink)


def _wait(source: CaptureSource, opened: Opened, forks: list[_Beside]) -> tuple[Capture, Counted | None]:
    """What the forks have found; their shares are let go."""
    buffer = memoryview(opened.data)
    shares, found = [], []
    while forks:
        share, wait = forks.pop(0)
        packed = wait()
        if packed is None:
            return _read_alone(source)
        shares.append(share)
        found.append(share.unpacked(packed, buffer))
    log = shares[0].log
    log.resume(found[0][1])
    if len(found) == 1:
        [(bare, _, counted)] = found
        capture: Capture | None = replace(bare, records=log.table())
    else:
        capture, counted = _joined(source.name, buffer, shares, found)
    if capture is None:
        return _read_alone(source)
    left = what_is_left(capture, opened)
    return left, counted if left is capture else None


def _joined(
    name: str, buffer: memoryview, shares: list[_Share], found: list[tuple[I64, RecordFacts, Counted]]
) -> tuple[Capture | None, Counted]:
    """The capture of all sections, and what was counted of it; None where they do not follow each other.

    Each section's share is let go when it is joined.
    """
    census, count = Census(in_file=True), Count()
    log, ends = shares[0].log, [state for state, *_ in found]
    while found:
        share, (_, facts, counted) = shares.pop(0), found.pop(0)
        if share.log is not log:
            log.join(share.log, facts)
        census.join(counted.tuples)
        count.join(counted.packets)
    capture = joined_sections(buffer, ends, name=name, log=log)
    return capture and check_links(capture), Counted(census.finish(), count)
