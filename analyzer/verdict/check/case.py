"""What a check says: each thing that was expected, what was found instead, and where it stands."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.base.fact import Fact
from analyzer.base.place import PacketPlace, YamlPlace
from analyzer.verdict.codes import CODES
from analyzer.verdict.coverage import CoverageCount
from analyzer.verdict.decision import HEADLESS_MATCHED, SERVICE_MATCHED, Decision, Step
from analyzer.verdict.findings import deciding_lines
from analyzer.verdict.record import CallRecord, CaptureRecord, MeshRecord

BUDGET, EXPECTATION, RECORDED, ACCEPTANCE, FINDING = "budget", "expectation", "recorded", "acceptance", "finding"
# A failure names at most this many calls, lines and packets; the filter leads to the rest.
NAMED = 3
_ARRIVED = (SERVICE_MATCHED, HEADLESS_MATCHED)


class Blame(Fact, frozen=True):
    """The calls that are not as expected: what decided them, their ids, and the lines and packets to look at."""

    why: str = ""
    calls: tuple[str, ...] = ()
    yaml: tuple[YamlPlace, ...] = ()
    packets: tuple[PacketPlace, ...] = ()


class Case(Fact, frozen=True):
    """One thing that a suite asks; ``place`` is where it asks, ``blame`` is empty where no call is to blame."""

    name: str
    kind: str
    passed: bool
    expected: str
    got: str
    place: YamlPlace
    blame: Blame = Blame()


class CheckResult(Fact, frozen=True):
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


def blame(calls: Iterable[CallRecord], *, inside: bool = False) -> Blame:
    """What there is to say of the calls that a case fails for.

    ``inside``: of calls that arrived it is the server's sidecar that is not as expected, not where they went.
    """
    listed = list(calls)
    lines = dict.fromkeys(place for call in listed for place in _lines(call, inside=inside))
    return Blame(
        why="; ".join(dict.fromkeys(why(call, inside=inside) for call in listed[:NAMED])),
        calls=tuple(call.id for call in listed),
        yaml=tuple(lines)[:NAMED],
        packets=tuple(PacketPlace(*call.packets[0][:2]) for call in listed[:NAMED] if call.packets),
    )


def why(call: CallRecord, *, inside: bool = False) -> str:
    """What decided a call: its reason, or what is missing, in words.

    Of a call that arrived the step that chose its cluster, or that let it in where it is about the ``inside``.
    """
    decision = call.decision
    names = decision.undetermined if decision.verdict is None else (decision.reason or "",)
    if decision.verdict in _ARRIVED:
        step = _arrival_step(decision, inside=inside)
        return step.sentence if step else ""
    return ", ".join(CODES[name].summary if name in CODES else name for name in names)


def _lines(call: CallRecord, *, inside: bool) -> tuple[YamlPlace, ...]:
    if call.decision.verdict not in _ARRIVED:
        return deciding_lines(call)
    step = _arrival_step(call.decision, inside=inside)
    return step.yaml if step else ()


def _arrival_step(decision: Decision, *, inside: bool) -> Step | None:
    """The last step with YAML; unless ``inside``, of those before the first that names the client's cluster."""
    steps = [step for step in decision.steps if not step.aside]
    cluster = decision.outbound.cluster if decision.outbound and not inside else None
    named = next((n for n, step in enumerate(steps) if cluster and cluster in step.sentence), len(steps))
    return next((step for step in reversed(steps[:named]) if step.yaml), None)
