"""Settings that a call meets and the model leaves out: where one could change the verdict, that is null.

``docs/not-modelled.md`` is the page for people.
"""

from __future__ import annotations

from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.proxy_settings import proxy_setting, proxy_setting_place
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.arrival import Arrival
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


def _proxy_header(mesh: MeshSnapshot, arrival: Arrival) -> Step | None:
    """The gateway reads a PROXY header before anything else, and closes what does not begin with one (gateway.go)."""
    pod = arrival.pod
    if proxy_setting(mesh, pod, *_PROXY_HEADER) is None:
        return None
    sentence = f"{pod.full_name} closes connections that do not begin with a PROXY header: whether this does is open"
    return Step(sentence, yaml=(proxy_setting_place(mesh, pod, *_PROXY_HEADER),))
