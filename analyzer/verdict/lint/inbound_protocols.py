"""Services that lead to one port of a pod with different protocols: the pod's sidecar follows the oldest.

listener_inbound.go: the first service (by age, then host) of a target port decides what its filter chains speak.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.endpoints import named_port
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.kinds.service import Service
from analyzer.mesh.pod_labels import pods_with_labels
from analyzer.mesh.port_protocol import AUTO, HTTP_FAMILY, UDP
from analyzer.mesh.registry import RegistryPort, RegistryService, services_of
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.lint.finding import LintFinding, title

INBOUND_PROTOCOL_CONFLICT = Code(
    "inbound-protocol-conflict",
    Family.FINDING,
    Level.WARNING,
    "two Services lead to one port of a pod with different protocols, and the older one's counts there",
    "Clients speak what the Service says that they call; the pod's sidecar listens as the oldest of its Services says. "
    "HTTP policies then do not apply to opaque bytes, and opaque bytes break on an HTTP port.",
    "Declare the same protocol on every Service of the port.",
)

_Claim = tuple[RegistryService, RegistryPort]


def declared_ports(mesh: MeshSnapshot) -> Mapping[str, Mapping[int, _Claim]]:
    """By pod (``namespace/name``) and port of the pod, the service port that decides what is spoken there.

    What a Sidecar's ingress says instead is not looked at.
    """
    return mesh.memo("lint-declared-ports", lambda: _declared(mesh))


def _declared(mesh: MeshSnapshot) -> dict[str, dict[int, _Claim]]:
    found: dict[str, dict[int, _Claim]] = {}
    for service, port, pod, number in _claims(mesh):
        found.setdefault(pod.full_name, {}).setdefault(number, (service, port))
    return found


def find_inbound_protocols(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """A finding for each Service port whose protocol is overruled at its pods."""
    decided = declared_ports(mesh)
    seen: set[tuple[int, int]] = set()
    for service, port, pod, number in _claims(mesh):
        first_service, first_port = decided[pod.full_name][number]
        if _bears(first_port, port) or (service.index, port.number) in seen:
            continue
        seen.add((service.index, port.number))
        about = title(service.resource)
        whose = "its own" if first_service is service else f"{title(first_service.resource)}'s"
        sentence = (
            f"{about}: port {port.number} is {port.protocol}, but {pod.full_name} takes it on port {number} as "
            f"{first_port.protocol}: {whose} port {first_port.number} comes first"
        )
        yield LintFinding(INBOUND_PROTOCOL_CONFLICT, about, sentence, (port.place, first_port.place))


def _claims(mesh: MeshSnapshot) -> Iterator[tuple[RegistryService, RegistryPort, Pod, int]]:
    """Every port of a pod with a sidecar that a Service's port leads to, in the order in which services count."""
    ordered = sorted(services_of(mesh), key=lambda each: (each.resource.created, each.hostname))
    for service in ordered:
        if not isinstance(service.source, Service) or not service.selector or service.external:
            continue
        for pod in pods_with_labels(mesh, service.namespace, service.selector):
            for port in service.ports if pod.has_sidecar else ():
                number = port.target if isinstance(port.target, int) else named_port(pod, port.target)
                if number and port.protocol != UDP:
                    yield service, port, pod, number


def _bears(taken: RegistryPort, asked: RegistryPort) -> bool:
    """Whether a port that is taken as ``taken`` does for clients that speak ``asked``: sniffing takes either."""
    if taken.protocol == AUTO:
        return True
    return (taken.protocol in HTTP_FAMILY) == (asked.protocol in HTTP_FAMILY)
