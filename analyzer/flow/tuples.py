"""The 5-tuples of packets without their direction, and numbers for equal ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analyzer.base.table import I64, U64, PacketTable

Bools = NDArray[np.bool_]

# An odd multiplier and a shift that spread every bit of a column over all of a 64-bit word (Fibonacci hashing).
_SPREAD = np.uint64(0x9E37_79B9_7F4A_7C15)
_SHIFT = np.uint64(29)


def canonical_tuples(packets: PacketTable, rows: I64) -> tuple[I64, Bools]:
    """The tuples ``(5, N)`` of TCP packets, the greater end last, and ``(N,)`` whether that swapped the ends.

    The columns are the address halves of both ends, and in one number the version of IP and both ports. Ends that are
    equal are not swapped.
    """
    # Most captures are all TCP: then nothing need be picked.
    chosen: I64 | slice = slice(None) if len(rows) == len(packets) else rows
    src = (packets.src_hi[chosen], packets.src_lo[chosen], packets.src_port[chosen].astype(np.int64))
    dst = (packets.dst_hi[chosen], packets.dst_lo[chosen], packets.dst_port[chosen].astype(np.int64))
    greater, equal = src[0] > dst[0], src[0] == dst[0]
    for a, b in zip(src[1:], dst[1:], strict=True):
        greater |= equal & (a > b)
        equal &= a == b
    tuples = np.empty((5, len(rows)), np.int64)
    for n in range(2):
        tuples[n] = np.where(greater, dst[n], src[n])
        tuples[2 + n] = np.where(greater, src[n], dst[n])
    low, high = np.where(greater, dst[2], src[2]), np.where(greater, src[2], dst[2])
    tuples[4] = packets.ip_version[chosen].astype(np.int64) << 32 | low << 16 | high
    return tuples, greater


def number_rows(columns: I64) -> I64:
    """One number for each distinct column of a ``(K, N)`` matrix: ``(N,)``, equal where all K values are equal.

    Sorting a hash is several times faster than sorting the columns; where two tuples meet in one hash, which takes an
    attacker, the columns themselves are sorted.
    """
    hashes = hash_columns(columns)
    _, first, numbers = np.unique(hashes, return_index=True, return_inverse=True)
    if all(bool((column[first][numbers] == column).all()) for column in columns):
        return numbers
    return np.unique(columns, axis=1, return_inverse=True)[1].reshape(-1)


def hash_columns(columns: I64) -> U64:
    """A hash of each column of a ``(K, N)`` matrix, ``(N,)``; who wants to can make two that are equal."""
    hashes = np.zeros(columns.shape[1], np.uint64)
    for column in columns:
        hashes = (hashes ^ column.view(np.uint64)) * _SPREAD
        hashes ^= hashes >> _SHIFT
    return hashes
