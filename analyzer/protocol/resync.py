"""Where to pick up again after a gap, or when the capture begins in the middle of a connection.

A message nearly always begins a segment, so only the first bytes of each captured piece are candidates: text inside
a body that looks like a request is then not taken for one.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable

from analyzer.base.stream import Stream
from analyzer.protocol.request_line import KNOWN_METHODS, MAX_INSPECT_LEN, parse_request_line

_REQUEST_BEGINS = re.compile(rb"(?:" + "|".join(sorted(KNOWN_METHODS)).encode() + rb") +[/*A-Za-z\[]")
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] [1-5][0-9][0-9](?: |\r?\n)")


def next_request(stream: Stream, position: int) -> int | None:
    """The first piece at or after ``position`` that begins with a request line; None where there is none."""
    return next_fit(stream, position, is_request_at)


def next_response(stream: Stream, position: int) -> int | None:
    """The first piece at or after ``position`` that begins with a status line; None where there is none."""
    return next_fit(stream, position, is_response_at)


def next_fit(stream: Stream, position: int, fits: Callable[[Stream, int], bool]) -> int | None:
    """The first piece at or after ``position`` that begins with what ``fits``; None where there is none."""
    first = bisect_left(stream.starts, position)
    candidates = (stream.starts[i] for i in range(first, len(stream.starts)))
    return next((start for start in candidates if fits(stream, start)), None)


def is_request_at(stream: Stream, position: int) -> bool:
    """Whether a whole request line with a known method stands at ``position``."""
    if _REQUEST_BEGINS.match(stream.read(position, 16)) is None:
        return False
    for size in (512, MAX_INSPECT_LEN):
        line, line_feed, _ = stream.read(position, size).partition(b"\n")
        if line_feed:
            return parse_request_line(line.removesuffix(b"\r").decode("latin-1")) is not None
    return False


def is_response_at(stream: Stream, position: int) -> bool:
    """Whether a status line begins at ``position``."""
    return _STATUS_LINE.match(stream.read(position, 16)) is not None
