"""Settings that a call meets and the model leaves out: where one could change the verdict, that is null.

``docs/not-modelled.md`` is the page for people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.outbound.request import Headers, strip_port
from analyzer.mesh.outbound.scope import sidecar_of
from analyzer.mesh.outbound.virtual_hosts import proxied_by_chance
from analyzer.mesh.path import normalize_path
from analyzer.mesh.proxy import Proxy, proxy_of
from analyzer.mesh.proxy_settings import CONNECTION_SETTINGS, proxy_setting, proxy_setting_places
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.arrival import Arrival, InboundDecision
from analyzer.verdict.decision import Step
from analyzer.verdict.question import Question
from analyzer.verdict.upstream import OutboundDecision

SETTING = Code(
    "setting",
    Family.UNDETERMINED,
    Level.WARNING,
    "a setting that is not modelled could change the verdict",
    "The call meets a rarely used setting of a proxy or a Sidecar, and what that makes of it is not modelled.",
    "Read the setting that the evidence names; everything else in the decision stands as without it.",
)

_ESCAPED_SLASH = re.compile("%(2f|5c)", re.IGNORECASE)
_PROXY_HEADER = ("gatewayTopology", "proxyProtocol")


def with_gateway_settings(mesh: MeshSnapshot, arrival: Arrival, decided: OutboundDecision) -> OutboundDecision:
    """A gateway's decision, in doubt where a setting could change it."""
    if decided.outbound.listener is None:
        return decided
    request = (arrival.path, arrival.headers) if decided.outbound.route_config is not None else None
    pod = arrival.pod
    return _doubted(decided, _proxy_header(mesh, arrival), _family(pod, arrival.address), _reading(mesh, pod, request))


def with_outbound_settings(
    mesh: MeshSnapshot, proxy: Proxy, question: Question, decided: OutboundDecision
) -> OutboundDecision:
    """A sidecar's decision, in doubt where a setting could change it."""
    pod = mesh.pod(proxy.namespace, proxy.pod) if proxy.pod else None
    request = (question.path, question.headers) if decided.outbound.route_config is not None else None
    return _doubted(
        decided, _family(pod, question.address), _proxied(mesh, proxy, question, decided), _reading(mesh, pod, request)
    )


def _doubted(decided: OutboundDecision, *steps: Step | None) -> OutboundDecision:
    found = tuple(step for step in steps if step is not None)
    return decided.doubted((SETTING.name,), found) if found else decided


def with_arrival_settings(mesh: MeshSnapshot, arrival: Arrival, decided: InboundDecision) -> InboundDecision:
    """What a pod's sidecar does with an arrival that it is handed, in doubt where a setting could change it."""
    spoken = arrival.protocol != "tcp" and arrival.tls in ("plaintext", "mtls") and not arrival.sealed
    request = (arrival.path, arrival.headers) if spoken else None
    pod = arrival.pod
    step = _own_socket(mesh, arrival) or _family(pod, arrival.address) or _reading(mesh, pod, request)
    return decided if step is None else decided.doubted((SETTING.name,), (step,))


def _reading(mesh: MeshSnapshot, pod: Pod | None, request: tuple[str, Headers] | None) -> Step | None:
    """How a connection manager reads slashes in paths and underscores in names (applyConnectionSettingsToHCM).

    Profile ``EDGE`` sets all of that for gateways.
    """
    told = proxy_setting(mesh, pod, CONNECTION_SETTINGS) if request is not None else None
    if request is None or not isinstance(told, Mapping):
        return None
    at_edge = told.get("profile") == "EDGE" and pod is not None and pod.is_gateway
    path, headers = normalize_path(request[0]).partition("?")[0], request[1]
    met = {
        "httpMergeSlashes": "//" in path,
        "httpPathWithEscapedSlashesAction": _ESCAPED_SLASH.search(path) is not None,
        "httpHeadersWithUnderscoresAction": any("_" in name for name, _ in headers),
    }
    name = next((name for name, is_met in met.items() if is_met and (at_edge or name in told)), None)
    if name is None:
        return None
    sentence = f"{CONNECTION_SETTINGS}.{name} may change how the request is read"
    return Step(sentence, yaml=proxy_setting_places(mesh, pod, CONNECTION_SETTINGS))


def _proxied(mesh: MeshSnapshot, proxy: Proxy, question: Question, decided: OutboundDecision) -> Step | None:
    """A VirtualService that holds, through a listener for HTTP proxies, for a port that istiod leaves to chance."""
    name = decided.outbound.route_config
    if name is None:
        return None
    host = strip_port((question.path if question.method == "CONNECT" else question.host) or "").lower()
    found = proxied_by_chance(mesh, proxy, name, host)
    if found is None:
        return None
    name = f"{found.namespace}/{found.name}"
    sentence = f"{host} has several HTTP ports: for which VirtualService {name} holds here, istiod leaves to chance"
    return Step(sentence, yaml=(found.resource.place("spec", "hosts"),))


def _family(pod: Pod | None, address: str) -> Step | None:
    """Of a pod with both families of addresses, listeners are bound to IPv6 only where istiod has ISTIO_DUAL_STACK."""
    if pod is None or ":" not in address or not any(":" in ip for ip in pod.ips) or all(":" in ip for ip in pod.ips):
        return None
    sentence = f"{pod.full_name} has both families of addresses: ISTIO_DUAL_STACK says what takes {address}"
    return Step(sentence, yaml=(pod.resource.place("metadata", "name"),))


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
    return Step(sentence, yaml=proxy_setting_places(mesh, pod, *_PROXY_HEADER))
