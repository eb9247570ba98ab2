"""Questions about a pod's own sidecar (``direction: inbound``): what it would do with an arrival."""

from __future__ import annotations

from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.redirect import NO_SIDECAR as NO_SIDECAR_REASON
from analyzer.mesh.selector import labels_match
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.arrival import HEADLESS_PORT, PASSTHROUGH_PORT, SERVICE_PORT, InboundDecision, asked_arrival
from analyzer.verdict.caveats import AMBIENT, ambient_step
from analyzer.verdict.decision import DROPPED, HEADLESS_MATCHED, PASSTHROUGH, SERVICE_MATCHED, Decision, Step
from analyzer.verdict.inbound import decide_captured
from analyzer.verdict.question import Question

PROTOCOL_ERROR = Code(
    "protocol-error",
    Family.REASON,
    Level.WARNING,
    "the server's sidecar expects HTTP and cannot read what arrives",
    "The port is declared HTTP; other bytes, or HTTP/1.0, are answered by Envoy with 400 or 426.",
    "Declare the port's protocol as it is (name or appProtocol of the Service's port).",
)
INBOUND_PASSTHROUGH = Code(
    "inbound-passthrough",
    Family.REASON,
    Level.INFO,
    "the server's sidecar passes the connection on: no Service declares the port",
    "The sidecar takes the connection with its passthrough chains (InboundPassthroughCluster).",
)
POD_UNKNOWN = Code(
    "pod-unknown",
    Family.UNDETERMINED,
    Level.INFO,
    "the pod is not in the mesh input",
    "Which services select it, and which policies it has, is not known without it.",
)

# By what the port turned out to be: the class of a call whose source has no part in it.
_CLASSES = {
    SERVICE_PORT: (SERVICE_MATCHED, "service"),
    HEADLESS_PORT: (HEADLESS_MATCHED, "headless-service"),
    PASSTHROUGH_PORT: (PASSTHROUGH, INBOUND_PASSTHROUGH.name),
}


def answer_inbound(mesh: MeshSnapshot, question: Question) -> Decision:
    """The decision of a pod's sidecar alone; the redirect is taken for granted, since the call is said to arrive."""
    pod = _pod_of(mesh, question)
    if pod is None:
        return Decision(None, None, (POD_UNKNOWN.name,))
    ambient = ambient_step(mesh, pod)
    if ambient is not None:
        return Decision(None, None, (AMBIENT.name,), steps=(ambient,))
    if not pod.has_sidecar:
        step = Step(f"{pod.full_name} has no sidecar", yaml=(pod.resource.place("metadata", "name"),))
        return Decision(PASSTHROUGH, NO_SIDECAR_REASON.name, steps=(step,))
    decided = decide_captured(mesh, asked_arrival(mesh, pod, question))
    verdict, reason = class_of_arrival(decided)
    if decided.undetermined and verdict != DROPPED:
        return Decision(None, None, decided.undetermined, inbound=decided.inbound, steps=decided.steps)
    return Decision(verdict, reason, inbound=decided.inbound, steps=decided.steps)


def class_of_arrival(decided: InboundDecision) -> tuple[str | None, str | None]:
    """The verdict and reason by the inbound side alone: for sources without a sidecar, and inbound questions.

    Here an arrival that the HTTP codec refuses is dropped, since nothing else stands behind the question.
    """
    if decided.dropped:
        return DROPPED, decided.reason
    if decided.protocol_error:
        return DROPPED, PROTOCOL_ERROR.name
    return _CLASSES.get(decided.port_class or "", (None, None))


def _pod_of(mesh: MeshSnapshot, question: Question) -> Pod | None:
    if question.pod is not None:
        return mesh.pod(question.namespace, question.pod)
    labels = question.labels or {}
    return next((p for p in mesh.of(Pod) if p.namespace == question.namespace and labels_match(labels, p.labels)), None)
