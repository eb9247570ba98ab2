"""The first way over a capture that is too large for memory: its records, who talks with whom, what its packets are.

It is counted in windows by several processes; or ahead of that, while its records are found (``counting_ahead.py``).
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.base.errors import CaptureError
from analyzer.base.fact import replace
from analyzer.base.table import FRAGMENT_CONFLICT, IP_FRAGMENT, RecordTable
from analyzer.base.watch import UNWATCHED, Watch
from analyzer.base.workers import run_in_workers, shared_out
from analyzer.capture.capture import Capture
from analyzer.capture.decode import decode_packets
from analyzer.capture.gather import forget
from analyzer.capture.reader import read_capture_bytes
from analyzer.capture.sources import CaptureSource
from analyzer.flow.census import Census, Tuples, tuples_of
from analyzer.flow.count import Count

# Captures with fewer packets are analysed faster in one piece: that takes about 500 bytes a packet.
LARGE_RECORDS = 1_500_000
_SAMPLE_LEN = 1 << 20
# Packets that are decoded together while they are counted: about 30 MB.
WINDOW_ROWS = 1 << 18


class Counted(NamedTuple):
    """What a capture's packets are, and the tuples that they are of."""

    tuples: Tuples
    packets: Count

    @property
    def in_pieces(self) -> bool:
        """Whether there are packets that came in fragments, and were not put together."""
        return bool(self.packets.fates[[IP_FRAGMENT, FRAGMENT_CONFLICT]].any())


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
    (_, count), *others = run_in_workers(
        [
            partial(_count_some, capture, share, window_rows, part, watch.silent() if number else watch)
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
        tuples, more = count_window(capture, records_of(capture, window_rows, window))
        census.join(tuples)
        count.join(more)
        forget_columns(capture)
    return Counted(without_packets(census), count)


def records_of(capture: Capture, window_rows: int, window: int) -> RecordTable:
    """The records of a window; who is done with them lets go of the capture's columns."""
    return capture.records.part(slice(window * window_rows, (window + 1) * window_rows))


def count_window(capture: Capture, records: RecordTable) -> Counted:
    """The packets that some records have, which follow each other."""
    packets = decode_packets(replace(capture, records=records))
    count = Count()
    count.add(records, packets)
    return Counted(tuples_of(packets, records), count)


def without_packets(census: Census) -> Tuples:
    """What a census found; which tuple each packet is of stays in its file."""
    return replace(census.finish(), tuple_of=np.empty(0, np.int32))


def forget_columns(capture: Capture) -> None:
    """Let go of what was read of a table that lies in a file."""
    records = capture.records
    columns: tuple[NDArray[Any], ...] = (
        records.time_ns, records.data_off, records.captured_len, records.wire_len, records.interface, records.link,
    )  # fmt: skip
    for column in columns:
        forget(column.view(np.uint8))
