"""Filters: ``host == "reviews" and verdict != "service-matched"`` chooses calls.

Operators: ``==``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, ``in [...]``, ``like`` with ``*`` and ``?``, ``and``, ``or``,
``not``, parentheses. Values: texts in either quotes, numbers, ``true``, ``false``, ``null``. A field that is null
equals only null; of a list, ``==``, ``in`` and ``like`` ask whether any item fits. Nothing is evaluated as Python.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import ge, gt, le, lt

from analyzer.base.errors import UsageError
from analyzer.base.fact import Fact
from analyzer.base.spelling import hint
from analyzer.verdict.filter_fields import BOOLEAN, FIELDS, NUMBER, TEXT, TEXTS, Field, Value
from analyzer.verdict.filter_tokens import END, NAME, SIGN, Token, tokens_of, wrong
from analyzer.verdict.filter_tokens import NUMBER as NUMBER_TOKEN
from analyzer.verdict.filter_tokens import TEXT as TEXT_TOKEN
from analyzer.verdict.record import CallRecord

# Parentheses and `not` inside one another; a person needs three.
MAX_DEPTH = 50

Predicate = Callable[[CallRecord], bool]

_ORDERS: dict[str, Callable[[float, float], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_KEYWORDS = frozenset({"and", "or", "not", "in", "like", "true", "false", "null"})
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


class Filter(Fact, frozen=True):
    """A question about calls; ``text`` is how it was written."""

    text: str
    matches: Predicate

    def __call__(self, call: CallRecord) -> bool:
        """Whether it chooses a call."""
        return self.matches(call)

    def __reduce__(self) -> tuple[Callable[[str], Filter], tuple[str]]:
        """Another process reads it once more."""
        return parse_filter, (self.text,)


def parse_filter(text: str) -> Filter:
    """The filter that ``text`` says; raises ``UsageError`` that names the column of what is wrong."""
    return Filter(text, _Parser(text, list(tokens_of(text))).parse())


def like(pattern: str, text: str) -> bool:
    """Whether ``text`` is of a shape in which ``*`` stands for any characters and ``?`` for one; linear in memory."""
    at = star = mark = 0
    in_star = False
    position = 0
    while position < len(text):
        if at < len(pattern) and pattern[at] == "*":
            in_star, star, mark = True, at, position
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[position]):
            at, position = at + 1, position + 1
        elif in_star:
            mark += 1
            at, position = star + 1, mark
        else:
            return False
    return all(character == "*" for character in pattern[at:])


@dataclass(slots=True)
class _Parser:
    """Recursive descent: or, and, not, comparison."""

    text: str
    tokens: Sequence[Token]
    position: int = 0
    depth: int = 0

    def parse(self) -> Predicate:
        if self._now.kind == END:
            raise self._wrong('found nothing, expected an expression such as host == "reviews"')
        found = self._either()
        if self._now.kind != END:
            raise self._wrong(f"found {self._now}, expected and, or, or the end")
        return found

    @property
    def _now(self) -> Token:
        return self.tokens[self.position]

    def _wrong(self, message: str, token: Token | None = None) -> UsageError:
        return wrong(self.text, (token or self._now).column, message)

    def _take(self, *values: str, kind: str) -> bool:
        """Goes on where the next word is one of ``values``."""
        if self._now.kind == kind and self._now.value in values:
            self.position += 1
            return True
        return False

    def _next(self) -> Token:
        token = self._now
        self.position += 1
        return token

    def _either(self) -> Predicate:
        parts = [self._all()]
        while self._take("or", kind=NAME):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else lambda call: any(part(call) for part in parts)

    def _all(self) -> Predicate:
        parts = [self._not()]
        while self._take("and", kind=NAME):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else lambda call: all(part(call) for part in parts)

    def _not(self) -> Predicate:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._wrong(f"nested deeper than {MAX_DEPTH}")
        try:
            if self._take("not", kind=NAME):
                inner = self._not()
                return lambda call: not inner(call)
            if self._take("(", kind=SIGN):
                inner = self._either()
                if not self._take(")", kind=SIGN):
                    raise self._wrong(f"found {self._now}, expected )")
                return inner
            return self._comparison()
        finally:
            self.depth -= 1

    def _comparison(self) -> Predicate:
        if self._now.kind == TEXT_TOKEN:
            return self._value_in_field()
        field = self._field()
        if self._take("not", kind=NAME):
            inside = self._operator(field, self._now, ("in", "like"))
            return lambda call: not inside(call)
        if field.kind == BOOLEAN and (self._now.kind == END or self._now.value in ("and", "or", ")")):
            return lambda call: field.read(call) is True
        return self._operator(field, self._now, ("==", "!=", *_ORDERS, "in", "like"))

    def _value_in_field(self) -> Predicate:
        """``"h2" in alpn``: the other way round for lists."""
        wanted = self._next()
        if not self._take("in", kind=NAME):
            raise self._wrong(f"found {self._now}, expected in and a field that is a list")
        token = self._now
        field = self._field()
        if field.kind != TEXTS:
            raise self._wrong(f"{field.name} is no list; write {field.name} == ...", token)
        return _equal(field, wanted.value)

    def _field(self) -> Field:
        token = self._next()
        if token.kind != NAME or token.value in _KEYWORDS:
            raise self._wrong(f"found {token}, expected a field", token)
        if token.value not in FIELDS:
            raise self._wrong(f"found {token.value!r}, which is no field of a call{hint(token.value, FIELDS)}", token)
        return FIELDS[token.value]

    def _operator(self, field: Field, token: Token, allowed: tuple[str, ...]) -> Predicate:
        if token.kind not in (NAME, SIGN) or token.value not in allowed:
            raise self._wrong(f"found {token}, expected one of {' '.join(allowed)}")
        self.position += 1
        if token.value in _ORDERS:
            return self._ordered(field, token)
        if token.value == "in":
            choices = [_equal(field, value) for value in self._list(field)]
            return lambda call: any(choice(call) for choice in choices)
        if token.value == "like":
            return self._like(field, token)
        equal = _equal(field, self._value(field))
        return equal if token.value == "==" else lambda call: not equal(call)

    def _ordered(self, field: Field, token: Token) -> Predicate:
        if field.kind != NUMBER:
            raise self._wrong(f"{field.name} is {field.kind}, {token.value} compares numbers", token)
        compare, wanted = _ORDERS[token.value], self._value(field)
        if not isinstance(wanted, int | float):
            raise self._wrong("found null, expected a number", self.tokens[self.position - 1])
        return lambda call: isinstance(value := field.read(call), int | float) and compare(value, wanted)

    def _like(self, field: Field, token: Token) -> Predicate:
        if field.kind not in (TEXT, TEXTS):
            raise self._wrong(f"{field.name} is {field.kind}, like compares text", token)
        pattern = self._next()
        if pattern.kind != TEXT_TOKEN:
            raise self._wrong(f"found {pattern}, expected a text with * and ?", pattern)
        return lambda call: any(like(pattern.value, text) for text in _texts(field.read(call)))

    def _list(self, field: Field) -> list[Value]:
        closing = {"[": "]", "(": ")"}.get(self._now.value) if self._now.kind == SIGN else None
        if closing is None:
            raise self._wrong(f'found {self._now}, expected a list such as ["a", "b"]')
        self.position += 1
        values: list[Value] = []
        while not self._take(closing, kind=SIGN):
            if values and not self._take(",", kind=SIGN):
                raise self._wrong(f"found {self._now}, expected , or {closing}")
            values.append(self._value(field))
        return values

    def _value(self, field: Field) -> Value:
        """A value of the field's type, or null."""
        token = self._next()
        if token.kind == NAME and token.value in _CONSTANTS:
            value = _CONSTANTS[token.value]
            if value is None or field.kind == BOOLEAN:
                return value
        elif token.kind == NUMBER_TOKEN and field.kind == NUMBER:
            return float(token.value) if "." in token.value else int(token.value)
        elif token.kind == TEXT_TOKEN and field.kind in (TEXT, TEXTS):
            if field.values and token.value not in field.values:
                raise self._wrong(
                    f"{field.name} is never {token}; it is one of {', '.join(field.values)}, or null", token
                )
            return token.value
        expected = {TEXT: "a text in quotes", TEXTS: "a text in quotes", NUMBER: "a number", BOOLEAN: "true or false"}
        raise self._wrong(f"found {token}, expected {expected[field.kind]}, since {field.name} is {field.kind}", token)


def _equal(field: Field, wanted: Value) -> Predicate:
    if field.kind == TEXTS:
        return lambda call: wanted in _texts(field.read(call)) if wanted is not None else not field.read(call)
    return lambda call: field.read(call) == wanted


def _texts(value: Value) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    return (value,) if isinstance(value, str) else ()
