"""The TCP tuple of every packet as a number, in one pass: a hash table over the columns of addresses and ports."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analyzer.base.kernel import COMPILE_ROWS, pays, run_kernel
from analyzer.base.table import I32, I64, PacketTable
from analyzer.flow.tuples import canonical_tuples, number_rows

# Columns of the matrix of tuples that ``number_tuples`` writes, five as ``canonical_tuples`` has them.
_HASH = 5
_COLUMNS = 6

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
        slots = np.empty(max(_LEAST_SLOTS, 1 << (2 * len(rows)).bit_length()), np.int32)
        tuples = np.empty((len(rows), _COLUMNS), np.int64)
        arguments = _ends_of(packets), rows, slots, tuples, numbers
        if run_kernel(number_tuples, len(rows), *arguments, compile_rows=compile_rows) >= 0:
            return numbers
    columns, swapped = canonical_tuples(packets, rows)
    found: I64 = number_rows(columns) << 1 | swapped
    return found


def _ends_of(packets: PacketTable) -> tuple[np.ndarray, ...]:
    p = packets
    return p.src_hi, p.src_lo, p.src_port, p.dst_hi, p.dst_lo, p.dst_port, p.ip_version


def number_tuples(ends: Sequence[I64], rows: I64, slots: I32, tuples: I64, numbers: I64) -> int:
    """Kernel: ``numbers`` as ``number_packets`` gives them, tuples by their first packet; gives how many there are.

    ``ends`` are columns of the packet table, ``slots`` is scratch, at least the power of two above twice ``rows``;
    ``tuples`` ``(N, 6)`` takes the distinct tuples and their hashes. Gives -1 where too many of them meet in one slot,
    which takes an attacker.
    """
    src_hi, src_lo, src_port, dst_hi, dst_lo, dst_port, version = ends
    size = 0
    found = 0
    steps = _STEPS_A_PACKET * (len(rows) + _LEAST_SLOTS)
    for i in range(len(rows)):
        if 2 * found >= size:
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
            tuples[number, 0] = low_hi
            tuples[number, 1] = low_lo
            tuples[number, 2] = high_hi
            tuples[number, 3] = high_lo
            tuples[number, 4] = rest
            tuples[number, _HASH] = mixed >> 32
        numbers[i] = number << 1 | swapped
    return found
