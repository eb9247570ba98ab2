"""Object files of LLVM run where they are laid; what is not understood of them is said and never run."""

import ctypes
from contextlib import suppress
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.machine_code import KNOWN, target_machine
from analyzer.base.object_code import ObjectCode, UnknownCodeError

pytestmark = pytest.mark.skipif(not KNOWN, reason="machine code is for one kind of system")

MEMSET = {"memset": ctypes.cast(ctypes.CDLL(None).memset, ctypes.c_void_p).value or 0}
ADDS = "define i64 @f(i64 %a) { %b = add i64 %a, 7 ret i64 %b }"
LOOKS_UP = """
@table = internal constant [4 x i64] [i64 2, i64 3, i64 5, i64 7]
@again = internal constant ptr @table
define i64 @f(i64 %a) {
  %table = load volatile ptr, ptr @again
  %place = getelementptr i64, ptr %table, i64 %a
  %found = load i64, ptr %place
  ret i64 %found
}
"""
CALLS = """
declare ptr @memset(ptr, i32, i64)
define i64 @f(i64 %a) {
  %room = alloca i64
  %given = call ptr @memset(ptr %room, i32 1, i64 %a)
  %found = load i8, ptr %room
  %wide = zext i8 %found to i64
  ret i64 %wide
}
"""
COUNTS = """
@seen = internal global i64 5
define i64 @f(i64 %a) {
  %before = load i64, ptr @seen
  %after = add i64 %before, %a
  store i64 %after, ptr @seen
  ret i64 %after
}
"""
CALLS_ITSELF = """
define internal i64 @g(i64 %a) noinline optnone { %b = mul i64 %a, 3 ret i64 %b }
define i64 @f(i64 %a) { %b = call i64 @g(i64 %a) ret i64 %b }
"""


@cache
def compiled(text: str) -> bytes:
    import llvmlite.binding as llvm

    code: bytes = target_machine().emit_object(llvm.parse_assembly(text))
    return code


@pytest.mark.parametrize(
    ("text", "argument", "expected"), [(ADDS, 35, 42), (LOOKS_UP, 2, 5), (CALLS, 8, 1), (CALLS_ITSELF, 4, 12)]
)
def test_a_function_does_what_it_says(text: str, argument: int, expected: int) -> None:
    code = ObjectCode(compiled(text), MEMSET)

    function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(code.address_of("f"))

    assert function(argument) == expected


def test_code_that_calls_what_is_not_offered_is_unknown() -> None:
    with pytest.raises(UnknownCodeError, match="memset"):
        ObjectCode(compiled(CALLS), {})


def test_code_that_remembers_is_unknown() -> None:
    with pytest.raises(UnknownCodeError, match="written to"):
        ObjectCode(compiled(COUNTS), MEMSET)


def test_a_function_that_is_not_there_is_unknown() -> None:
    with pytest.raises(UnknownCodeError, match="no g"):
        ObjectCode(compiled(ADDS), MEMSET).address_of("g")


def test_where_memory_may_not_be_executed_there_is_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmap.PROT_EXEC", 1 << 20)

    with pytest.raises(UnknownCodeError, match="executed"):
        ObjectCode(compiled(ADDS), MEMSET)


@pytest.mark.parametrize("data", [b"", b"\x7fELF\x01\x01\x01" + bytes(100), b"\x7fELF\x02\x01\x01"])
def test_what_is_no_such_file_is_unknown(data: bytes) -> None:
    with pytest.raises(UnknownCodeError):
        ObjectCode(data, MEMSET)


@given(at=st.integers(0, 1 << 16), byte=st.integers(0, 255))
@settings(max_examples=100, deadline=None)
def test_a_damaged_file_is_unknown_or_laid_out_and_nothing_else(at: int, byte: int) -> None:
    data = bytearray(compiled(LOOKS_UP))
    data[at % len(data)] = byte

    with suppress(UnknownCodeError):
        assert ObjectCode(bytes(data), MEMSET) is not None


@given(size=st.integers(0, 1 << 16))
@settings(max_examples=50, deadline=None)
def test_a_file_that_breaks_off_is_unknown(size: int) -> None:
    data = compiled(LOOKS_UP)

    with pytest.raises(UnknownCodeError):
        ObjectCode(data[: size % len(data)], MEMSET)
