"""Settings that a call meets and the model leaves out: where one could change the verdict, that is null.

``docs/not-modelled.md`` is the page for people.
"""

from __future__ import annotations

from analyzer.base.fact import replace
from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.outbound.scope import sidecar_of
from analyzer.mesh.proxy import proxy_of
from analyzer.mesh.proxy_settings import proxy_setting, proxy_setting_place
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.arrival import Arrival, InboundDecision
from analyzer.verdict.decision import Step
from analyzer.verdict.upstream import OutboundDecision

SETTING = Code(
    "setting",
    Family.UNDETERMINED,
    Level.WARNING,
    "a setting that is not modelled could change the verdict",
    "The call meets a rarely used setting of a proxy or a Sidecar, and what that makes of it is not modelled.",
    "Read the setting that the evidence names; everything else in the decision stands as without it.",
)

_PROXY_HEADER = ("gatewayTopology", "proxyProtocol")


def with_gateway_settings(mesh: MeshSnapshot, arrival: Arrival, decided: OutboundDecision) -> OutboundDecision:
    """A gateway's decision, in doubt where a setting could change it."""
    step = _proxy_header(mesh, arrival) if decided.outbound.listener is not None else None
    return decided.doubted((SETTING.name,), (step,)) if step is not None else decided


def with_arrival_settings(mesh: MeshSnapshot, arrival: Arrival, decided: InboundDecision) -> InboundDecision:
    """What a pod's sidecar does with an arrival that it is handed, in doubt where a setting could change it."""
    step = _own_socket(mesh, arrival)
    if step is None:
        return decided
    missing, steps = (*decided.undetermined, SETTING.name), (*decided.steps, step)
    return replace(decided, dropped=False, reason=None, undetermined=missing, steps=steps)


def _own_socket(mesh: MeshSnapshot, arrival: Arrival) -> Step | None:
    """An ingress listener that binds to its port has no chain in ``virtualInbound`` (listener_inbound.go).

    The passthrough chain takes the connection and leads it to the same port, where that listener takes it once more.
    """
    sidecar = sidecar_of(mesh, proxy_of(mesh, arrival.pod))
    ingress = sidecar.ingress if sidecar is not None else ()
    found = next((each for each in ingress if each.port.number == arrival.port), None)
    if found is None or found.capture_mode != "NONE":
        return None
    sentence = f"iptables hands port {arrival.port} to virtualInbound, but the ingress listener binds to it itself"
    return Step(sentence, yaml=(found.place,))


def _proxy_header(mesh: MeshSnapshot, arrival: Arrival) -> Step | None:
    """The gateway reads a PROXY header before anything else, and closes what does not begin with one (gateway.go)."""
    pod = arrival.pod
    if proxy_setting(mesh, pod, *_PROXY_HEADER) is None:
        return None
    sentence = f"{pod.full_name} closes connections that do not begin with a PROXY header: whether this does is open"
    return Step(sentence, yaml=(proxy_setting_place(mesh, pod, *_PROXY_HEADER),))
