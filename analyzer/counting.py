"""The first way over a capture that is too large for memory: its records, who talks with whom, what its packets are.

It is counted in windows by several processes; or, of a pcap file, while its records are found, by a process that begins
with that before the other rooms are there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.base.errors import CaptureError
from analyzer.base.fact import replace
from analyzer.base.room import Room
from analyzer.base.table import FRAGMENT_CONFLICT, IP_FRAGMENT, PacketTable, RecordTable
from analyzer.base.watch import UNWATCHED, Watch
from analyzer.base.workers import begun_beside, run_in_workers, shared_out
from analyzer.capture.capture import Capture
from analyzer.capture.decode import decode_packets
from analyzer.capture.gather import forget
from analyzer.capture.pcap import MAGICS
from analyzer.capture.reader import Opened, read_capture_bytes, what_is_left
from analyzer.capture.record_log import RecordLog, Sink
from analyzer.capture.sources import CaptureSource
from analyzer.capture.windows import WindowLog
from analyzer.flow.census import Census, Tuples
from analyzer.flow.count import Count

# Captures with fewer packets are analysed faster in one piece: that takes about 500 bytes a packet.
LARGE_RECORDS = 1_500_000
_SAMPLE_LEN = 1 << 20
# Packets that are decoded together while they are counted: about 30 MB.
WINDOW_ROWS = 1 << 18
# Room for the tuples of thirty million packets, of which the system gives as much as they take.
_ROOM_LEN = 256 << 20


class Counted(NamedTuple):
    """What a capture's packets are, and the tuples that they are of."""

    tuples: Tuples
    packets: Count

    @property
    def in_pieces(self) -> bool:
        """Whether there are packets that came in fragments, and were not put together."""
        return bool(self.packets.fates[[IP_FRAGMENT, FRAGMENT_CONFLICT]].any())


# A capture, and what was counted on the way; None where that is still to be done.
Reading = Callable[[], tuple[Capture, Counted | None]]


def is_large(source: CaptureSource) -> bool:
    """Whether a capture may have so many packets that its run would not fit into memory."""
    return guess_records(source) > LARGE_RECORDS


def guess_records(source: CaptureSource) -> int:
    """About how many packets a source has, by those at its beginning; 0 where it is no file, or cannot be read."""
    if source.path is None:
        return 0
    try:
        with source.path.open("rb") as file:
            beginning = file.read(_SAMPLE_LEN)
        found = read_capture_bytes(beginning, name=source.name)
    except (OSError, CaptureError):
        return 0
    return len(found.records) * source.size // max(len(beginning), 1)


def count_packets(capture: Capture, jobs: int, watch: Watch = UNWATCHED, *, window_rows: int = WINDOW_ROWS) -> Counted:
    """A capture's packets, counted by up to so many processes."""
    windows = -(-len(capture.records) // window_rows)
    shares = shared_out(windows, jobs)
    parts = [Census(in_file=windows > 1) for _ in shares]
    quiet = replace(UNWATCHED, stop=watch.stop, heeded=watch.heeded)
    (_, count), *others = run_in_workers(
        [
            partial(_count_some, capture, share, window_rows, part, quiet if number else watch)
            for number, (share, part) in enumerate(zip(shares, parts, strict=True))
        ]
    )
    census = parts[0]
    for part, (tuples, more) in zip(parts[1:], others, strict=True):
        # What a lost worker wrote lies before what was written here.
        census.join(replace(tuples, tuple_of=part.tuple_of[-more.rows :]))
        count.join(more)
    return Counted(census.finish(), count)


def _count_some(capture: Capture, windows: range, window_rows: int, census: Census, watch: Watch) -> Counted:
    """What some windows give; which tuple each packet is of is in the file of the census."""
    count = Count()
    for window in watch.over(f"{capture.name}: census", windows):
        records = capture.records.part(slice(window * window_rows, (window + 1) * window_rows))
        packets = decode_packets(replace(capture, records=records))
        census.add(packets, records)
        count.add(records, packets)
        forget_columns(capture)
    return Counted(_without_packets(census), count)


def _without_packets(census: Census) -> Tuples:
    return replace(census.finish(), tuple_of=np.empty(0, np.int32))


def forget_columns(capture: Capture) -> None:
    """Let go of what was read of a table that lies in a file."""
    records = capture.records
    columns: tuple[NDArray[Any], ...] = (
        records.time_ns, records.data_off, records.captured_len, records.wire_len, records.interface, records.link,
    )  # fmt: skip
    for column in columns:
        forget(column.view(np.uint8))


@contextmanager
def count_ahead(source: CaptureSource) -> Iterator[Reading]:
    """Begins to read a capture in a fork, and to count its packets, where it is pcap files that are mapped.

    Gives what waits for it: that raises what ``CaptureSource.read`` does, and reads here what was not read there.
    """
    with ExitStack() as stack:
        reading: Reading = partial(_read_alone, source)
        with suppress(CaptureError, OSError):
            reading = _begin(source, stack) or reading
        yield reading


def _read_alone(source: CaptureSource) -> tuple[Capture, None]:
    return source.read(), None


class _Ahead(NamedTuple):
    """What a fork fills, and this process reads."""

    opened: Opened
    log: RecordLog
    census: Census
    room: Room


def _begin(source: CaptureSource, stack: ExitStack) -> Reading | None:
    opened = source.open()
    if opened is None or not any(file.path for file in opened.files) or bytes(opened.data[:4]) not in MAGICS:
        return None
    ahead = _Ahead(opened, RecordLog(source.name, in_file=True), Census(in_file=True), Room(_ROOM_LEN))
    wait = stack.enter_context(begun_beside(partial(_count_there, source.name, ahead)))
    return partial(_counted_there, source, ahead, wait)


def _count_there(name: str, ahead: _Ahead) -> bytes:
    count = Count()

    def take(packets: PacketTable, records: RecordTable) -> None:
        ahead.census.add(packets, records)
        count.add(records, packets)

    windows = WindowLog(len(ahead.opened.data), take)
    sink = Sink(ahead.log, windows.add)
    capture = read_capture_bytes(ahead.opened.data, name=name, files=ahead.opened.files, sink=sink)
    windows.finish()
    found = _without_packets(ahead.census)
    tuples = replace(found, table=ahead.room.kept(found.table))
    bare = replace(capture, records=capture.records.part(slice(0)))
    return ahead.room.pack((bare, Counted(tuples, count)), capture.buffer)


def _counted_there(
    source: CaptureSource, ahead: _Ahead, wait: Callable[[], bytes | None]
) -> tuple[Capture, Counted | None]:
    packed = wait()
    if packed is None:
        return _read_alone(source)
    bare, (tuples, count) = ahead.room.unpack(packed, memoryview(ahead.opened.data))
    capture: Capture = replace(bare, records=ahead.log.table())
    left = what_is_left(capture, ahead.opened)
    if left is not capture:
        return left, None
    return capture, Counted(replace(tuples, tuple_of=ahead.census.tuple_of), count)
