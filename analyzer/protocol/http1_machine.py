"""Machines that read HTTP/1 heads byte by byte: which heads are plain, and where in them stands what is asked for.

A machine is a table of states, so that one loop reads requests, responses and texts alike. It takes a part of what
``http1_plain`` takes and nothing else (RFC 9112 sections 3 to 5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from analyzer.base.fact import Fact
from analyzer.base.table import I64
from analyzer.protocol.request_line import KNOWN_METHODS

# The states where reading ends, and the one where it begins.
REJECTED, DONE, START = range(3)
# Fields. Every head has places for the first; in a response they are those of the second line.
LEAD, TARGET, HOST, REQUEST_ID, LENGTH = range(5)
STATUS, _, SERVER, SERVICE_TIME, _ = range(5)
FIXED = 5
# Spots of a head: where its last line began, where a name without a field ended, and three of each field.
LINE, OTHER, _FIRST_SPOT = range(3)
# A set of names that takes more states than this is too large for a table that is to stay in a cache.
_MAX_NAMES_LEN = 4096

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9a-z]+")
_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = b"0123456789"
_NAME = b"!#$%&'*+-.^_`|~" + _DIGITS + _LETTERS
_BLANKS = b" \t"
# What a line of a head may have, and what of it is not cut off at a value's ends.
_FIELD = bytes(each for each in range(256) if each >= 0x20 and each != 0x7F) + b"\t"
_TEXT = bytes(set(_FIELD) - set(_BLANKS))
_ANY = bytes(range(256))
_REASON = bytes(set(_ANY) - set(b"\r\n\0"))
_VISIBLE = bytes(range(0x21, 0x7F))
# What HeaderUtility::authorityIsValid takes.
_AUTHORITY = b"!$%&'()*+,-.:;=@[]_~" + _DIGITS + _LETTERS
_METHODS = tuple(sorted(each.encode() for each in KNOWN_METHODS - {"CONNECT"}))
# Of these a request or an answer is not plain: the connection may leave HTTP/1.1, bodies end otherwise, an answer
# comes in two parts, or gRPC says what happened.
_UNUSUAL_ASKED = (b"upgrade", b"transfer-encoding", b"expect")
_UNUSUAL_ANSWERED = (b"transfer-encoding", b"grpc-status", b"grpc-message")


def named(field: int) -> int:
    """The spot of the end of a field's name."""
    return _FIRST_SPOT + 3 * field


def begins(field: int) -> int:
    """The spot of the first byte of a field's value that is no blank."""
    return _FIRST_SPOT + 3 * field + 1


def ends(field: int) -> int:
    """The spot behind the last byte of a field's value that is no blank."""
    return _FIRST_SPOT + 3 * field + 2


class Machine(Fact, frozen=True):
    """``table[state << 8 | byte]`` is the state behind a byte, ``(256 S,)`` for S states.

    Few states tell something: the first ones, which ``marks`` has. A mark is the spot behind which the byte stands that
    led there; of the end of a name it is negative. ``keyed`` are the fields by which heads are compared, of which those
    from ``FIXED`` on also by their order; ``spots`` is how many spots there are.
    """

    table: NDArray[np.uint16]
    marks: I64
    keyed: tuple[int, ...]
    spots: int


@lru_cache(maxsize=8)
def request_machine(looked_at: frozenset[str]) -> Machine:
    """What reads the heads of requests, with a field for each header of ``looked_at``.

    Names are in lower case; what can be no header's name is left out. It tells the end of every name. Where the names
    are too many it takes nothing.
    """
    names = sorted(each.encode() for each in looked_at if _TOKEN.fullmatch(each))
    build = _Builder()
    if sum(map(len, names)) > _MAX_NAMES_LEN:
        return build.machine((), FIXED)
    lines = _Lines(build, -OTHER)
    blank = build.state(ends(LEAD))
    build.words(START, _METHODS, b" ", blank, first_mark=begins(LEAD))
    slash = build.then(blank, b"/", begins(TARGET))
    target, version = build.state(), build.state(ends(TARGET))
    for state in (slash, target):
        build.on(state, _VISIBLE, target)
        build.on(state, b" ", version)
    build.literal(version, b"HTTP/1.1\r", lines.ended)
    values = {
        b"host": lines.value(HOST, _AUTHORITY, resumes=False),
        b"content-length": lines.value(LENGTH, _DIGITS, empty=False, resumes=False),
        b"x-request-id": lines.value(REQUEST_ID, _TEXT),
    }
    fixed = [field for field, name in ((LENGTH, b"content-length"), (REQUEST_ID, b"x-request-id")) if name in names]
    others = [each for each in names if each not in values and each not in _UNUSUAL_ASKED]
    values |= {name: lines.value(field, _TEXT) for field, name in enumerate(others, FIXED)}
    lines.name(values, _UNUSUAL_ASKED)
    fields = FIXED + len(others)
    return build.machine((LEAD, HOST, *fixed, *range(FIXED, fields)), fields)


@lru_cache(maxsize=1)
def response_machine() -> Machine:
    """What reads the heads of final responses that are no error: which server, and whether an upstream took time."""
    build = _Builder()
    lines = _Lines(build, 0)
    state = build.literal(START, b"HTTP/")
    for among in (_DIGITS, b".", _DIGITS, b" "):
        state = build.then(state, among)
    state = build.then(state, b"23", begins(STATUS))
    for _ in range(2):
        state = build.then(state, _DIGITS)
    build.on(state, b"\r", lines.closing(STATUS))
    reason = build.then(state, b" ", ends(STATUS))
    more = build.state()
    for state in (reason, more):
        build.on(state, _REASON, more)
        build.on(state, b"\r", lines.ended)
    values = {
        b"host": lines.value(TARGET, _TEXT),
        b"content-length": lines.value(LENGTH, _DIGITS, empty=False, resumes=False),
        b"server": lines.value(SERVER, _TEXT),
        b"x-envoy-upstream-service-time": lines.presence(SERVICE_TIME),
    }
    lines.name(values, _UNUSUAL_ANSWERED)
    return build.machine((STATUS, SERVER, SERVICE_TIME), FIXED)


@lru_cache(maxsize=8)
def text_machine(texts: frozenset[bytes]) -> Machine:
    """What finds one of some texts, none empty (Aho and Corasick), and stays in ``DONE`` once it did."""
    build = _Builder()
    build.on(DONE, _ANY, DONE)
    build.on(START, _ANY, START)
    begun = sorted(sorted({text[:size] for text in texts for size in range(len(text))}), key=len)
    states = {prefix: build.state() if prefix else START for prefix in begun}
    for prefix, state in states.items():
        # What is no longer the beginning of one text may be that of another.
        shorter = next((prefix[size:] for size in range(1, len(prefix) + 1) if prefix[size:] in states), None)
        if shorter is not None:
            build.copy(state, states[shorter])
        for read in {text[: len(prefix) + 1] for text in texts if text.startswith(prefix) and text != prefix}:
            if build.behind(state, read[-1:]) != DONE:
                build.on(state, read[-1:], DONE if read in texts else states[read])
    return build.machine((), 0)


class _Builder:
    """States, each with what follows it; whatever is not said is ``REJECTED``."""

    def __init__(self) -> None:
        self._marks: list[int | None] = []
        self._rows: list[NDArray[np.uint16]] = []
        for _ in (REJECTED, DONE, START):
            self.state(LINE)

    def state(self, mark: int | None = None, *, like: int | None = None) -> int:
        """A new state, with what follows the state ``like``; without a mark it tells nothing."""
        self._marks.append(mark)
        self._rows.append(np.zeros(256, np.uint16) if like is None else self._rows[like].copy())
        return len(self._rows) - 1

    def copy(self, state: int, like: int) -> None:
        """Let what follows the state ``like`` follow ``state``."""
        self._rows[state][:] = self._rows[like]

    def behind(self, state: int, byte: bytes) -> int:
        """What follows ``state`` behind a byte."""
        return int(self._rows[state][ord(byte)])

    def on(self, state: int, among: bytes, following: int) -> None:
        """Let ``following`` follow ``state`` behind any of some bytes."""
        self._rows[state][list(among)] = following

    def then(self, state: int, among: bytes, mark: int | None = None) -> int:
        """A new state that follows ``state`` behind any of some bytes."""
        following = self.state(mark)
        self.on(state, among, following)
        return following

    def literal(self, state: int, text: bytes, last: int | None = None) -> int:
        """The state, which ``last`` may be, that follows ``state`` behind ``text``."""
        for byte in text[:-1]:
            state = self.then(state, bytes((byte,)))
        following = self.state() if last is None else last
        self.on(state, text[-1:], following)
        return following

    def words(
        self,
        root: int,
        words: Iterable[bytes],
        end: bytes,
        following: int,
        *,
        first_mark: int | None = None,
        like: int = REJECTED,
    ) -> dict[bytes, int]:
        """The states behind each beginning of ``words``; ``following`` follows whole ones behind ``end``.

        Words in lower case are taken in any; what is no word goes on as it does from the state ``like``.
        """
        states = {b"": root}
        for word in words:
            for size in range(1, len(word) + 1):
                prefix, letter = word[:size], word[size - 1 : size]
                if prefix not in states:
                    states[prefix] = self.state(first_mark if size == 1 else None, like=like)
                    self.on(states[prefix[:-1]], letter + letter.upper(), states[prefix])
            self.on(states[word], end, following)
        return states

    def machine(self, keyed: tuple[int, ...], fields: int) -> Machine:
        """The machine that was built, its states in the order that it has to have."""
        telling = [state for state, mark in enumerate(self._marks) if mark is not None]
        order = telling + [state for state, mark in enumerate(self._marks) if mark is None]
        numbers = np.empty(len(order), np.uint16)
        numbers[order] = np.arange(len(order))
        table = numbers[np.concatenate([self._rows[state] for state in order])]
        marks = np.array([self._marks[state] for state in telling], np.int64)
        return Machine(table, marks, keyed, named(fields))


class _Lines:
    """The header lines of a head, up to the empty line. ``ended`` is the state behind the CR of a line.

    ``other_mark`` is the mark of the end of a name that has no field, 0 for none.
    """

    def __init__(self, build: _Builder, other_mark: int) -> None:
        self._build = build
        self._line, self._name = build.state(LINE), build.state()
        self.ended = build.state()
        build.on(self.ended, b"\n", self._line)
        self._other = build.state()
        build.on(self._other, _FIELD, self._other)
        build.on(self._other, b"\r", self.ended)
        build.on(self._name, _NAME, self._name)
        build.on(self._name, b":", build.state(other_mark, like=self._other) if other_mark else self._other)
        build.on(self._line, _NAME, self._name)
        build.literal(self._line, b"\r\n", DONE)

    def value(self, field: int, taken: bytes, *, empty: bool = True, resumes: bool = True) -> int:
        """The state at the beginning of a field's value, of which blanks at its ends are no part.

        ``taken`` are the bytes that it may have; not ``resumes``: a blank ends it.
        """
        build = self._build
        opened, before = build.state(-named(field)), build.state()
        first, said = build.state(begins(field)), build.state()
        blank, behind, closed = build.state(ends(field)), build.state(), self.closing(field)
        for state in (opened, before):
            build.on(state, _BLANKS, before)
            build.on(state, taken, first)
            if empty:
                build.on(state, b"\r", self.ended)
        for state in (first, said):
            build.on(state, _BLANKS, blank)
            build.on(state, taken, said)
            build.on(state, b"\r", closed)
        for state in (blank, behind):
            build.on(state, _BLANKS, behind)
            build.on(state, taken, said if resumes else REJECTED)
            build.on(state, b"\r", self.ended)
        return opened

    def presence(self, field: int) -> int:
        """The state at the beginning of a field's value of which nothing but its presence is told."""
        return self._build.state(-named(field), like=self._other)

    def closing(self, field: int) -> int:
        """The state behind the CR that ends a field's value."""
        closed = self._build.state(ends(field))
        self._build.on(closed, b"\n", self._line)
        return closed

    def name(self, values: dict[bytes, int], rejected: Iterable[bytes]) -> None:
        """Let each name lead to its value, and some to nothing."""
        states = self._build.words(self._line, (*values, *rejected), b":", REJECTED, like=self._name)
        for name, value in values.items():
            self._build.on(states[name], b":", value)
