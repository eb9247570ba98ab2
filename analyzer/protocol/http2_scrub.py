"""HTTP/2 told again under pseudonyms: frames and header blocks as long as they were, DATA as zeros."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hpack.exceptions import HPACKError
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hpack.huffman_table import decode_huffman
from hpack.table import HeaderTable

from analyzer.base.pseudonym import Pseudonyms
from analyzer.base.stream import Stream
from analyzer.protocol.head_scrub import ENVOY_TEXTS, scrub_value
from analyzer.protocol.http2_frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    HEADERS,
    PADDED,
    PREFACE,
    PRIORITY_FLAG,
    Frame,
    read_frame,
)

_PRIORITY_LEN = 5
_ENCODER = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)
_GRPC_PREFIX_LEN = 5


_STATIC_NAMES = [name.decode("latin-1") for name, _ in HeaderTable.STATIC_TABLE]


class _Text(NamedTuple):
    """A string of a header block: where its bytes lie, and whether they are Huffman's."""

    begin: int
    end: int
    huffman: bool


class _Field(NamedTuple):
    """A literal header: its name is a string here, or an index of the table; ``indexed``: the table takes it."""

    name: _Text | None
    name_index: int
    value: _Text
    indexed: bool


def scrub_frames(stream: Stream, names: Pseudonyms) -> bytes:
    """One direction as long as it was. A header block that cannot be followed, and all behind it, is zeros."""
    content = bytearray(stream.length)
    table: list[str] = []
    at = len(PREFACE) if stream.read(0, len(PREFACE)) == PREFACE else 0
    content[:at] = stream.read(0, at)
    while (frame := read_frame(stream, at)) is not None:
        data = bytearray(stream.read(frame.start, frame.end - frame.start))
        head_len = frame.body - frame.start
        if frame.kind == DATA:
            own = bytes(data[head_len:]).startswith(ENVOY_TEXTS)
            data = data if own else data[: head_len + min(_GRPC_PREFIX_LEN, frame.size)]
        elif frame.kind in (HEADERS, CONTINUATION) and not _scrub_block(data, head_len, frame, table, names):
            break
        content[frame.start : frame.start + len(data)] = data
        at = frame.end
    return bytes(content)


def _scrub_block(data: bytearray, at: int, frame: Frame, table: list[str], names: Pseudonyms) -> bool:
    """Replaces the values of a whole block in place; False where that cannot be done."""
    end = len(data)
    if frame.kind == CONTINUATION or not frame.flags & END_HEADERS:
        return False
    try:
        if frame.flags & PADDED:
            end, at = end - data[at], at + 1
        at += _PRIORITY_LEN if frame.flags & PRIORITY_FLAG else 0
        for field in list(_fields(data, at, end)):
            name = _read(data, field.name) if field.name else [*_STATIC_NAMES, *table][field.name_index - 1]
            _write(data, field.value, scrub_value(name.lower(), _read(data, field.value), names))
            if field.indexed:
                table.insert(0, name)
    except (IndexError, ValueError, HPACKError):
        return False
    return True


def _fields(data: bytearray, at: int, end: int) -> Iterator[_Field]:
    """The literal headers of a block (RFC 7541 section 6)."""
    while at < end:
        first = data[at]
        if first & 0x80:
            _, at = _integer(data, at, 7)
        elif first & 0xE0 == 0x20:
            _, at = _integer(data, at, 5)
        else:
            index, at = _integer(data, at, 6 if first & 0x40 else 4)
            name = None
            if not index:
                name, at = _string(data, at)
            value, at = _string(data, at)
            yield _Field(name, index, value, bool(first & 0x40))


def _integer(data: bytearray, at: int, bits: int) -> tuple[int, int]:
    limit = (1 << bits) - 1
    value, at = data[at] & limit, at + 1
    shift = 0
    while value >= limit and shift < 28:
        more, at = data[at], at + 1
        value += (more & 0x7F) << shift
        shift += 7
        if not more & 0x80:
            break
    return value, at


def _string(data: bytearray, at: int) -> tuple[_Text, int]:
    huffman = bool(data[at] & 0x80)
    length, at = _integer(data, at, 7)
    if at + length > len(data):
        raise ValueError("a string that is not whole")
    return _Text(at, at + length, huffman), at + length


def _read(data: bytearray, text: _Text) -> str:
    raw = bytes(data[text.begin : text.end])
    return (decode_huffman(raw) if text.huffman else raw).decode("latin-1")


def _write(data: bytearray, text: _Text, new: str) -> None:
    raw = new.encode("latin-1")
    encoded = _ENCODER.encode(raw) if text.huffman else raw
    if len(encoded) != text.end - text.begin:
        raise ValueError("a pseudonym of another length")
    data[text.begin : text.end] = encoded
