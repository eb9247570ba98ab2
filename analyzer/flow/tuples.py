"""The 5-tuples of packets without their direction, and numbers for equal ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analyzer.base.table import I64, PacketTable

Bools = NDArray[np.bool_]

# An odd multiplier and a shift that spread every bit of a column over all of a 64-bit word (Fibonacci hashing).
_SPREAD = np.uint64(0x9E37_79B9_7F4A_7C15)
_SHIFT = np.uint64(29)


def canonical_tuples(packets: PacketTable, rows: I64) -> tuple[I64, Bools]:
    """The tuples ``(5, N)`` of TCP packets, the greater end last, and ``(N,)`` whether that swapped the ends.

    The columns are the address halves of both ends, and in one number the version of IP and both ports. Ends that are
    equal are not swapped.
    """
    src = (packets.src_hi[rows], packets.src_lo[rows], packets.src_port[rows].astype(np.int64))
    dst = (packets.dst_hi[rows], packets.dst_lo[rows], packets.dst_port[rows].astype(np.int64))
    greater, equal = np.zeros(len(rows), np.bool_), np.ones(len(rows), np.bool_)
    for a, b in zip(src, dst, strict=True):
        greater |= equal & (a > b)
        equal &= a == b
    low = [np.where(greater, b, a) for a, b in zip(src, dst, strict=True)]
    high = [np.where(greater, a, b) for a, b in zip(src, dst, strict=True)]
    version = packets.ip_version[rows].astype(np.int64)
    return np.stack([*low[:2], *high[:2], version << 32 | low[2] << 16 | high[2]]), greater


def number_rows(columns: I64) -> I64:
    """One number for each distinct column of a ``(K, N)`` matrix: ``(N,)``, equal where all K values are equal.

    Sorting a hash is several times faster than sorting the columns; where two tuples meet in one hash, which takes an
    attacker, the columns themselves are sorted.
    """
    hashes = np.zeros(columns.shape[1], np.uint64)
    for column in columns:
        hashes = (hashes ^ column.view(np.uint64)) * _SPREAD
        hashes ^= hashes >> _SHIFT
    _, first, numbers = np.unique(hashes, return_index=True, return_inverse=True)
    if (columns[:, first][:, numbers] == columns).all():
        return numbers
    return np.unique(columns, axis=1, return_inverse=True)[1].reshape(-1)
