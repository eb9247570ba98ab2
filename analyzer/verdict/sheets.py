"""What a report tells beside the calls of a run and only the captures know: mutual TLS by edge, names, passages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from analyzer.base.fact import Fact
from analyzer.mesh.history import Meshes, MeshHistory
from analyzer.verdict.clocks import estimate_clocks
from analyzer.verdict.decision import DROPPED
from analyzer.verdict.judge import Asked
from analyzer.verdict.mtls import MtlsSheet, mtls_sheet
from analyzer.verdict.names import OutsideName, outside_names
from analyzer.verdict.passage import Passage, passage_of
from analyzer.verdict.record import CallRecord
from analyzer.verdict.wires import Wire

if TYPE_CHECKING:
    from analyzer.capture.dns import DnsAnswer
    from analyzer.protocol.facts import Conversation


class Sheets(Fact, frozen=True):
    """The sheets of a run.

    ``passages`` are of calls that several captures saw, at most so many: those in trouble first, then the longest.
    ``joined`` counts all calls that several captures saw. Without a mesh nothing tells what is outside: no ``names``.
    """

    mtls: MtlsSheet
    names: tuple[OutsideName, ...]
    passages: tuple[Passage, ...]
    joined: int


def sheets_of(
    asked: Sequence[Asked],
    spoken: Sequence[tuple[Wire, Conversation]],
    mesh: Meshes | None,
    answers: Iterable[DnsAnswer],
    *,
    most: int,
) -> Sheets:
    """The sheets of the calls ``asked`` about, of all wires ``spoken`` on, and of DNS ``answers``.

    A mesh that changes names pods and hosts as it was at the end.
    """
    last = mesh.eras[-1].mesh if isinstance(mesh, MeshHistory) else mesh
    joined = [each for each in asked if each.call is not None and len(each.record.captures) > 1]
    chosen = sorted(joined, key=lambda each: _rank(each.record))[:most]
    clocks = estimate_clocks(wire for wire, _ in spoken)
    return Sheets(
        mtls_sheet(spoken, last),
        tuple(outside_names((each.record for each in asked), answers, last)) if last else (),
        tuple(passage_of(each, clocks) for each in chosen),
        len(joined),
    )


def _rank(call: CallRecord) -> tuple[bool, int, int]:
    observed = call.observed
    troubled = call.decision.verdict == DROPPED or observed.agrees is False or (observed.status or 0) >= 500
    return not troubled, call.first_ns - call.last_ns, call.first_ns
