"""The kernels of a large run, and for which arguments: made by all processes together before the first run begins.

Otherwise each is made where it is called first, while others wait for it or make the same. That is so for what is not
told here: for a kernel, or for arguments of other types.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from analyzer.base.kernel import keep_code
from analyzer.base.machine_code import KNOWN, Kind, can_keep_beside, kept_beside
from analyzer.base.workers import run_in_workers

_U1, _U2, _U4, _I4, _I8, _BOOL = ("|u1", 1), ("<u2", 1), ("<u4", 1), ("<i4", 1), ("<i8", 1), ("|b1", 1)
_GRID, _SHORT_GRID = ("<i8", 2), ("<i2", 2)

# A process that makes fewer kernels takes longer to import numba than to make them.
_LEAST = 3


def _of(*kinds: Kind) -> Kind:
    """The kind of a tuple."""
    return "", kinds


class Known(NamedTuple):
    """A kernel by its module below this package, its name, and the kinds of its arguments."""

    module: str
    name: str
    kinds: tuple[Kind, ...]

    @property
    def folder(self) -> Path:
        """The folder of its module."""
        return Path(__file__).parent.joinpath(*self.module.split(".")[:-1])

    @property
    def kept_as(self) -> str:
        """What ``kept_beside`` calls it."""
        return f"{self.module.rpartition('.')[2]}.{self.name}"

    def keep(self) -> None:
        """Have its code made and kept."""
        keep_code(getattr(import_module(f"{__package__}.{self.module}"), self.name), self.kinds)


# Headers of links and of records; the columns of packets and of records.
_HEADER = _of(*[None] * 5)
_PACKETS = _of(_U1, _U1, _U1, _I8, _I8, _I8, _I8, _U2, _U2, _U2, _U2, _U4, _U4, _U4, _U4, _I8, _U4, _U4, _U1, _U4)
_RECORDS = _of(_I8, _I8, _U4, _U4, _BOOL)

# In the order of their calls.
KERNELS = (
    Known("capture.pcap_walk", "walk_records", (_U1, _I8, _I8, _HEADER, _RECORDS, _HEADER, _PACKETS, _I8)),
    Known("capture.network.ipv4_tcp", "decode_segments", (_U1, _of(*[_I8] * 3), _HEADER, _PACKETS, _I8)),
    Known("flow.numbering", "number_tuples", (_of(_I8, _I8, _U2, _I8, _I8, _U2, _U1), _I8, _I8, _I4, _GRID, _I8)),
    Known("flow.census", "count_tuples", (_of(_U2, _U4, _U4, _I8), _I8, _I8, _GRID, _I8)),
    Known("flow.table", "follow_tuples", (_of(_U2, _U4, _U4), _I8, _I8, _GRID, _GRID, _I8)),
    Known("flow.table", "sort_packets", (_I8, _I8, _I8, _I8, _BOOL)),
    Known("flow.lanes", "fill_lanes", (_of(_I8, _BOOL, _BOOL), _I8, _GRID, _I8, _I8)),
    Known("flow.lanes", "find_firsts", (_U1, _I8, _GRID)),
    Known("flow.sequence", "gather_acknowledgements", (_of(_U4, _U4, _U2, _U4), _I8, _I8, _GRID)),
    Known("flow.sequence", "place_packets", (_of(_U4, _U4, _U2, _U4), _I8, _I8, _of(_I8, _I8, _U1), _GRID)),
    Known("flow.delivery", "find_waiting", (_of(_I8, _I8), _I8, _I8, _U1)),
    Known("flow.delivery", "deliver_segments", (_GRID, _I8, _I8, _GRID)),
    Known(
        "flow.reassembly", "take_pieces", (_of(_U4, _I8, _I8, _I8, _I8), _I8, _of(*[_I8] * 3), _GRID, _I8, _GRID, _I8)
    ),
    Known("flow.events", "follow_events", (_of(_I4, _I8, _I8), _I8, _U1, _GRID, _GRID, _U1, _I8)),
    Known("protocol.http1_walk", "walk_heads", (_U1, _GRID, _GRID, _U2, _I8, _GRID, _SHORT_GRID, _I8)),
    Known("protocol.http1_walk", "find_texts", (_U1, _GRID, _GRID, _U2, None, _I8)),
    Known("protocol.classes", "tell_apart", (_U1, _GRID, _GRID, _I8, _GRID, _U1, _I8, _I8)),
    Known("protocol.opaque_walk", "walk_first_bytes", (_U1, _GRID, _GRID, _I8)),
    Known("protocol.opaque_walk", "walk_lines", (_U1, _GRID, _GRID, _U1)),
    Known("protocol.tls_walk", "walk_records", (_U1, _GRID, _GRID, _U1)),
    Known("protocol.tls_walk", "walk_messages", (_U1, _GRID, None)),
    Known("protocol.tls_walk", "walk_hellos", (_U1, _GRID, None, _I8, _I8)),
    Known("protocol.tls_walk", "walk_protocols", (_U1, _GRID, None)),
    Known("report.line_rows", "fill_lines", (_of(*[_U1] * 8), _of(*[_I8] * 8), _of(*[_I8] * 3), None, _U1, _I8)),
)


def missing_kernels() -> list[Known]:
    """The kernels whose code is kept nowhere, but can be."""
    folders = {each.folder for each in KERNELS} if KNOWN else set()
    kept = {folder: kept_beside(folder) for folder in folders}
    missing = [each for each in KERNELS if each.folder in kept and each.kept_as not in kept[each.folder]]
    return [each for each in missing if can_keep_beside(each.folder)]


def make_kernels(missing: Sequence[Known], jobs: int) -> None:
    """Have the code of kernels made and kept by up to so many other processes, which take one after the other."""
    queue, numbers = os.pipe()
    try:
        os.write(numbers, bytes(range(len(missing))))
        os.close(numbers)
        makers: list[Callable[[], None]] = [partial(_make, missing, queue)] * min(jobs, -(-len(missing) // _LEAST))
        run_in_workers([_wait, *makers])
    finally:
        os.close(queue)


def _wait() -> None:
    """This process needs no numba, whose memory each of its forks would have."""


def _make(missing: Sequence[Known], queue: int) -> None:
    while number := os.read(queue, 1):
        missing[number[0]].keep()
