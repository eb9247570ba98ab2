"""Headless Services whose ports behave otherwise than people expect (listener.go, httproute.go; mesh-model 2.1.7).

An opaque port has a listener for each pod, at the pod's address and the Service's port; an HTTP port has none, its
requests are told apart by Host alone; a port of no declared protocol has both, and any Host will do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.endpoints import Endpoint, endpoints_of
from analyzer.mesh.hosts import is_ip
from analyzer.mesh.inbound.mtls import namespace_mtls, workload_mtls
from analyzer.mesh.kinds.mesh_config import ALLOW_ANY, ALLOW_ANY_DYNAMIC_DNS
from analyzer.mesh.kinds.peer_authentication import DISABLE
from analyzer.mesh.outbound.destination_rules import effective_policy
from analyzer.mesh.port_protocol import AUTO, HTTP_FAMILY, UDP
from analyzer.mesh.registry import RegistryPort, RegistryService, services_of
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.lint.evidence import shows_pods
from analyzer.verdict.lint.finding import LintFinding, listing, title
from analyzer.verdict.lint.rule_clients import rule_seen_from

HEADLESS_HTTP = Code(
    "headless-http",
    Family.FINDING,
    Level.INFO,
    "an HTTP port of a headless Service is matched by Host only: calls to a pod's address go past the Service",
    "No listener is made per pod. Requests whose Host is a name of the Service, or any name in front of one, use it "
    "and keep the dialled address; with the pod's IP address as Host they go through PassthroughCluster in plaintext, "
    "or are answered 502 under REGISTRY_ONLY.",
    "Call the pods by POD.SERVICE.NAMESPACE.svc.cluster.local, or leave the port's protocol undeclared or tcp.",
)
HEADLESS_ANY_HOST = Code(
    "headless-any-host",
    Family.FINDING,
    Level.INFO,
    "a headless port of no declared protocol takes HTTP requests with any Host",
    "The route configuration of the pods' listeners has one virtual host with domain *: the Host is ignored, and a "
    "VirtualService counts only for the Service's full name.",
)
HEADLESS_PORT_DIFFERS = Code(
    "headless-port-differs",
    Family.FINDING,
    Level.WARNING,
    "a headless Service's port is not the port of its pods",
    "Nothing translates ports: DNS gives the pods' addresses, the listeners are at the Service's port number, and the "
    "address is kept as it was dialled. Calls to the pods' own port are not the Service's, calls to the Service's port "
    "are refused by the pods.",
    "Make port and targetPort equal.",
)
HEADLESS_MIXED = Code(
    "headless-mixed",
    Family.FINDING,
    Level.WARNING,
    "some pods of a headless Service have no sidecar, so clients send plaintext to all of them",
    "The cluster of a headless Service has one TLS setting for all addresses: mutual TLS only where every endpoint has "
    "a sidecar. Pods that require mutual TLS then refuse the Service's clients.",
    "Inject a sidecar into all pods of the Service, or none.",
)
HEADLESS_DISABLED = Code(
    "headless-mtls-disabled",
    Family.FINDING,
    Level.ERROR,
    "pods of a headless Service turn mutual TLS off, but their clients start it all the same",
    "Clients of a headless Service only look at the namespace's and the mesh's PeerAuthentication, not at that of a "
    "workload or port.",
    "Turn mutual TLS off for the whole namespace, or with tls mode DISABLE in a DestinationRule.",
)


def find_headless(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """Findings about each headless Service, its ports of one kind together."""
    for service in services_of(mesh):
        if service.headless:
            ports = [port for port in service.ports if port.protocol != UDP]
            yield from _protocols(mesh, service, ports)
            for port in ports:
                yield from _port_differs(mesh, service, port)
            if ports and mesh.config.auto_mtls and shows_pods(mesh, service.namespace):
                yield from _mutual_tls(mesh, service, ports)


def _protocols(mesh: MeshSnapshot, service: RegistryService, ports: Sequence[RegistryPort]) -> Iterator[LintFinding]:
    about = title(service.resource)
    http = [port for port in ports if port.protocol in HTTP_FAMILY]
    if http:
        open_policy = mesh.config.outbound_policy in (ALLOW_ANY, ALLOW_ANY_DYNAMIC_DNS)
        effect = "pass by the Service in plaintext" if open_policy else "are answered 502"
        sentence = f"{about}: HTTP port {_numbers(http)}: requests with a pod's address as Host {effect}"
        yield LintFinding(HEADLESS_HTTP, about, sentence, tuple(port.place for port in http))
    undeclared = [port for port in ports if port.protocol == AUTO]
    if undeclared:
        sentence = f"{about}: no protocol is declared for port {_numbers(undeclared)}: HTTP with any Host counts"
        yield LintFinding(HEADLESS_ANY_HOST, about, sentence, tuple(port.place for port in undeclared))


def _numbers(ports: Sequence[RegistryPort]) -> str:
    return listing((str(port.number) for port in ports), 6)


def _port_differs(mesh: MeshSnapshot, service: RegistryService, port: RegistryPort) -> Iterator[LintFinding]:
    targets = {port.target} if isinstance(port.target, int) else {e.port for e in endpoints_of(mesh, service, port)}
    if targets and port.number not in targets:
        about = title(service.resource)
        pods = listing(str(target) for target in sorted(targets, key=str))
        sentence = (
            f"{about}: port {port.number} is {pods} at the pods, and nothing translates it for a headless Service"
        )
        yield LintFinding(HEADLESS_PORT_DIFFERS, about, sentence, (port.place,))


def _mutual_tls(mesh: MeshSnapshot, service: RegistryService, ports: Sequence[RegistryPort]) -> Iterator[LintFinding]:
    """What clients assume of all pods where no DestinationRule tells them."""
    rule = rule_seen_from(mesh, "", service)
    inferred = [port for port in ports if effective_policy(rule, port.number, None).tls is None]
    endpoints = {port: [e for e in endpoints_of(mesh, service, port) if is_ip(e.address)] for port in inferred}
    mixed = [port for port, found in endpoints.items() if len({each.mutual_tls for each in found}) == 2]
    about = title(service.resource)
    if mixed:
        every = endpoints[mixed[0]]
        plain = [each for each in every if not each.mutual_tls]
        verb = "has" if len(plain) == 1 else "have"
        effect = f"clients send plaintext to all {len(every)} pods on port {_numbers(mixed)}"
        sentence = f"{about}: {listing(map(_name, plain))} {verb} no sidecar, so {effect}"
        yield LintFinding(HEADLESS_MIXED, about, sentence, (mixed[0].place, plain[0].place))
    mode = namespace_mtls(mesh, service.namespace)
    if mode is not None and mode.mode == DISABLE:
        return
    for port, found in endpoints.items():
        if found and all(each.mutual_tls for each in found):
            yield from _disabled(mesh, about, port, found)


def _disabled(
    mesh: MeshSnapshot, about: str, port: RegistryPort, endpoints: Sequence[Endpoint]
) -> Iterator[LintFinding]:
    """The first endpoint of a port that turns off what clients start."""
    for each in endpoints:
        own = workload_mtls(mesh, each.namespace, each.labels).at(each.port)
        if own.mode == DISABLE and own.place is not None:
            sentence = f"{about}: {own.setter} turns mutual TLS off for {_name(each)}, but clients start it"
            yield LintFinding(HEADLESS_DISABLED, about, f"{sentence} on port {port.number}", (own.place, port.place))
            return


def _name(endpoint: Endpoint) -> str:
    return endpoint.pod.full_name if endpoint.pod is not None else endpoint.address
