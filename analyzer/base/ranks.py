"""Where rows that were sorted in parts stand among all."""

from __future__ import annotations

import numpy as np

from analyzer.base.table import I64


def order_of(keys: I64) -> I64:
    """The columns of a matrix ``(K, N)`` in ascending order, by its first row, then by the next ones, ``(N,)``."""
    if not keys.shape[1]:
        return np.empty(0, np.int64)
    order = np.argsort(keys[0], kind="stable")
    first = keys[0, order]
    if (first[1:] != first[:-1]).all():
        return order
    whole: I64 = np.lexsort(keys[::-1])
    return whole
