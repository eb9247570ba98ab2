"""What the page's filter box may ask: the fields of ``--where`` that calls of a row share, as JSON safe inside HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analyzer.report.inert_json import cell, encoded
from analyzer.verdict.filter_fields import FIELDS, Field, Value
from analyzer.verdict.record import CallRecord

# What nearly every call has of its own, or has much of: with these no two calls would be alike.
_OF_ONE_CALL = frozenset(
    ("client.port", "community_id", "duration_ms", "first_ns", "history", "id", "request", "uid", "yaml")
)
PAGE_FIELDS: tuple[Field, ...] = tuple(field for name, field in FIELDS.items() if name not in _OF_ONE_CALL)
# Where the fields of the decision and of what was observed begin.
_ENDS = [
    next(n for n, field in enumerate(PAGE_FIELDS) if field.name == name) for name in ("verdict", "observed.status")
]
_PARTS = (slice(None, _ENDS[0]), slice(*_ENDS), slice(_ENDS[1], None))
# Of a run with more calls the page has no fields, and its box looks for words alone.
MOST_CALLS = 20_000

RowFacts = tuple[tuple[Value, ...], ...]


def facts_of(calls: Sequence[CallRecord]) -> RowFacts:
    """What the fields are of calls that share a row, each combination once, in the order of the calls."""
    return tuple(dict.fromkeys(tuple(field.read(call) for field in PAGE_FIELDS) for call in calls))


def filter_data(rows: Iterable[RowFacts]) -> str:
    """``{"fields": [[name, kind, values], ...], "words": [...], "parts": [[number, ...], ...], "rows": [...]}``.

    Calls share how they end more than what was sent, so a combination is told in parts: the numbers of its values in
    ``words``. A row is its combinations, each the numbers of its ``parts``; ``rows`` are in the table's order.
    """
    # By type too: True equals 1.
    words: dict[tuple[type, Value], int] = {}
    parts: dict[tuple[int, ...], int] = {}

    def number_of(part: tuple[Value, ...]) -> int:
        return parts.setdefault(tuple(words.setdefault((type(v), v), len(words)) for v in part), len(parts))

    told = [[[number_of(each[place]) for place in _PARTS] for each in row] for row in rows]
    fields = [[field.name, field.kind, field.values] for field in PAGE_FIELDS]
    shown = [_shown(value) for _, value in words]
    return encoded({"fields": fields, "words": shown, "parts": list(parts), "rows": told})


def _shown(value: Value) -> object:
    if isinstance(value, str):
        return cell(value)
    return [cell(each) for each in value] if isinstance(value, tuple) else value
