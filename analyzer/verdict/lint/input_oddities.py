"""What was odd about the YAML itself: documents that do not parse, wrong types, one object twice."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from analyzer.base.oddity import Oddity
from analyzer.base.place import YamlPlace
from analyzer.mesh.resource import Resource
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.lint.finding import LintFinding, title


def find_input_oddities(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """A finding for each oddity that reading the input met."""
    files = _by_file(mesh.resources)
    for oddity in mesh.oddities:
        place = oddity.place if isinstance(oddity.place, YamlPlace) else None
        about = _named(oddity) or _title_at(files, place)
        field = f"{about}: {place.field}: " if about and place and place.field else ""
        yield LintFinding(oddity.code, about, f"{field}{oddity.message}", (place,) if place else ())


def _named(oddity: Oddity) -> str:
    """The resource that an oddity names itself, as that of an object that stands twice does."""
    values = oddity.values
    return f"{values['kind']} {values['name']}" if {"kind", "name"} <= values.keys() else ""


def _by_file(resources: tuple[Resource, ...]) -> dict[str, list[tuple[int, Resource]]]:
    found: dict[str, list[tuple[int, Resource]]] = {}
    for resource in resources:
        found.setdefault(resource.file, []).append((resource.body.value.line, resource))
    return {file: sorted(starts, key=lambda start: start[0]) for file, starts in found.items()}


def _title_at(files: dict[str, list[tuple[int, Resource]]], place: YamlPlace | None) -> str:
    """The resource whose field a place is; empty for documents that were left out."""
    if place is None or not place.field:
        return ""
    starts = files.get(place.file, [])
    row = bisect_right(starts, place.line, key=lambda start: start[0]) - 1
    return title(starts[row][1]) if row >= 0 else ""
