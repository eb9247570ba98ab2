"""The one door to numba. A kernel is a plain Python function over flat arrays; that function is its definition.

Small inputs run the plain function over memoryviews, whose elements are Python integers: faster than NumPy scalars,
and without their overflow. Large inputs run the compiled function, which must leave the same bytes in every array.
What kernels share is a plain function that they call.
To keep both equal, kernels stay inside int64: no array argument of uint64, no division of negatives, no floats.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np

from analyzer.base.machine_code import (
    CALLED,
    KNOWN,
    CodeFile,
    Kind,
    MachineCode,
    called_by,
    count_parts,
    has_code,
    kinds_of,
    target_machine,
)
from analyzer.base.object_code import UnknownCodeError

# A compile costs about a second and the import 0.3 s; plain Python walks this many rows in about the same time.
COMPILE_ROWS = 150_000
# ... and this many, once a kernel was compiled: others like this run will find the code of its smaller kernels, too.
_LOADED_ROWS = 10_000
# Where its code is kept a kernel pays for so many times fewer rows: it is read in a fraction of a millisecond.
KEPT_PAYS = 30

# The name of every kernel in its machine code, and what such code may call.
_NAME = "kernel"
_CALLED = ("llvm.", *CALLED)

Kernel = Callable[..., int]


@cache
def _compiled(function: Kernel, kinds: tuple[Kind, ...] | None) -> Kernel:
    """The kernel for such arguments: its code from disk, or made by numba, which also runs what cannot be kept."""
    if kinds is None:
        return _run_by_numba(function)
    kept = _kept(function, kinds)
    if kept is not None:
        return kept
    code = _machine_code(function, kinds)
    if code is not None:
        with suppress(UnknownCodeError):
            made = MachineCode(code, _NAME, kinds)
            if CodeFile(function, kinds).write(code):
                return made
    return _run_by_numba(function)


def keep_code(function: Kernel, kinds: tuple[Kind, ...]) -> None:
    """Have the code of a kernel for such arguments made, where it is not kept."""
    _compiled(function, kinds)


@cache
def _kept(function: Kernel, kinds: tuple[Kind, ...]) -> Kernel | None:
    """The kernel for such arguments by its code from disk; None where that is not there."""
    code = CodeFile(function, kinds).read()
    with suppress(UnknownCodeError):
        return MachineCode(code, _NAME, kinds) if code is not None else None
    return None


@cache
def _run_by_numba(function: Kernel) -> Kernel:
    import numba

    _let_call_others(function)
    compiled: Kernel = numba.njit(cache=True, nogil=True)(function)
    return compiled


def _machine_code(function: Kernel, kinds: tuple[Kind, ...]) -> bytes | None:
    """What numba makes of a kernel, without what it puts around it to be called from Python.

    None where this numba is made otherwise, or the kernel calls something that it has to be there for.
    """
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.errors import NumbaError

    try:
        with global_compiler_lock:
            made = _lowered(function, _types(kinds))
            module = made.library._final_module
            entry = module.get_function(made.fndesc.llvm_func_name)
            if made.signature.return_type.bitwidth != 64 or len(list(entry.arguments)) != 2 + count_parts(kinds):
                return None
            _optimize(made.library, module, entry)
            if any(each.is_declaration and not each.name.startswith(_CALLED) for each in module.functions):
                return None
            code: bytes = target_machine().emit_object(module)
    except (AttributeError, ImportError, NameError, RuntimeError, TypeError, NumbaError):
        return None
    return code


def _lowered(function: Kernel, types: tuple[Any, ...]) -> Any:
    """A kernel in the words of LLVM, as they are before anything is made better or linked (numba, core/compiler.py).

    Nobody counts references in it: the memory of its arrays is another's.
    """
    from numba.core import compiler
    from numba.core.registry import cpu_target

    made_by: Any = compiler
    target: Any = cpu_target
    _let_call_others(function)
    flags = made_by.Flags()
    flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
    return made_by.compile_extra(target.typing_context, target.target_context, function, types, None, flags, {})


def _let_call_others(function: Kernel) -> None:
    """Have numba know the plain functions that a kernel calls; what it makes of them becomes part of the kernel."""
    from numba import extending

    words: Any = extending
    for other in called_by(function):
        words.register_jitable(other)
        _let_call_others(other)


def _optimize(library: Any, module: Any, entry: Any) -> None:
    """The passes that numba runs, once the module has all that its one function ``entry`` calls."""
    for each in dict.fromkeys(library._linking_libraries):
        module.link_in(each._get_module_for_linking(), preserve=True)
    for each in module.functions:
        if not each.is_declaration and each.name != entry.name:
            each.linkage = "internal"
    entry.name = _NAME
    library._optimize_final_module()


def _types(kinds: tuple[Kind, ...]) -> tuple[Any, ...]:
    """The kinds in numba's words."""
    import numba

    words: Any = numba
    return tuple(
        words.int64
        if kind is None
        else words.types.Array(words.from_dtype(np.dtype(kind[0])), kind[1], "C")
        if kind[0]
        else words.types.Tuple(_types(kind[1]))
        for kind in kinds
    )


def pays(function: Kernel, rows: int, *, compile_rows: int = COMPILE_ROWS) -> bool:
    """Whether a kernel runs compiled over so many rows: then it is faster than the sorts that NumPy needs."""
    return _may_compile(rows, compile_rows) or (rows * KEPT_PAYS >= compile_rows and has_code(function))


def _may_compile(rows: int, compile_rows: int) -> bool:
    return rows >= compile_rows or (rows >= _LOADED_ROWS and _compiled.cache_info().currsize > 0)


def run_kernel(function: Kernel, rows: int, *arguments: Any, compile_rows: int = COMPILE_ROWS) -> int:
    """Run ``function`` over ``arguments`` (C-contiguous arrays, tuples of them, integers); compiled where it ``pays``.

    Fewer than ``compile_rows`` do where its code is kept, or a kernel was compiled before. The function writes into its
    output arrays and returns one integer (a count, or 0).
    """
    if pays(function, rows, compile_rows=compile_rows):
        kinds = kinds_of(arguments) if KNOWN else None
        if _may_compile(rows, compile_rows):
            return int(_compiled(function, kinds)(*arguments))
        kept = _kept(function, kinds) if kinds is not None else None
        if kept is not None:
            return int(kept(*arguments))
    return int(function(*map(_plain, arguments)))


def _plain(argument: Any) -> Any:
    if isinstance(argument, tuple):
        return tuple(map(_plain, argument))
    return argument.data if isinstance(argument, np.ndarray) else argument
