"""The words of a filter expression, each with the column where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.base.errors import UsageError
from analyzer.base.fact import Fact

# Longer ones are no question of a person.
MAX_LENGTH = 10_000
# What an error repeats of the expression.
_SHOWN = 24

NAME, TEXT, NUMBER, SIGN, END = "name", "text", "number", "sign", "end"

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
    |(?P<number>-?[0-9]{1,18}(?:\.[0-9]{1,18})?)(?![A-Za-z0-9_.])
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<sign>==|!=|<=|>=|<|>|\(|\)|\[|\]|,)
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class Token(Fact, frozen=True):
    """A word: its ``kind``, its value, and where it begins, ``column`` 1-based."""

    kind: str
    value: str
    column: int

    def __str__(self) -> str:
        return "the end" if self.kind == END else repr(self.value)


def wrong(text: str, column: int, message: str) -> UsageError:
    """The error about an expression: the column, what stands there, what is the matter."""
    rest = text[column - 1 : column - 1 + _SHOWN]
    here = f" (at {rest!r})" if rest.strip() else ""
    return UsageError(f"filter, column {column}{here}: {message}")


def tokens_of(text: str) -> Iterator[Token]:
    """The words of ``text`` and an end; raises ``UsageError`` where something is none."""
    if len(text) > MAX_LENGTH:
        raise wrong(text, MAX_LENGTH, f"found {len(text)} characters, expected at most {MAX_LENGTH}")
    position = 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            raise _no_token(text, position)
        kind = str(match.lastgroup)
        value = match[kind]
        yield Token(kind, _ESCAPE.sub(r"\1", value[1:-1]) if kind == TEXT else value, match.start(kind) + 1)
        position = match.end()
    yield Token(END, "", len(text) + 1)


# What people write who know other languages, and what it is here.
_HABITS = {"=": "==", "&&": "and", "||": "or", "!": "not", "=~": "like", "~": "like"}


def _no_token(text: str, position: int) -> UsageError:
    position += len(text) - position - len(text[position:].lstrip())
    character = text[position]
    if character in "\"'":
        return wrong(text, position + 1, f"found a text that does not end, expected {character} at its end")
    habit = next((each for each in ("&&", "||", "=~", "=", "!", "~") if text.startswith(each, position)), None)
    if habit is not None:
        return wrong(text, position + 1, f"found {habit!r}, expected {_HABITS[habit]!r}")
    return wrong(text, position + 1, f"found {character!r}, expected a field, a value or an operator")
