"""Machine code in an object file, as LLVM writes one for a kernel, brought to where it can be called.

To import LLVM for that takes 30 ms, and LLVM two more for each kernel. What is understood of the format is what such
files have: elf(5), and the relocations of the System V ABI, AMD64 Architecture Processor Supplement, section 4.4.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

_ELF64 = b"\x7fELF\x02\x01\x01"
_FILE_HEADER = struct.Struct("<40xQ10xHHH")
_SECTION = struct.Struct("<4xIQ8xQQIIQ8x")
_SYMBOL = struct.Struct("<IBxHQ8x")
_RELOCATION = struct.Struct("<QIIq")

# Kinds of sections, and what they may be flagged with.
_SYMBOLS, _RELOCATIONS, _NO_BYTES, _OTHER_RELOCATIONS = 2, 4, 8, 9
_WRITTEN, _IN_MEMORY = 1, 2
# Kinds of relocations: how many bytes a place has, and whether it counts from itself.
_PLACES = {1: ("<Q", False), 2: ("<i", True), 4: ("<i", True), 24: ("<q", True)}
# The section of symbols that are defined elsewhere, and the first number that is none.
_UNDEFINED, _NO_SECTION = 0, 0xFF00

_PAGE = mmap.PAGESIZE


class UnknownCodeError(Exception):
    """An object file with something in it that is not understood, or for which there is no memory."""


class _Section(NamedTuple):
    """A row of the table of sections (elf(5), Elf64_Shdr)."""

    kind: int
    flags: int
    begin: int
    size: int
    link: int
    info: int
    aligned: int


class ObjectCode:
    """The code of an object file in memory, as long as this lives; it calls ``others``, by their names.

    Raises ``UnknownCodeError``.
    """

    def __init__(self, data: bytes, others: Mapping[str, int]) -> None:
        try:
            self._load(data, others)
        except (LookupError, OSError, OverflowError, ValueError, struct.error) as error:
            raise UnknownCodeError(str(error)) from None

    def _load(self, data: bytes, others: Mapping[str, int]) -> None:
        sections = _sections_of(data)
        if any(each.flags & _WRITTEN and each.flags & _IN_MEMORY for each in sections):
            raise UnknownCodeError("a section that is written to")
        places, size = _places_of(sections)
        self._memory = mmap.mmap(-1, max(size, 1), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        address = int(np.frombuffer(self._memory, np.uint8).__array_interface__["data"][0])
        for number, place in places.items():
            section = sections[number]
            self._memory[place : place + section.size] = data[section.begin : section.begin + section.size]
        self._symbols = _symbols_of(data, sections, {n: address + place for n, place in places.items()}, others)
        for section in sections:
            if section.kind == _OTHER_RELOCATIONS or (section.kind == _RELOCATIONS and section.info not in places):
                raise UnknownCodeError("relocations of another kind")
            if section.kind == _RELOCATIONS:
                self._relocate(data[section.begin : section.begin + section.size], places[section.info], address)
        _make_executable(address, len(self._memory))

    def _relocate(self, table: bytes, begin: int, address: int) -> None:
        for offset, kind, symbol, addend in _RELOCATION.iter_unpack(table):
            form, from_itself = _PLACES[kind]
            value = self._symbols[symbol][1] + addend - (address + begin + offset if from_itself else 0)
            struct.pack_into(form, self._memory, begin + offset, value)

    def address_of(self, name: str) -> int:
        """Where a function of this file begins. Raises ``UnknownCodeError`` where there is none."""
        found = next((address for known, address in self._symbols if known == name), None)
        if found is None:
            raise UnknownCodeError(f"no {name}")
        return found


def _sections_of(data: bytes) -> list[_Section]:
    if not data.startswith(_ELF64):
        raise UnknownCodeError("no ELF file of 64 bits")
    begin, size, count, _ = _FILE_HEADER.unpack_from(data)
    return [_Section(*_SECTION.unpack_from(data, begin + n * size)) for n in range(count)]


def _places_of(sections: list[_Section]) -> tuple[dict[int, int], int]:
    """Where in memory the sections that belong there come to lie, one behind the other, and how long all are."""
    places, end = {}, 0
    for number, section in enumerate(sections):
        if section.flags & _IN_MEMORY and section.size:
            if section.kind == _NO_BYTES or section.aligned > _PAGE:
                raise UnknownCodeError("a section of another kind")
            end = -(-end // max(section.aligned, 1)) * max(section.aligned, 1)
            places[number] = end
            end += section.size
    return places, end


def _symbols_of(
    data: bytes, sections: list[_Section], begins: Mapping[int, int], others: Mapping[str, int]
) -> list[tuple[str, int]]:
    """The names of all symbols, and where what they stand for is; 0 where that is not in memory."""
    [table] = (each for each in sections if each.kind == _SYMBOLS)
    names = sections[table.link]
    found = []
    for at, _, section, value in _SYMBOL.iter_unpack(data[table.begin : table.begin + table.size]):
        begin = names.begin + at
        name = data[begin : data.index(b"\0", begin)].decode()
        if section == _UNDEFINED:
            found.append((name, others[name] if name else 0))
        else:
            found.append((name, begins.get(section, 0) + value if section < _NO_SECTION else 0))
    return found


def _make_executable(address: int, size: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(size), mmap.PROT_READ | mmap.PROT_EXEC):
        raise OSError(ctypes.get_errno(), "memory may not be executed")
