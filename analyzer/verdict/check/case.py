"""What a check says: each thing that was expected, what was found instead, and where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from analyzer.base.place import PacketPlace, YamlPlace
from analyzer.verdict.codes import CODES
from analyzer.verdict.coverage import CoverageCount
from analyzer.verdict.decision import HEADLESS_MATCHED, SERVICE_MATCHED
from analyzer.verdict.findings import deciding_lines
from analyzer.verdict.record import CallRecord, CaptureRecord, MeshRecord

BUDGET, EXPECTATION, RECORDED, ACCEPTANCE, FINDING = "budget", "expectation", "recorded", "acceptance", "finding"
# A failure names at most this many calls, lines and packets; the filter leads to the rest.
NAMED = 3


@dataclass(frozen=True, slots=True)
class Blame:
    """The calls that are not as expected: what decided them, their ids, and the lines and packets to look at."""

    why: str = ""
    calls: tuple[str, ...] = ()
    yaml: tuple[YamlPlace, ...] = ()
    packets: tuple[PacketPlace, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that a suite asks; ``place`` is where it asks, ``blame`` is empty where no call is to blame."""

    name: str
    kind: str
    passed: bool
    expected: str
    got: str
    place: YamlPlace
    blame: Blame = Blame()


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A suite that ran. ``lacking`` says what evidence is too little, empty where it suffices.

    ``accepted`` counts the calls that an acceptance took out of the budgets. ``notes`` fail nothing. ``coverage`` is
    what of the mesh the calls touch, empty where nobody asked.
    """

    suite: str
    cases: tuple[Case, ...]
    calls: int
    undetermined: int
    accepted: int = 0
    lacking: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    captures: tuple[CaptureRecord, ...] = ()
    mesh: MeshRecord | None = None
    limits: tuple[str, ...] = ()
    coverage: tuple[CoverageCount, ...] = ()

    @property
    def failures(self) -> tuple[Case, ...]:
        """The cases that do not hold."""
        return tuple(case for case in self.cases if not case.passed)

    @property
    def share_passed(self) -> float:
        """Percent of the cases that hold; 100 where there is none."""
        return 100 * (len(self.cases) - len(self.failures)) / len(self.cases) if self.cases else 100.0


def blame(calls: Iterable[CallRecord]) -> Blame:
    """What there is to say of the calls that a case fails for."""
    listed = list(calls)
    lines = dict.fromkeys(place for call in listed for place in deciding_lines(call))
    return Blame(
        why="; ".join(dict.fromkeys(why(call) for call in listed[:NAMED])),
        calls=tuple(call.id for call in listed),
        yaml=tuple(lines)[:NAMED],
        packets=tuple(PacketPlace(*call.packets[0][:2]) for call in listed[:NAMED] if call.packets),
    )


def why(call: CallRecord) -> str:
    """What decided a call: its reason, or what is missing, in words; of a call that arrived the last step."""
    decision = call.decision
    names = decision.undetermined if decision.verdict is None else (decision.reason or "",)
    if decision.verdict in (SERVICE_MATCHED, HEADLESS_MATCHED):
        step = next((step for step in reversed(decision.steps) if step.yaml and not step.aside), None)
        return step.sentence if step else ""
    return ", ".join(CODES[name].summary if name in CODES else name for name in names)
