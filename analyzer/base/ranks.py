"""Orders: of rows that were sorted in parts, and of rows by small numbers."""

from __future__ import annotations

import numpy as np

from analyzer.base.kernel import pays, run_kernel
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


def order_by_number(numbers: I64, starts: I64) -> I64:
    """The indices of ``numbers`` ``(N,)`` by number, equal ones as they stand; those of -1 are left out.

    ``starts`` says where the indices of each number begin in what is given, and where the last ones end.
    """
    if not pays(sort_by_counting, len(numbers)):
        return stable_order(numbers + 1)[len(numbers) - int(starts[-1]) :]
    order = np.empty(int(starts[-1]), np.int64)
    run_kernel(sort_by_counting, len(numbers), numbers, starts[:-1].copy(), order)
    return order


def sort_by_counting(numbers: I64, places: I64, order: I64) -> int:
    """Kernel: the indices of ``numbers`` into ``order``, those of number n from ``places[n]`` on; gives 0.

    ``places`` is left behind the last index of each number; negative numbers are left out.
    """
    for i in range(len(numbers)):
        number = numbers[i]
        if number >= 0:
            order[places[number]] = i
            places[number] += 1
    return 0
