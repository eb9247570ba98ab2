"""What of a mesh recorded calls never touch: as text, or as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from analyzer.report.as_json import Object, encode
from analyzer.report.layout import Column, Long, Page, Part, Row
from analyzer.report.wording import format_count
from analyzer.verdict.coverage import Coverage, CoverageCount, count_coverage

_NAME, _CALLS = Column("NAME", least=24, long=Long.WRAP), Column("CALLS", right=True)
_LOOKED_AT, _PLACE = Column("LOOKED AT", right=True), Column("PLACE", least=20, long=Long.CUT_START)
_PLURALS = {"policy": "policies"}


def coverage_phrase(counts: Iterable[CoverageCount]) -> str:
    """``4 of 6 routes, 12 of 20 hosts``; what there is nothing of is left out."""
    parts = (
        f"{each.touched:,} of {format_count(each.total, each.kind, _PLURALS.get(each.kind, ''))}" for each in counts
    )
    return ", ".join(parts) or "nothing, for there is nothing"


def counts_object(counts: Iterable[CoverageCount]) -> Object:
    """By kind how many are touched, of how many."""
    return {each.kind: {"touched": each.touched, "total": each.total} for each in counts}


def coverage_jsonl(found: Sequence[Coverage]) -> Iterator[bytes]:
    """A line with the sums (``kind: coverage``), then one for each thing (``kind: covered``)."""
    yield encode({"kind": "coverage", **counts_object(count_coverage(found))}) + b"\n"
    yield from (encode({"kind": "covered", **_object(each)}) + b"\n" for each in found)


def coverage_json(found: Sequence[Coverage]) -> Iterator[bytes]:
    """One object, a thing per line inside it."""
    yield b'{"coverage":' + encode(counts_object(count_coverage(found))) + b',\n"things":['
    separator = b"\n"
    for each in found:
        yield separator + encode(_object(each))
        separator = b",\n"
    yield b"]}\n"


def render_coverage(
    found: Sequence[Coverage], calls: int, *, everything: bool = False, width: int = 100, colour: bool = False
) -> str:
    """The sums, then by kind what no call touches, or ``everything`` with its calls."""
    page = Page(width=width, colour=colour)
    touch = "touches" if calls == 1 else "touch"
    page.prose((f"{format_count(calls, 'call')} {touch} {coverage_phrase(count_coverage(found))}.", "bold"))
    sections: list[tuple[Part, list[Row]]] = []
    for count in count_coverage(found):
        shown = [each for each in found if each.kind == count.kind and (everything or not each.touched)]
        if shown:
            title = _PLURALS.get(count.kind, f"{count.kind}s")
            sections.append(((title, "bold"), [_row(each, everything=everything) for each in shown]))
    if sections:
        page.heading("TOUCHED BY" if everything else "NEVER TOUCHED")
        columns = (_NAME, _CALLS, _LOOKED_AT, _PLACE) if everything else (_NAME, _LOOKED_AT, _PLACE)
        page.sections(columns, sections)
    return page.render()


def _row(each: Coverage, *, everything: bool) -> Row:
    style = "yellow" if everything and not each.touched else ""
    calls = (f"{each.calls:,}",) if everything else ()
    return ((each.name, style), *calls, f"{each.considered:,}", (each.place.file_line, "dim"))


def _object(each: Coverage) -> Object:
    return {
        "what": each.kind,
        "name": each.name,
        "calls": each.calls,
        "considered": each.considered,
        "place": each.place.file_line,
    }
