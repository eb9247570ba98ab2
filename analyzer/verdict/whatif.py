"""Recorded calls asked of another mesh: which of them would end elsewhere, and by which lines of YAML.

The captures say what was asked and of whom. The pod that a balancer chose is left out of both answers, so that they
differ only where the meshes do.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

from analyzer.base.fact import Fact, replace
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.redirect import outbound_redirect
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.asking import APP_LEG_UNSEEN, target_pod
from analyzer.verdict.cause import find_causes
from analyzer.verdict.compare import Ending, ending_of
from analyzer.verdict.decide import decide
from analyzer.verdict.decision import Decision
from analyzer.verdict.inbound_question import POD_UNKNOWN
from analyzer.verdict.judge import Asked
from analyzer.verdict.question import Question
from analyzer.verdict.reasons import NOT_SAVED
from analyzer.verdict.record import MovedCall, WhatIf
from analyzer.verdict.roles import Role
from analyzer.verdict.sealed import decide_sealed

# Labels that a controller gives each pod of its own: a pod that is made anew has others.
_OF_ONE_POD = frozenset(
    (
        "apps.kubernetes.io/pod-index", "controller-revision-hash", "pod-template-hash",
        "statefulset.kubernetes.io/pod-name",
    )
)  # fmt: skip


def what_if(asked: Iterable[Asked], old: MeshSnapshot, new: MeshSnapshot) -> WhatIf:
    """What moves from one mesh to another of the calls that ``judge_and_ask`` judged with the old one."""
    calls = list(asked)
    shifts = shifts_between(calls, old, new, recorded=old)
    moved = [shift for shift in shifts if shift.moved]
    yaml = find_causes(old, new, moved)
    return WhatIf(
        moves=tuple(MovedCall(s.asked.record, s.before, s.after, y) for s, y in zip(moved, yaml, strict=True)),
        calls=len(calls),
        undecided=sum(shift.before.verdict is None and shift.after.verdict is None for shift in shifts),
    )


def shifts_between(
    asked: Iterable[Asked], old: MeshSnapshot, new: MeshSnapshot, *, recorded: MeshSnapshot
) -> list[Shift]:
    """Each call with its answers in two meshes; it was recorded in the mesh ``recorded``."""
    before, after = _Mesh(old, recorded), _Mesh(new, recorded)
    return [Shift(each, before.answer(each), after.answer(each), recorded) for each in asked]


class Shift(Fact, frozen=True, eq=False):
    """A call with its answers in two meshes, of which one is ``recorded``, the one that it was recorded in."""

    asked: Asked
    before: Decision
    after: Decision
    recorded: MeshSnapshot

    @property
    def moved(self) -> bool:
        """Whether it ends elsewhere: another listener, chain or reason on the way to the same end is no move."""
        return _end(self.before) != _end(self.after)

    @property
    def likeness(self) -> Hashable:
        """Equal for calls that most likely move for one reason; whoever relies on it has to try."""
        question = self.asked.question
        what = replace(question, headers=(), client="") if question is not None else id(self.asked)
        return what, _end(self.before), _end(self.after)

    def undone_in(self, mesh: MeshSnapshot) -> bool:
        """Whether the call ends in ``mesh`` where it ended before."""
        return _end(_Mesh(mesh, self.recorded).answer(self.asked)) == _end(self.before)


def _end(decision: Decision) -> Ending:
    return replace(ending_of(decision), reason="")


class _Mesh:
    """Answers the questions of recorded calls; equal ones are decided once."""

    def __init__(self, mesh: MeshSnapshot, recorded: MeshSnapshot) -> None:
        self._mesh = mesh
        self._recorded = recorded
        self._answers: dict[Question, Decision] = {}

    def answer(self, asked: Asked) -> Decision:
        question = asked.question
        if question is None:
            return self._without_question(asked)
        if question not in self._answers:
            self._answers[question] = self._decide(question)
        return self._answers[question]

    def _without_question(self, asked: Asked) -> Decision:
        """What the packets lack they lack for every mesh; mutual TLS between sidecars names the cluster by itself."""
        call = asked.call
        if call is None:
            return Decision(None, None, asked.record.decision.undetermined or (NOT_SAVED.name,))
        if call.said.role is not Role.UPSTREAM or not call.said.istio_mtls:
            return asked.record.decision
        decision = decide_sealed(self._mesh, call, target_pod(call.said, self._mesh))
        return decision or Decision(None, None, (APP_LEG_UNSEEN.name,))

    def _decide(self, question: Question) -> Decision:
        origin = self._recorded.pod(question.namespace, question.pod or "")
        pod = self._mesh.pod(question.namespace, question.pod or "") or _successor(self._mesh, origin)
        if origin is None or pod is None:
            return Decision(None, None, (POD_UNKNOWN.name,))
        question = replace(question, pod=pod.name, endpoint=None, bypass=self._still_bypasses(question, origin))
        if question.direction != "outbound":
            address = question.address if question.address in pod.ips or not pod.ips else pod.ips[0]
            question = replace(question, direction="gateway" if pod.is_gateway else "inbound", address=address)
        return decide(self._mesh, question)

    def _still_bypasses(self, question: Question, origin: Pod) -> bool:
        """A connection past the sidecar that the recorded mesh explains is up to the mesh; any other is a fact."""
        if not question.bypass:
            return False
        return outbound_redirect(self._recorded, origin, question.address, question.port).captured


def _successor(mesh: MeshSnapshot, gone: Pod | None) -> Pod | None:
    """The pod that stands where one stood that is gone: of the same namespace, with the labels of the same workload."""
    if gone is None:
        return None
    wanted = _workload(gone)
    pods = (pod for pod in mesh.pods if pod.namespace == gone.namespace)
    return next((pod for pod in pods if wanted and _workload(pod) == wanted), None)


def _workload(pod: Pod) -> Mapping[str, str]:
    return {key: value for key, value in pod.labels.items() if key not in _OF_ONE_POD}
