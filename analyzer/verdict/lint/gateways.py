"""Gateways that nobody serves, servers that lose their port to others, VirtualServices that do not reach a gateway.

gateway.go mergeGateways; gateway.go buildGatewayHTTPRouteConfig.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.gateway.merge import merged_servers
from analyzer.mesh.hosts import hosts_overlap, is_wildcard
from analyzer.mesh.inbound.targets import service_targets
from analyzer.mesh.kinds.gateway import Gateway
from analyzer.mesh.kinds.kubernetes_gateway import KubernetesGateway
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.kinds.virtual_service import MESH_GATEWAY, VirtualService
from analyzer.mesh.pod_labels import pods_with_labels
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.lint.evidence import shows_gateway_pods, shows_namespace
from analyzer.verdict.lint.finding import LintFinding, listing, title
from analyzer.verdict.lint.host_index import wildcards_over

GATEWAY_WITHOUT_PODS = Code(
    "gateway-without-pods",
    Family.FINDING,
    Level.ERROR,
    "a Gateway's selector fits no gateway pod, so nobody serves it",
    "A Gateway is served by the gateway proxies whose labels its selector fits, in any namespace.",
    "Compare spec.selector with the labels of the gateway's pods.",
)
GATEWAY_PORT_UNREACHABLE = Code(
    "gateway-port-unreachable",
    Family.FINDING,
    Level.WARNING,
    "a Gateway's port is no port of the Services in front of its pods",
    "The gateway listens on the number itself, but no Service leads there: from outside the port cannot be reached.",
    "Add the port to the gateway's Service, or use one of its ports.",
)
GATEWAY_SERVER_REJECTED = Code(
    "gateway-server-rejected",
    Family.FINDING,
    Level.ERROR,
    "a server of a Gateway is left out, since an older one has the port or the host",
    "All Gateways of a pod are merged: plaintext HTTP servers share a port, TLS servers need hosts of their own, and "
    "what fits neither loses to the older one.",
    "Use another port, other hosts, or a unique port name; or put the hosts into one server.",
)
UNKNOWN_GATEWAY = Code(
    "unknown-gateway",
    Family.FINDING,
    Level.ERROR,
    "a VirtualService is bound to a Gateway that does not exist",
    "A name without a slash is a Gateway of the VirtualService's own namespace. Without the Gateway the routes are not "
    "served anywhere.",
    "Write NAMESPACE/NAME, and check the Gateway's name.",
)
HOST_NOT_IN_GATEWAY = Code(
    "host-not-in-gateway",
    Family.FINDING,
    Level.WARNING,
    "no server of the Gateway takes any host of a VirtualService that is bound to it",
    "A virtual host exists only for hosts that a server and a VirtualService have in common; a server's "
    "`namespace/host` also asks for the VirtualService's namespace.",
    "Add the host to a server of the Gateway, or correct the VirtualService's hosts.",
)


def find_gateways(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """Findings about both sides of a gateway: its pods, and the routes that are bound to it."""
    gateways = {gateway.full_name: gateway for gateway in mesh.of(Gateway)}
    for gateway in gateways.values():
        yield from _pods(mesh, gateway)
    for pod in mesh.pods:
        if pod.is_gateway:
            yield from _rejected(mesh, pod, gateways)
    for vs in mesh.of(VirtualService):
        for index, name in enumerate(vs.gateways):
            if name != MESH_GATEWAY:
                yield from _bound(mesh, vs, index, gateways)


def _pods(mesh: MeshSnapshot, gateway: Gateway) -> Iterator[LintFinding]:
    about = title(gateway.resource)
    selected = pods_with_labels(mesh, None, gateway.selector)
    serving = [pod for pod in selected if pod.is_gateway]
    if not serving:
        # Pods without an istio-proxy in sight may still be gateways: their template is injected.
        if not selected and shows_gateway_pods(mesh):
            labels = ", ".join(f"{name}={value}" for name, value in gateway.selector.items())
            sentence = f"{about}: no pod has the labels {labels}, so nobody serves it"
            yield LintFinding(GATEWAY_WITHOUT_PODS, about, sentence, (gateway.resource.place("spec", "selector"),))
        return
    targets = [target for pod in serving for target in service_targets(mesh, pod)]
    reachable = {number for target in targets for number in (target.service_port.number, target.port)}
    for server in gateway.servers if reachable else ():
        if server.port not in reachable:
            names = listing(dict.fromkeys(title(target.service.resource) for target in targets))
            sentence = f"{about}: {names} has no port {server.port}, on which {listing(server.hosts)} is served"
            yield LintFinding(GATEWAY_PORT_UNREACHABLE, about, sentence, (server.place,))


def _rejected(mesh: MeshSnapshot, pod: Pod, gateways: Mapping[str, Gateway]) -> Iterator[LintFinding]:
    for each in merged_servers(mesh, pod).rejected:
        gateway = gateways.get(each.server.gateway)
        if gateway is not None:
            about, server = title(gateway.resource), each.server.server
            sentence = f"{about}: port {server.port} for {listing(server.hosts)} is left out: {each.why}"
            yield LintFinding(GATEWAY_SERVER_REJECTED, about, sentence, (server.place,))


def _bound(
    mesh: MeshSnapshot, vs: VirtualService, index: int, gateways: Mapping[str, Gateway]
) -> Iterator[LintFinding]:
    about, name = title(vs.resource), vs.gateways[index]
    place = vs.resource.place("spec", "gateways", index)
    gateway = gateways.get(name)
    if gateway is None:
        of_api = {(each.resource.namespace, each.resource.name) for each in mesh.of(KubernetesGateway)}
        namespace, _, short = name.partition("/")
        if (namespace, short) not in of_api and shows_namespace(mesh, namespace):
            yield LintFinding(UNKNOWN_GATEWAY, about, f"{about}: there is no Gateway {name} to be bound to", (place,))
        return
    offered = mesh.memo(("lint-gateway-hosts", name), lambda: _offered(gateway))
    if vs.hosts and not any(_takes(offered, host.lower(), vs.namespace) for host in vs.hosts):
        hosts = listing(vs.hosts)
        served = listing(host for server in gateway.servers for host in server.hosts)
        sentence = f"{about}: {title(gateway.resource)} serves {served}, but not {hosts}"
        if any(host in offered for host in vs.hosts):
            sentence += f" of namespace {vs.namespace}"
        places = place, gateway.resource.place("spec", "servers", 0, "hosts")
        yield LintFinding(HOST_NOT_IN_GATEWAY, about, sentence, places)


def _offered(gateway: Gateway) -> dict[str, set[str]]:
    """The hosts of a Gateway's servers, each with the namespaces whose VirtualServices may have it (``*`` for all)."""
    found: dict[str, set[str]] = {}
    for server in gateway.servers:
        for host in server.hosts:
            scope, slash, name = host.lower().rpartition("/")
            own = gateway.resource.namespace if scope == "." else scope
            found.setdefault(name, set()).add(own if slash else "*")
    return found


def _takes(offered: Mapping[str, set[str]], host: str, namespace: str) -> bool:
    """Whether some server takes a VirtualService's host: it, a wildcard over it, or what a wildcard covers."""
    fitting = {host, *wildcards_over(host)}.intersection(offered)
    if is_wildcard(host):
        fitting |= {each for each in offered if hosts_overlap(each, host)}
    return any(offered[each] & {"*", namespace} for each in fitting)
