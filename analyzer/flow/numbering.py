"""The TCP tuple of every packet as a number, in one pass: a hash table over the columns of addresses and ports."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analyzer.base.kernel import COMPILE_ROWS, pays, run_kernel
from analyzer.base.table import I32, I64, PacketTable, by_appearance
from analyzer.flow.tuples import canonical_tuples, number_rows

# Columns of the matrix of tuples that ``number_tuples`` writes, five as ``canonical_tuples`` has them.
_HASH = 5
_COLUMNS = 6
# What it goes on with: how many tuples there are, and how many slots they are spread over.
_FOUND, _SIZE = range(2)

# Hashes have 31 bits, so that no product leaves 63: kernels stay inside int64. An odd multiplier spreads every bit of a
# number over the upper half of the product (Fibonacci hashing).
_LOW_31 = 0x7FFF_FFFF
_SPREAD = 0x9E37_79B1

# The hash table begins with so many slots, and has twice as many whenever half of them are taken.
_LEAST_SLOTS = 1 << 12
# Honest tuples are found at the first or second slot. Tuples that were made to meet in one are sorted instead.
_STEPS_A_PACKET = 8


def number_packets(packets: PacketTable, rows: I64, *, compile_rows: int = COMPILE_ROWS) -> I64:
    """For each of ``rows`` twice a number of its TCP tuple, plus 1 where the greater end sent it; ``(N,)``.

    Numbers of tuples run from 0 on, without a hole, in any order.
    """
    if pays(number_tuples, len(rows), compile_rows=compile_rows):
        numbers = np.empty(len(rows), np.int64)
        slots, tuples = _room_for(len(rows))
        arguments = _ends_of(packets), rows, np.zeros(2, np.int64), slots, tuples, numbers
        if run_kernel(number_tuples, len(rows), *arguments, compile_rows=compile_rows) >= 0:
            return numbers
    columns, swapped = canonical_tuples(packets, rows)
    found: I64 = number_rows(columns) << 1 | swapped
    return found


class Numbering:
    """Numbers for tuples that come part by part: 0, 1, … by their first appearance."""

    def __init__(self) -> None:
        self._slots, self._tuples = _room_for(0)
        self._state = np.zeros(2, np.int64)

    def __len__(self) -> int:
        return int(self._state[_FOUND])

    @property
    def tuples(self) -> I64:
        """The tuples in the order of their numbers, ``(5, T)``."""
        return self._tuples[: len(self), :_HASH].T

    def numbers_of(self, tuples: I64) -> I64 | None:
        """The numbers of tuples ``(5, N)`` as ``canonical_tuples`` has them, ``(N,)``.

        None where they were made to meet in one place: then nothing can be numbered any more.
        """
        low_hi, low_lo, high_hi, high_lo, rest = np.ascontiguousarray(tuples)
        low_port, high_port = (rest >> 16).astype(np.uint16), rest.astype(np.uint16)
        return self.numbers_between(
            (low_hi, low_lo, low_port, high_hi, high_lo, high_port, (rest >> 32).astype(np.uint8))
        )

    def numbers_between(self, ends: tuple[np.ndarray, ...]) -> I64 | None:
        """As ``numbers_of``, of tuples whose columns have the order and the types that a packet table has them in."""
        rows = len(ends[0])
        self._make_room(len(self) + rows)
        numbers = np.empty(rows, np.int64)
        arguments = ends, np.arange(rows), self._state, self._slots, self._tuples, numbers
        return numbers >> 1 if run_kernel(number_tuples, len(self) + rows, *arguments) >= 0 else None

    def _make_room(self, tuples: int) -> None:
        if tuples <= len(self._tuples):
            return
        before = self._tuples[: len(self)]
        self._slots, self._tuples = _room_for(max(tuples, 2 * len(before)))
        self._tuples[: len(before)] = before
        self._state[_SIZE] = 0


def number_ends(hi: I64, lo: I64, port: I64) -> tuple[I64, I64]:
    """A number for each distinct end, ``(N,)``, and for each of these one of its address, ``(E,)``; both from 0 on."""
    ends = _numbers_of(hi, lo, port)
    first = by_appearance(ends)[1]
    # Each end's number stands where it appears first.
    addresses = np.empty(len(first), np.int64)
    addresses[ends[first]] = _numbers_of(hi[first], lo[first], np.zeros(len(first), np.int64))
    return ends, addresses


def _numbers_of(hi: I64, lo: I64, port: I64) -> I64:
    one = hi, lo, port.astype(np.uint16)
    numbers = Numbering().numbers_between((*one, *one, np.zeros(len(hi), np.uint8)))
    return number_rows(np.stack([hi, lo, port])) if numbers is None else numbers


def _room_for(tuples: int) -> tuple[I32, I64]:
    """Slots and a matrix for so many tuples."""
    slots = max(_LEAST_SLOTS, 1 << (2 * tuples).bit_length())
    return np.empty(slots, np.int32), np.empty((tuples, _COLUMNS), np.int64)


def _ends_of(packets: PacketTable) -> tuple[np.ndarray, ...]:
    p = packets
    return p.src_hi, p.src_lo, p.src_port, p.dst_hi, p.dst_lo, p.dst_port, p.ip_version


def number_tuples(ends: Sequence[I64], rows: I64, state: I64, slots: I32, tuples: I64, numbers: I64) -> int:
    """Kernel: ``numbers`` as ``number_packets`` gives them, tuples by their first packet; gives how many there are.

    ``ends`` are columns of the packet table; ``tuples`` ``(N, 6)`` takes the distinct tuples and their hashes, and
    ``slots`` is scratch, at least the power of two above twice as many. ``state`` says how many tuples are there from
    before, and how many slots those are spread over, 0 where that is to be done; it is left for rows that follow. Gives
    -1 where too many of them meet in one slot, which takes an attacker.
    """
    src_hi, src_lo, src_port, dst_hi, dst_lo, dst_port, version = ends
    found, size = int(state[0]), int(state[1])
    steps = _STEPS_A_PACKET * (len(rows) + _LEAST_SLOTS)
    for i in range(len(rows)):
        if 2 * found >= size:
            while 2 * found >= size:
                size = max(2 * size, _LEAST_SLOTS)
            for at in range(size):
                slots[at] = -1
            for number in range(found):
                at = tuples[number, _HASH] & (size - 1)
                while slots[at] >= 0:
                    at = (at + 1) & (size - 1)
                slots[at] = number
        row = rows[i]
        low_hi, low_lo, low_port = src_hi[row], src_lo[row], src_port[row] & 0xFFFF
        high_hi, high_lo, high_port = dst_hi[row], dst_lo[row], dst_port[row] & 0xFFFF
        swapped = 0
        if low_hi > high_hi or (
            low_hi == high_hi and (low_lo > high_lo or (low_lo == high_lo and low_port > high_port))
        ):
            low_hi, low_lo, low_port, high_hi, high_lo, high_port = (
                high_hi,
                high_lo,
                high_port,
                low_hi,
                low_lo,
                low_port,
            )
            swapped = 1
        rest = (version[row] & 0xFF) << 32 | low_port << 16 | high_port
        mixed = ((low_hi ^ low_lo ^ (low_lo >> 31)) & _LOW_31) * _SPREAD
        mixed = ((mixed >> 31 ^ mixed ^ high_hi ^ high_lo ^ (high_lo >> 31)) & _LOW_31) * _SPREAD
        mixed = ((mixed >> 31 ^ mixed ^ rest) & _LOW_31) * _SPREAD
        at = mixed >> 32 & (size - 1)
        number = slots[at]
        while number >= 0 and not (
            tuples[number, 4] == rest
            and tuples[number, 1] == low_lo
            and tuples[number, 3] == high_lo
            and tuples[number, 0] == low_hi
            and tuples[number, 2] == high_hi
        ):
            at = (at + 1) & (size - 1)
            number = slots[at]
            steps -= 1
        if steps < 0:
            return -1
        if number < 0:
            number = found
            found += 1
            slots[at] = number
            tuples[number, 0], tuples[number, 1] = low_hi, low_lo
            tuples[number, 2], tuples[number, 3] = high_hi, high_lo
            tuples[number, 4], tuples[number, _HASH] = rest, mixed >> 32
        numbers[i] = number << 1 | swapped
    state[0], state[1] = found, size
    return found
