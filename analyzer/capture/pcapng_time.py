"""pcapng's time stamps: units of any size since any beginning, to nanoseconds since the epoch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analyzer.base.table import I64, U8, U64, distinct
from analyzer.capture.records import SECOND_NS

# The last whole second whose nanoseconds fit int64: in April 2262.
LAST_SECOND = (1 << 63) // SECOND_NS - 1

# Finer binary fractions than this are below a nanosecond, and would overflow when they are multiplied.
FINEST_BITS = 34


def to_time_ns(units: U64, resolution: U8, offset_s: I64) -> tuple[I64, NDArray[np.bool_]]:
    """The times ``(N,)`` of time stamps ``units``, and which of them had to be brought into range.

    ``resolution`` is if_tsresol: the exponent of 1/10, or with its highest bit set that of 1/2. ``offset_s`` is
    if_tsoffset, seconds to add.
    """
    seconds = np.empty(len(units), np.int64)
    nanoseconds = np.empty(len(units), np.int64)
    for byte in distinct(resolution):
        rows = resolution == byte
        whole, fraction = _split(units[rows], int(byte))
        seconds[rows] = np.minimum(whole, 1 << 61)
        nanoseconds[rows] = fraction
    seconds += np.clip(offset_s, -(1 << 61), 1 << 61)
    bad = (seconds < 0) | (seconds > LAST_SECOND)
    return np.clip(seconds, 0, LAST_SECOND) * SECOND_NS + nanoseconds, bad


def _split(units: U64, resolution: int) -> tuple[U64, U64]:
    """Whole seconds and the nanoseconds left over, of time stamps of one resolution."""
    exponent = resolution & 0x7F
    if resolution & 0x80:
        return _split_binary(units, exponent)
    if exponent <= 9:
        per_second = np.uint64(10**exponent)
        return units // per_second, units % per_second * np.uint64(10 ** (9 - exponent))
    # 64 bits hold less than 10**20 units; one divisor after the other keeps each within them.
    nanoseconds = units
    for _ in range(min(exponent - 9, 20)):
        nanoseconds = nanoseconds // np.uint64(10)
    return nanoseconds // np.uint64(SECOND_NS), nanoseconds % np.uint64(SECOND_NS)


def _split_binary(units: U64, exponent: int) -> tuple[U64, U64]:
    if exponent > 63:
        seconds, fraction = np.zeros_like(units), units
    else:
        seconds, fraction = units >> np.uint64(exponent), units & np.uint64((1 << exponent) - 1)
    if exponent > FINEST_BITS:
        fraction = fraction >> np.uint64(min(exponent - FINEST_BITS, 63))
        exponent = FINEST_BITS
    return seconds, fraction * np.uint64(SECOND_NS) >> np.uint64(exponent)
