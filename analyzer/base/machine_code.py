"""Kernels that were compiled, kept as machine code beside their modules' bytecode and called without numba.

To import numba and to start it takes half a second of every run; to read what it made and to call that, some
milliseconds. A kernel's code calls nothing but ``memset`` and its like, so that it can stand alone.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from glob import escape
from hashlib import blake2b
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np

from analyzer.base.object_code import ObjectCode

# The types of a kernel's arguments: of an array the element and the number of dimensions, of a tuple those of its
# members, None of an integer.
Kind = tuple[Any, ...] | None

# Where this is known to work; elsewhere numba runs what it compiles.
KNOWN = sys.platform == "linux" and os.uname().machine == "x86_64" and sys.maxsize > 1 << 32

# Where Python keeps the bytecode of the modules in a folder.
_FOLDER = "__pycache__"

_CHECK_LEN = 16
# Of each half of a file's name.
_DIGEST_LEN = 12
# Changes when code of before must not be read any more.
_FORMAT = 2

# What code of kernels may call.
CALLED = ("memset", "memcpy", "memmove")

# What is told of a processor in the beginning of /proc/cpuinfo, and the lines that tell which one it is.
_CPUINFO_LEN = 8_192
_PROCESSOR = ("vendor_id", "cpu family", "model", "flags")


def kinds_of(arguments: tuple[Any, ...]) -> tuple[Kind, ...] | None:
    """The kinds of arguments; None where an array is not laid out as in C, or one is neither array nor integer."""
    found: list[Kind] = []
    for argument in arguments:
        if isinstance(argument, np.ndarray) and argument.flags.c_contiguous and argument.dtype.isnative:
            found.append((argument.dtype.str, argument.ndim))
        elif isinstance(argument, tuple):
            inner = kinds_of(argument)
            if inner is None:
                return None
            found.append(("", inner))
        elif isinstance(argument, int | np.integer):
            found.append(None)
        else:
            return None
    return tuple(found)


def count_parts(kinds: tuple[Kind, ...]) -> int:
    """How many numbers such arguments are handed over as."""
    return sum(
        1 if kind is None else count_parts(kind[1]) if not kind[0] else len(_parts_of_array(np.empty((0,) * kind[1])))
        for kind in kinds
    )


def _parts_of_array(array: np.ndarray) -> tuple[int, ...]:
    """An array as numba hands it over (numba, core/datamodel/models.py, ArrayModel): it owns no memory."""
    address = array.__array_interface__["data"][0]
    return (0, 0, array.size, array.itemsize, address, *array.shape, *array.strides)


def _parts(arguments: tuple[Any, ...]) -> Iterator[int]:
    for argument in arguments:
        if isinstance(argument, np.ndarray):
            yield from _parts_of_array(argument)
        elif isinstance(argument, tuple):
            yield from _parts(argument)
        else:
            yield int(argument)


class CodeFile:
    """The file that keeps the code of a function for some kinds of arguments.

    Its name tells all that the code depends on: the function, the constants that it uses, and the processor.
    """

    def __init__(self, function: Callable[..., int], kinds: tuple[Kind, ...]) -> None:
        self._has_home = Path(function.__code__.co_filename).is_absolute()
        folder, beginning = _home_of(function)
        self.path = folder / f"{beginning}{_digest(_processor(), kinds)}.code"

    def read(self) -> bytes | None:
        """The code, or None where there is none that is whole."""
        with suppress(OSError):
            data = self.path.read_bytes()
            if data[:_CHECK_LEN] == _check(data[_CHECK_LEN:]):
                return data[_CHECK_LEN:]
        return None

    def write(self, code: bytes) -> bool:
        """Keep the code; False where the folder cannot be written, or the function came from no file."""
        import tempfile

        if not self._has_home:
            return False
        try:
            self.path.parent.mkdir(exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.path.parent, delete=False) as file:
                file.write(_check(code) + code)
            Path(file.name).replace(self.path)
        except OSError:
            return False
        return True


@cache
def has_code(function: Callable[..., int]) -> bool:
    """Whether code of a function is kept: most likely such as it is asked for, but LLVM need not be there to say so."""
    folder, beginning = _home_of(function)
    return any(folder.glob(f"{escape(beginning)}*.code"))


def kept_beside(modules: Path) -> set[str]:
    """``MODULE.FUNCTION`` of all kernels with code for the modules in a folder, be it as they are now or were."""
    try:
        return {name.partition("-")[0] for name in os.listdir(modules / _FOLDER) if name.endswith(".code")}
    except OSError:
        return set()


def can_keep_beside(modules: Path) -> bool:
    """Whether code can be kept for the modules in a folder."""
    with suppress(OSError):
        (modules / _FOLDER).mkdir(exist_ok=True)
        return os.access(modules / _FOLDER, os.W_OK)
    return False


def _home_of(function: Callable[..., int]) -> tuple[Path, str]:
    """The folder for the code of a function, and what the names of its files begin with."""
    module = Path(function.__code__.co_filename)
    own = _digest(_FORMAT, *_facts_of(function))
    return module.parent / _FOLDER, f"{module.stem}.{function.__name__}-{own}-"


def _facts_of(function: Callable[..., int]) -> list[object]:
    """What the code of a function is made of: its own, the constants that it uses, and the functions that it calls."""
    code = function.__code__
    used = [(name, function.__globals__[name]) for name in code.co_names if name in function.__globals__]
    constants = [(name, repr(value)) for name, value in used if not isinstance(value, FunctionType)]
    return [code.co_code, code.co_consts, code.co_varnames, constants, *map(_facts_of, called_by(function))]


def called_by(function: Callable[..., int]) -> list[FunctionType]:
    """The plain functions that a kernel calls by their names."""
    known = function.__globals__
    return [known[name] for name in function.__code__.co_names if isinstance(known.get(name), FunctionType)]


def _digest(*facts: object) -> str:
    return blake2b(repr(facts).encode(), digest_size=_DIGEST_LEN).hexdigest()


def _check(code: bytes) -> bytes:
    return blake2b(code, digest_size=_CHECK_LEN).digest()


@cache
def _processor() -> str:
    """What the processor is and can do, as Linux tells it (proc(5), cpuinfo); all are alike."""
    try:
        with open("/proc/cpuinfo", "rb") as file:
            first = file.read(_CPUINFO_LEN).partition(b"\n\n")[0].decode(errors="replace")
    except OSError:
        import llvmlite.binding as llvm

        return f"{llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"
    return "\n".join(line for line in first.splitlines() if line.startswith(_PROCESSOR))


@cache
def _called() -> Mapping[str, int]:
    """Where what the code of kernels may call begins."""
    libc = ctypes.CDLL(None)
    return {name: ctypes.cast(getattr(libc, name), ctypes.c_void_p).value or 0 for name in CALLED}


def target_machine() -> Any:
    """LLVM's description of the processor that this runs on."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3, reloc="static", jit=True
    )


class MachineCode:
    """A kernel that is called as numba calls it (numba, core/callconv.py, CPUCallConv); other threads run meanwhile.

    Raises ``UnknownCodeError``.
    """

    def __init__(self, code: bytes, name: str, kinds: tuple[Kind, ...]) -> None:
        self._code = ObjectCode(code, _called())
        parts = [ctypes.c_int64] * count_parts(kinds)
        prototype = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *parts)
        self._function = prototype(self._code.address_of(name))
        self._name = name

    def __call__(self, *arguments: Any) -> int:
        """What the kernel gives. Raises ``RuntimeError`` where it raised anything, which kernels do not."""
        result, error = ctypes.c_int64(), ctypes.c_void_p()
        if self._function(ctypes.addressof(result), ctypes.addressof(error), *_parts(arguments)):
            raise RuntimeError(f"{self._name} raised an exception")
        return result.value
