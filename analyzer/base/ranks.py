"""Orders of rows."""

from __future__ import annotations

import numpy as np

from analyzer.base.table import I64


def order_of(keys: I64) -> I64:
    """The columns of a matrix ``(K, N)`` in ascending order, by its first row, then by the next ones, ``(N,)``."""
    order: I64 = np.argsort(keys[0], kind="stable")
    first = keys[0, order]
    same = first[1:] == first[:-1]
    if same.any():
        # Those that meet others stay where these are: all rows are sorted by for them alone.
        tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
        columns = order[tied]
        order[tied] = columns[np.lexsort(keys[::-1, columns])]
    return order


def stable_order(numbers: I64) -> I64:
    """The indices of ``numbers`` ``(N,)``, none of them negative, in ascending order; equal ones as they stand.

    Sixteen bits at a time: NumPy sorts those by counting, several times faster than whole numbers.
    """
    order: I64 = np.argsort(numbers.astype(np.uint16), kind="stable")
    highest, shift = int(numbers.max(initial=0)), 16
    while highest >> shift:
        digits = (numbers[order] >> shift).astype(np.uint16)
        order = order[np.argsort(digits, kind="stable")]
        shift += 16
    return order
