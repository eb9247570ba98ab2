"""What the records of any format have in common: their limits, their table, and the codes about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from analyzer.base.kernel import run_kernel
from analyzer.base.oddity import Code, Family, Level, Oddity
from analyzer.base.pages import SPAN
from analyzer.base.place import PacketPlace
from analyzer.base.table import I64, U8, RecordTable
from analyzer.capture.gather import forget

# The largest record that libpcap and Wireshark accept (libpcap: MAXIMUM_SNAPLEN in pcap-int.h).
MAX_RECORD_LEN = 262_144

SECOND_NS = 1_000_000_000

Order = Literal["little", "big"]
ORDERS: tuple[Order, ...] = ("little", "big")
# Where the lowest of four bytes lies, and the step to the next higher one: what kernels read integers by.
BYTE_STEPS: Mapping[Order, tuple[int, int]] = MappingProxyType({"little": (0, 1), "big": (3, -1)})

# Offsets are asked for in rounds: a first one to learn how long records are, then rounds of as much of the file as may
# be in memory.
FIRST_ROUND = 4_096

TIME_BACKWARDS = Code(
    "time-goes-backwards",
    Family.CAPTURE,
    Level.INFO,
    "{count} packets are older than a packet before them, by up to {seconds:.6f} s",
    "The capture's packets are not in the order of their time stamps: captures were merged, several processors wrote "
    "at once, or the clock was set back. Order is taken from sequence numbers, not from time.",
    "Do not read durations across the packet where time turns back.",
)
NO_TIMESTAMP = Code(
    "no-timestamp",
    Family.CAPTURE,
    Level.WARNING,
    "{count} packets have no time stamp",
    "Their record says time 0, or the format has no room for one (pcapng's simple packet block).",
    "Times and durations of these packets are not to be trusted; their order is.",
)
BAD_TIMESTAMP = Code(
    "bad-timestamp",
    Family.CAPTURE,
    Level.WARNING,
    "{count} packets have a time stamp that cannot be",
    "A fraction of a second of one second or more, or a time beyond the year 2262, was brought back into range.",
)
SNAPLEN_CUT = Code(
    "snaplen-cut",
    Family.CAPTURE,
    Level.WARNING,
    "{count} of {packets} packets are cut: {missing} bytes were on the wire and are not in the capture",
    "The capture was taken with a snap length (tcpdump -s) shorter than its packets.",
    "Take it again with tcpdump -s 0; what the missing bytes said is unknown.",
)
WIRE_LEN_SHORT = Code(
    "captured-more-than-wire",
    Family.CAPTURE,
    Level.INFO,
    "{count} records hold more bytes than they say were on the wire",
    "The record's two lengths contradict each other; the bytes that are there are used.",
)


def layout(fields: list[tuple[str, str]]) -> Mapping[Order, np.dtype[Any]]:
    """A structure in both byte orders."""
    native = np.dtype(fields)
    return MappingProxyType({"little": native.newbyteorder("<"), "big": native.newbyteorder(">")})


def collect_offsets(kernel: Callable[..., int], data: U8, state: I64, *arguments: int) -> I64:
    """Where the records begin that ``kernel`` walks over, from ``state[0]`` on, until it stops of its own accord.

    The kernel is called as ``kernel(data, offsets, state, *arguments)``: it fills ``offsets`` from its front, leaves
    in ``state[0]`` where to go on and gives how many it found; fewer than there was room for means that it stopped.
    """
    rounds: list[I64] = []
    room = found = expected = FIRST_ROUND
    begin = int(state[0])
    total = 0
    while found == room:
        if rounds:
            mean = max((int(state[0]) - begin) // total, 1)
            expected = max((len(data) - int(state[0])) // mean * 9 // 8, FIRST_ROUND)
            room = min(expected, max(SPAN // mean, FIRST_ROUND))
        offsets = np.empty(room, np.int64)
        found = run_kernel(kernel, expected, data, offsets, state, *arguments)
        forget(data)
        rounds.append(offsets[:found])
        total += found
    return np.concatenate(rounds)


@dataclass(frozen=True, slots=True)
class RecordPart:
    """The records of one stretch of a file, in the columns of ``RecordTable``, not yet narrowed.

    ``time_is_bad`` marks those whose time stamp had to be brought back into range.
    """

    time_ns: I64
    data_off: I64
    captured_len: I64
    wire_len: I64
    interface: I64
    link: I64
    time_is_bad: NDArray[np.bool_]


def join_parts(parts: list[RecordPart]) -> RecordTable:
    """One table of all stretches, in their order."""

    def column(name: str, dtype: type[np.generic]) -> Any:
        columns = [getattr(part, name).astype(dtype, copy=False) for part in parts]
        return columns[0] if len(columns) == 1 else np.concatenate(columns) if columns else np.empty(0, dtype)

    return RecordTable(
        time_ns=column("time_ns", np.int64),
        data_off=column("data_off", np.int64),
        captured_len=column("captured_len", np.uint32),
        wire_len=column("wire_len", np.uint32),
        interface=column("interface", np.uint16),
        link=column("link", np.uint16),
    )


def inspect_records(records: RecordTable, parts: list[RecordPart], *, name: str) -> list[Oddity]:
    """The oddities that the records themselves show, each once with its count, at the first packet that has it.

    ``parts`` are what ``records`` was joined from.
    """
    found: list[Oddity] = []
    captured, wire = records.captured_len, records.wire_len
    cut = np.flatnonzero(captured < wire)
    if len(cut):
        missing = int(wire[cut].sum(dtype=np.int64) - captured[cut].sum(dtype=np.int64))
        values = {"count": len(cut), "packets": len(records), "missing": missing}
        found.append(Oddity(SNAPLEN_CUT, PacketPlace(name, int(cut[0]) + 1), values))
    found += _count(WIRE_LEN_SHORT, np.flatnonzero(captured > wire), name)
    found += _count(NO_TIMESTAMP, np.flatnonzero(records.time_ns == 0), name)
    if any(part.time_is_bad.any() for part in parts):
        found += _count(BAD_TIMESTAMP, np.flatnonzero(np.concatenate([part.time_is_bad for part in parts])), name)
    return found + _time_backwards(records, name)


def _count(code: Code, rows: I64, name: str) -> list[Oddity]:
    return [Oddity(code, PacketPlace(name, int(rows[0]) + 1), {"count": len(rows)})] if len(rows) else []


def _time_backwards(records: RecordTable, name: str) -> list[Oddity]:
    stamped = np.flatnonzero(records.time_ns != 0)
    times = records.time_ns[stamped]
    lag = np.maximum.accumulate(times) - times if len(times) else times
    late = np.flatnonzero(lag > 0)
    if not len(late):
        return []
    values = {"count": len(late), "seconds": int(lag.max()) / 1e9}
    return [Oddity(TIME_BACKWARDS, PacketPlace(name, int(stamped[late[0]]) + 1), values)]
