"""The packets of one large capture counted by the workers of a dask scheduler, window by window (``cluster_work.py``).

What windows give is joined here in their order (``flow/census.py``): of a tuple that goes on from window to window that
is what one process would have found. A window that no worker counts is counted here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from analyzer.base.table import RecordTable
from analyzer.base.watch import Watch
from analyzer.capture.capture import Capture
from analyzer.capture.sources import CaptureSource
from analyzer.cluster_capture import can_be_sent, check_whole, received, sent_capture, to_send
from analyzer.cluster_work import Work, done_there
from analyzer.counting import WINDOW_ROWS, Counted, count_packets, count_window, forget_columns, records_of
from analyzer.flow.census import Census
from analyzer.flow.count import Count


def count_on(
    client: Any, source: CaptureSource, capture: Capture, watch: Watch, *, jobs: int = 1, window_rows: int = WINDOW_ROWS
) -> Counted:
    """The packets of the capture in the files of ``source``, counted on the workers of a scheduler.

    Those of a compressed one are counted by ``jobs`` processes here.
    """
    if not can_be_sent(capture):
        return count_packets(capture, jobs, watch, window_rows=window_rows)
    windows = -(-len(capture.records) // window_rows)
    records = partial(_window, capture, window_rows)
    work = Work(
        begin=open_sent,
        packed=to_send(sent_capture(source, capture)),
        do=count_sent,
        piece=lambda window: to_send(records(window)),
        count=windows,
    )
    census, count = Census(in_file=windows > 1), Count()
    for done, (tuples, more) in enumerate(_in_order(client, work, capture, records, watch), 1):
        census.join(tuples)
        count.join(more)
        watch.tell(f"{capture.name}: census", done / windows)
    return Counted(census.finish(), count)


def _window(capture: Capture, window_rows: int, window: int) -> RecordTable:
    forget_columns(capture)
    return records_of(capture, window_rows, window)


def _in_order(
    client: Any, work: Work, capture: Capture, records: Callable[[int], RecordTable], watch: Watch
) -> Iterator[Counted]:
    """What windows give, in their order; what comes early waits, squeezed."""
    early: dict[int, bytes] = {}
    first = 0
    for window, sent in done_there(client, work, watch):
        early[window] = sent
        while first in early:
            yield received(early.pop(first))
            first += 1
    for window in range(first, work.count):
        yield received(early[window]) if window in early else count_window(capture, records(window))


# On workers.


def open_sent(sent: bytes) -> Capture:
    """The capture that was sent; raises as ``received`` and ``SentCapture.open``."""
    capture: Capture = received(sent).open()
    return capture


def count_sent(capture: Capture, sent: bytes) -> bytes:
    """The packets of a window whose records were sent; raises ``CaptureError`` where a file became shorter."""
    counted = count_window(capture, received(sent))
    check_whole(capture)
    return to_send(counted)
