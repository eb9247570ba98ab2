"""Questions about single calls of captures: what would have ended better, and how one passed through the mesh."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analyzer.mesh.history import Meshes, MeshHistory
from analyzer.pipeline import Where, ask_paths
from analyzer.verdict.clocks import estimate_clocks
from analyzer.verdict.nearest import Miss, nearest_misses
from analyzer.verdict.passage import Passage, passage_of
from analyzer.verdict.record import Analysis, CallRecord


@dataclass(frozen=True, slots=True)
class Explained:
    """A call, and what would have made it end better."""

    call: CallRecord
    misses: tuple[Miss, ...]


def explain_paths(
    captures: Sequence[str], mesh: Meshes | None, chosen: Where, *, most: int
) -> tuple[Analysis, list[Explained]]:
    """A run without findings, and of its calls the first ``most`` that are ``chosen``, with their nearest misses."""
    run, asked, _ = ask_paths(captures, mesh)
    explained = []
    for each in [each for each in asked if chosen(each.record)][:most]:
        held = mesh.at(each.record.first_ns) if isinstance(mesh, MeshHistory) else mesh
        misses = nearest_misses(held, each.question, each.record.decision) if held and each.question else ()
        explained.append(Explained(each.record, misses))
    return run, explained


def follow_paths(captures: Sequence[str], mesh: Meshes | None, chosen: Where) -> tuple[Analysis, Iterator[Passage]]:
    """A run without findings, and the passages of the calls that are ``chosen``, on the clock of their own capture."""
    run, asked, spoken = ask_paths(captures, mesh)
    clocks = estimate_clocks(wire for wire, _ in spoken)
    return run, (passage_of(each, clocks) for each in asked if chosen(each.record))
