"""The one door to numba. A kernel is a plain Python function over flat arrays; that function is its definition.

Small inputs run the plain function over memoryviews, whose elements are Python integers: faster than NumPy scalars,
and without their overflow. Large inputs run the compiled function, which must leave the same bytes in every array.
To keep both equal, kernels stay inside int64: no array argument of uint64, no division of negatives, no floats.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

# A compile costs about a second and the import 0.3 s; plain Python walks this many rows in about the same time.
COMPILE_ROWS = 150_000
# ... and this many, once numba is there: compiled code is read from disk in some milliseconds.
_LOADED_ROWS = 10_000


@cache
def _compiled(function: Callable[..., int]) -> Callable[..., int]:
    import numba

    compiled: Callable[..., int] = numba.njit(cache=True, nogil=True)(function)
    return compiled


def pays(rows: int, *, compile_rows: int = COMPILE_ROWS) -> bool:
    """Whether ``run_kernel`` compiles a kernel for so many rows: then it is faster than the sorts that NumPy needs."""
    return rows >= compile_rows or (rows >= _LOADED_ROWS and _compiled.cache_info().currsize > 0)


def run_kernel(function: Callable[..., int], rows: int, *arguments: Any, compile_rows: int = COMPILE_ROWS) -> int:
    """Run ``function`` over ``arguments`` (C-contiguous arrays, tuples of them, integers); compiled when it ``pays``.

    Fewer rows do where a kernel was compiled before. The function writes into its output arrays and returns one integer
    (a count, or 0).
    """
    if pays(rows, compile_rows=compile_rows):
        return int(_compiled(function)(*arguments))
    return int(function(*map(_plain, arguments)))


def _plain(argument: Any) -> Any:
    if isinstance(argument, tuple):
        return tuple(map(_plain, argument))
    return argument.data if isinstance(argument, np.ndarray) else argument
