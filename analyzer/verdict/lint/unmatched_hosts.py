"""Hosts of VirtualServices that no service has, so that sidecars do not use their routes as one might think.

httproute.go selectVirtualServices: on port 80 such a host gets a virtual host of its own, on other ports nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import YamlPlace
from analyzer.mesh.hosts import is_ip
from analyzer.mesh.kinds.service import Service
from analyzer.mesh.kinds.virtual_service import MESH_GATEWAY, VirtualService
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.lint.evidence import shows_services
from analyzer.verdict.lint.finding import LintFinding, title
from analyzer.verdict.lint.host_index import full_name_of, is_registered, namespace_of_host

SHORT_HOST = Code(
    "short-host",
    Family.FINDING,
    Level.WARNING,
    "a host with a dot that is no full name: istiod does not complete it, so it is not the Service",
    "Only names without any dot are completed with namespace and domain. A VirtualService for `name.namespace` takes "
    "requests whose Host is written just so, and only on port 80; the Service's other names keep their default route. "
    "As a destination it names a cluster that does not exist.",
    "Write the full name: NAME.NAMESPACE.svc.cluster.local.",
)
UNMATCHED_HOST = Code(
    "unmatched-host",
    Family.FINDING,
    Level.WARNING,
    "a VirtualService's host is a Kubernetes Service that does not exist",
    "Sidecars apply a VirtualService to the services that its hosts name; this one names none.",
    "Correct the name, or the namespace: a name without a dot means a Service of the VirtualService's own namespace.",
)
UNREGISTERED_HOST = Code(
    "unregistered-host",
    Family.FINDING,
    Level.INFO,
    "a VirtualService's host is in no registry: sidecars use its routes on port 80 only",
    "Without a Service or ServiceEntry of that host there is no port that the routes could belong to; istiod then adds "
    "a virtual host on port 80, where HTTP requests may find it by their Host, and nothing for TLS or TCP.",
    "Declare the host with a ServiceEntry, or bind the VirtualService to a gateway only.",
)


def find_unmatched_hosts(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """A finding for each host of a VirtualService for sidecars that is no service."""
    for vs in mesh.of(VirtualService):
        if not vs.for_mesh:
            continue
        for index, host in enumerate(vs.hosts):
            lowered = host.lower()
            if lowered != "*" and not is_ip(lowered) and not is_registered(mesh, lowered):
                yield from _unmatched(mesh, vs, lowered, vs.resource.place("spec", "hosts", index))


def _unmatched(mesh: MeshSnapshot, vs: VirtualService, host: str, place: YamlPlace) -> Iterator[LintFinding]:
    about = title(vs.resource)
    meant = full_name_of(mesh, host)
    namespace = namespace_of_host(host)
    if meant:
        sentence = f"{about}: host {host} is not the Service {meant}; its routes only take requests with that very Host"
        yield LintFinding(SHORT_HOST, about, sentence, (place,))
    elif namespace:
        if shows_services(mesh, namespace):
            sentence = f"{about}: there is no Service {host}, so its routes have nothing to apply to"
            yield LintFinding(UNMATCHED_HOST, about, sentence, (place,))
    elif vs.gateways == (MESH_GATEWAY,) and mesh.of(Service):
        effect = "its routes only count on port 80" if vs.http else "its routes never count"
        sentence = f"{about}: no Service or ServiceEntry has the host {host}: {effect}"
        yield LintFinding(UNREGISTERED_HOST, about, sentence, (place,))
