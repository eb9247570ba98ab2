"""Destinations of routes that lead nowhere: a host, a port or an ExternalName without a cluster.

route.go GetDestinationCluster: the route exists all the same, and requests get 503 (500 for Gateway API routes).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from analyzer.base.fact import Fact
from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import YamlPlace
from analyzer.mesh.hosts import is_wildcard
from analyzer.mesh.kinds.gateway import Gateway
from analyzer.mesh.kinds.service import Service
from analyzer.mesh.kinds.virtual_service import MESH_GATEWAY, Destination, HttpRule, L4Rule, VirtualService
from analyzer.mesh.outbound.virtual_hosts import PLAIN_HTTP_PORT
from analyzer.mesh.port_protocol import AUTO, HTTP_FAMILY, TLS_FAMILY, UDP
from analyzer.mesh.registry import ALIAS, RegistryPort, RegistryService, services_by_host
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.visibility import virtual_services
from analyzer.verdict.lint.evidence import shows_services
from analyzer.verdict.lint.finding import LintFinding, listing, title
from analyzer.verdict.lint.host_index import full_name_of, namespace_of_host, services_of_host
from analyzer.verdict.lint.unmatched_hosts import SHORT_HOST

UNKNOWN_DESTINATION = Code(
    "unknown-destination",
    Family.FINDING,
    Level.ERROR,
    "a route leads to a host that no Service or ServiceEntry has",
    "The cluster of the route does not exist: requests are answered 503 (500 for Gateway API routes), connections are "
    "closed.",
    "Correct the host; a name without a dot means a Service of the route's own namespace. Hosts outside the mesh need "
    "a ServiceEntry.",
)
UNKNOWN_DESTINATION_PORT = Code(
    "unknown-destination-port",
    Family.FINDING,
    Level.ERROR,
    "a route leads to a port that its destination does not have",
    "Clusters exist for the ports of a Service, not for the ports of its pods; any other number gives 503.",
    "Name one of the Service's own ports as destination.port.number.",
)
IMPLIED_DESTINATION_PORT = Code(
    "implied-destination-port",
    Family.FINDING,
    Level.WARNING,
    "a route without a port leads, for some callers, to a port that its destination does not have",
    "Without destination.port the request keeps the port on which it was made; where the destination lacks that port, "
    "the cluster does not exist and the answer is 503.",
    "Give the destination a port, or the match.",
)

# Of a wildcard's services this many are asked for their ports.
MAX_SERVICES = 100


class _Leg(Fact, frozen=True):
    """A destination of a rule, with the ports on which sidecars and gateways may ask for it.

    ``keeps_port``: a request of a sidecar keeps its port even where the destination has a single other one.
    """

    vs: VirtualService
    destination: Destination
    of_mesh: frozenset[int]
    of_gateways: frozenset[int]
    keeps_port: bool
    purpose: str = "route"


def find_destinations(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """A finding for each destination that no cluster stands behind."""
    for vs in virtual_services(mesh):
        for leg in _legs(mesh, vs):
            yield from _judge(mesh, leg)


def counted_destinations(destinations: tuple[Destination, ...]) -> Iterable[Destination]:
    """The destinations that get requests: of several, those with a weight."""
    return destinations if len(destinations) == 1 else [each for each in destinations if each.weight]


def _legs(mesh: MeshSnapshot, vs: VirtualService) -> Iterator[_Leg]:
    for rule in vs.http:
        if rule.redirect is None and rule.direct_response is None and rule.delegate is None:
            of_mesh, of_gateways = _asked_ports(mesh, vs, rule)
            for destination in counted_destinations(rule.route):
                yield _Leg(vs, destination, of_mesh, of_gateways, keeps_port=True)
            for mirror in rule.mirrors:
                yield _Leg(vs, mirror, of_mesh, of_gateways, keeps_port=True, purpose="mirror")
    for l4 in (*vs.tcp, *vs.tls):
        of_mesh, of_gateways = _asked_ports(mesh, vs, l4)
        for destination in counted_destinations(l4.route):
            yield _Leg(vs, destination, of_mesh, of_gateways, keeps_port=False)


def _asked_ports(
    mesh: MeshSnapshot, vs: VirtualService, rule: HttpRule | L4Rule
) -> tuple[frozenset[int], frozenset[int]]:
    """The ports on which sidecars, and gateways, may ask for a rule: those of the services or servers it is for."""
    of_mesh = _allowed(rule, MESH_GATEWAY, _mesh_ports(mesh, vs, rule)) if vs.for_mesh else frozenset[int]()
    ports = mesh.memo("lint-gateway-ports", lambda: _gateway_ports(mesh))
    of_gateways = frozenset(port for name in vs.gateways if name in ports for port in _allowed(rule, name, ports[name]))
    return of_mesh, of_gateways


def _gateway_ports(mesh: MeshSnapshot) -> dict[str, frozenset[int]]:
    return {gateway.full_name: frozenset(each.port for each in gateway.servers) for gateway in mesh.of(Gateway)}


def _allowed(rule: HttpRule | L4Rule, gateway: str, ports: Iterable[int]) -> frozenset[int]:
    """Of ``ports``, those that the matches of a rule admit on a gateway (or ``mesh``)."""
    if not rule.matches:
        return frozenset(ports)
    admitted = {match.port for match in rule.matches if not match.gateways or gateway in match.gateways}
    return frozenset(port for port in ports if 0 in admitted or port in admitted)


def _mesh_ports(mesh: MeshSnapshot, vs: VirtualService, rule: HttpRule | L4Rule) -> Iterator[int]:
    """The ports of the services that the hosts stand for; a host that is no service is asked for on port 80."""
    for host in (each.lower() for each in vs.hosts):
        services = services_of_host(mesh, host)
        for service in services[:MAX_SERVICES]:
            yield from (port.number for port in service.ports if _carries(port, vs, rule))
        if isinstance(rule, HttpRule) and not services:
            yield PLAIN_HTTP_PORT


def _carries(port: RegistryPort, vs: VirtualService, rule: HttpRule | L4Rule) -> bool:
    """Whether rules of that kind apply to a port of that protocol."""
    if isinstance(rule, HttpRule):
        return port.protocol in HTTP_FAMILY or port.protocol == AUTO
    if rule in vs.tls:
        return port.protocol in TLS_FAMILY
    return port.protocol not in HTTP_FAMILY | TLS_FAMILY | {UDP}


def _judge(mesh: MeshSnapshot, leg: _Leg) -> Iterator[LintFinding]:
    host = leg.destination.host
    about = title(leg.vs.resource)
    if not host:
        sentence = f"{about}: a backend is invalid or not granted, so its share of the requests is answered 500"
        yield LintFinding(UNKNOWN_DESTINATION, about, sentence, (leg.destination.place,))
        return
    services = services_by_host(mesh).get(host.lower(), ())
    if not services:
        yield from _unknown(mesh, leg, about)
    elif all(service.resolution == ALIAS for service in services):
        yield from _alias(mesh, leg, about, services[0])
    else:
        yield from _ports(leg, about, services)


def _unknown(mesh: MeshSnapshot, leg: _Leg, about: str) -> Iterator[LintFinding]:
    host, place = leg.destination.host, leg.destination.place
    meant = full_name_of(mesh, host)
    namespace = namespace_of_host(host)
    if meant:
        sentence = f"{about}: destination {host} is not completed to {meant}, so it leads nowhere"
        yield LintFinding(SHORT_HOST, about, sentence, (place,))
    elif shows_services(mesh, namespace) if namespace else mesh.of(Service):
        what = "there is no Service" if namespace else "no Service or ServiceEntry has the host"
        yield LintFinding(UNKNOWN_DESTINATION, about, f"{about}: {what} {host} to {leg.purpose} to", (place,))


def _alias(mesh: MeshSnapshot, leg: _Leg, about: str, alias: RegistryService) -> Iterator[LintFinding]:
    """An ExternalName leads one hop on, and has no cluster of its own."""
    target = alias.external_name
    if target.lower() in services_by_host(mesh):
        return
    sentence = f"{about}: destination {alias.hostname} is an ExternalName for {target}, which the mesh does not know"
    yield LintFinding(UNKNOWN_DESTINATION, about, sentence, (leg.destination.place, alias.place))


def _ports(leg: _Leg, about: str, services: tuple[RegistryService, ...]) -> Iterator[LintFinding]:
    host, port, place = leg.destination.host, leg.destination.port, leg.destination.place
    known = sorted({each.number for service in services for each in service.ports if each.protocol != UDP})
    has = f"it has {listing(map(str, known), 6)}" if known else "it has no TCP port"
    yaml = (place, services[0].place)
    if port is not None:
        if port not in known:
            sentence = f"{about}: {host} has no port {port} to {leg.purpose} to; {has}"
            yield LintFinding(UNKNOWN_DESTINATION_PORT, about, sentence, yaml)
        return
    if len(known) > 1 or leg.keeps_port:
        yield from _kept_ports(leg, about, known, has, yaml)


def _kept_ports(
    leg: _Leg, about: str, known: list[int], has: str, yaml: tuple[YamlPlace, ...]
) -> Iterator[LintFinding]:
    """What becomes of requests that keep their port, since the destination names none."""
    host = leg.destination.host
    asked = leg.of_mesh | leg.of_gateways if len(known) > 1 else leg.of_mesh
    missing = sorted(asked.difference(known))
    ports = listing(map(str, missing), 6)
    if missing and len(missing) == len(asked):
        sentence = f"{about}: requests keep their port {ports}, which {host} does not have; {has}"
        yield LintFinding(UNKNOWN_DESTINATION_PORT, about, sentence, yaml)
    elif missing and not any(is_wildcard(each) for each in leg.vs.hosts):
        # Of a wildcard's services, those with the odd port may well have a VirtualService of their own.
        sentence = f"{about}: requests on port {ports} keep it, and {host} does not have it; {has}"
        yield LintFinding(IMPLIED_DESTINATION_PORT, about, sentence, yaml)
