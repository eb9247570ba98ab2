"""What the records of any format have in common: their limits, their table, and the codes about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.base.fact import Fact
from analyzer.base.kernel import run_kernel
from analyzer.base.oddity import Code, Family, Level
from analyzer.base.pages import SPAN
from analyzer.base.table import I64, U8, U16, U32
from analyzer.capture.gather import forget

# The largest record that libpcap and Wireshark accept (libpcap: MAXIMUM_SNAPLEN in pcap-int.h).
MAX_RECORD_LEN = 262_144

SECOND_NS = 1_000_000_000

Order = Literal["little", "big"]
ORDERS: tuple[Order, ...] = ("little", "big")
# Where the lowest of four bytes lies, and the step to the next higher one: what kernels read integers by.
BYTE_STEPS: Mapping[Order, tuple[int, int]] = MappingProxyType({"little": (0, 1), "big": (3, -1)})

# Offsets are asked for in rounds: a first one to learn how long records are, then rounds of as much of the file as may
# be in memory, and of no more records than that whose columns are small beside it.
FIRST_ROUND = 4_096
MAX_ROUND = 1 << 17

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


def offset_rounds(kernel: Callable[..., int], data: U8, state: I64, *arguments: int) -> Iterator[I64]:
    """Where the records begin that ``kernel`` walks over, from ``state[0]`` on, until it stops of its own accord.

    The kernel is called as ``kernel(data, offsets, state, *arguments)``: it fills ``offsets`` from its front, leaves
    in ``state[0]`` where to go on and gives how many it found; fewer than there was room for means that it stopped.
    There is at least one round.
    """
    room = found = expected = FIRST_ROUND
    begin = int(state[0])
    total = 0
    while found == room:
        if total:
            mean = max((int(state[0]) - begin) // total, 1)
            expected = max((len(data) - int(state[0])) // mean * 9 // 8, FIRST_ROUND)
            room = min(expected, max(SPAN // mean, FIRST_ROUND), MAX_ROUND)
        offsets = np.empty(room, np.int64)
        found = run_kernel(kernel, expected, data, offsets, state, *arguments)
        total += found
        yield offsets[:found]
        forget(data)


class RecordPart(Fact, frozen=True):
    """The records of one stretch of a file, in the columns of ``RecordTable``, some not yet narrowed.

    ``time_is_bad`` marks those whose time stamp had to be brought back into range.
    """

    time_ns: I64
    data_off: I64
    captured_len: I64 | U32
    wire_len: I64 | U32
    time_is_bad: NDArray[np.bool_]
    interface: I64 | U16
    link: I64 | U16


class Stretch(NamedTuple):
    """The next records of a file, which have one link; ``data`` are its bytes from ``begin`` on.

    ``left`` are those of which no packet was decoded yet, while they were found; all where it is None.
    """

    records: RecordPart
    data: U8
    begin: int
    left: I64 | None = None
