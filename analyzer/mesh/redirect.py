"""Which connections Istio's iptables rules hand to a sidecar (tools/istio-iptables capture/run.go)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from analyzer.base.fact import Fact
from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.snapshot import MeshSnapshot

NOT_CAPTURED = Code(
    "not-captured",
    Family.REASON,
    Level.INFO,
    "iptables lets the connection past the client's sidecar",
    "The pod's traffic annotations leave this port or address out, so the application talks straight to the network: "
    "no routing, no mutual TLS, kube-proxy balances.",
    "Look at the traffic.sidecar.istio.io annotations of the client's pod.",
)
LOOPBACK = Code(
    "loopback",
    Family.REASON,
    Level.INFO,
    "the application calls its own pod directly",
    "Connections to 127.0.0.1 or to the pod's own address stay on the loopback interface and are never redirected.",
    "Call the Service instead when the mesh should handle it.",
)
NO_SIDECAR = Code(
    "no-sidecar",
    Family.REASON,
    Level.INFO,
    "neither end has a sidecar",
    "Neither the client nor the server has a sidecar that takes this connection, so the mesh has no part in it.",
    "Inject a sidecar (namespace label istio-injection=enabled) where the mesh should handle it.",
)

TRAFFIC = "traffic.sidecar.istio.io/"
INTERCEPTION_MODE = "sidecar.istio.io/interceptionMode"
STATUS_PORT = "status.sidecar.istio.io/port"

# Envoy's Prometheus and health ports, always left out inbound (injection-template.yaml, argument -d).
_PROXY_PORTS = (15090, 15021)
_DEFAULT_STATUS_PORT = 15020
# The HBONE tunnel: never redirected in either direction.
_TUNNEL_PORT = 15008
_DNS_PORT = 53

_Network = IPv4Network | IPv6Network


class Redirect(Fact, frozen=True):
    """Whether the sidecar takes a connection; if not, ``reason`` is the name of the code that says why, else empty."""

    captured: bool
    reason: str
    sentence: str
    yaml: tuple[YamlPlace, ...] = ()


def outbound_redirect(mesh: MeshSnapshot, pod: Pod, address: str, port: int) -> Redirect:
    """Whether ``pod``'s sidecar takes a TCP connection that its application opens to ``address``:``port``."""
    if not pod.has_sidecar:
        return _no_sidecar(pod)
    mode = interception_mode(mesh, pod)
    if mode == "NONE":
        return _bypass(pod, f"{pod.full_name} has interception mode NONE, so nothing is redirected", INTERCEPTION_MODE)
    if is_loopback(address) or (address in pod.ips and not _includes_loopback(pod)):
        own = "the loopback address" if is_loopback(address) else "its own address"
        return Redirect(False, LOOPBACK.name, f"{pod.full_name} calls {own} {address}, which stays on lo")
    if port in _ports(pod, "excludeOutboundPorts"):
        return _bypass(pod, f"{pod.full_name} excludes outbound port {port}", TRAFFIC + "excludeOutboundPorts")
    if port == _DNS_PORT and _captures_dns(mesh, pod):
        return _bypass(pod, "DNS over TCP goes to the agent's own DNS proxy, not to Envoy")
    return _by_address(pod, address, port)


def inbound_redirect(mesh: MeshSnapshot, pod: Pod, address: str, port: int, *, from_own_pod: bool = False) -> Redirect:
    """Whether ``pod``'s sidecar takes a TCP connection that reaches the pod at ``address``:``port``.

    ``from_own_pod``: the pod's own sidecar opened it (a Service whose endpoint is the caller itself).
    """
    if not pod.has_sidecar:
        return _no_sidecar(pod)
    if interception_mode(mesh, pod) == "NONE":
        return _bypass(pod, f"{pod.full_name} has interception mode NONE, so nothing is redirected", INTERCEPTION_MODE)
    if port == _TUNNEL_PORT:
        return _bypass(pod, "the HBONE port 15008 is never redirected")
    if from_own_pod:
        return _from_own_sidecar(pod, address, port)
    name = TRAFFIC + "includeInboundPorts"
    included = pod.annotations.get(name, "*").strip()
    if included != "*":
        if port in _parse_ports(included):
            return _captured(pod, f"{pod.full_name} includes inbound port {port}", name)
        return _bypass(pod, f"{pod.full_name} does not include inbound port {port}", name)
    if port in _PROXY_PORTS or port == _status_port(pod):
        return _bypass(pod, f"inbound port {port} belongs to the proxy itself and is never redirected", STATUS_PORT)
    if port in _ports(pod, "excludeInboundPorts"):
        return _bypass(pod, f"{pod.full_name} excludes inbound port {port}", TRAFFIC + "excludeInboundPorts")
    return _captured(pod, f"iptables hands {address}:{port} to the sidecar of {pod.full_name} (15006)")


def interception_mode(mesh: MeshSnapshot, pod: Pod) -> str:
    """``REDIRECT``, ``TPROXY`` or ``NONE``: the pod's annotation, else the mesh's ``defaultConfig``."""
    default = mesh.config.node.node("defaultConfig").text("interceptionMode")
    return pod.annotations.get(INTERCEPTION_MODE) or default or "REDIRECT"


def _from_own_sidecar(pod: Pod, address: str, port: int) -> Redirect:
    # ISTIO_OUTPUT: the exclusion of ports stands before the rule that sends the proxy's own calls to 15006.
    if port in _ports(pod, "excludeOutboundPorts"):
        return _bypass(pod, f"{pod.full_name} excludes outbound port {port}", TRAFFIC + "excludeOutboundPorts")
    if is_loopback(address):
        return Redirect(False, LOOPBACK.name, f"the sidecar of {pod.full_name} calls {address}, which stays on lo")
    return _captured(pod, f"the sidecar of {pod.full_name} calls its own pod, which iptables hands to 15006")


def _by_address(pod: Pod, address: str, port: int) -> Redirect:
    name = TRAFFIC + "excludeOutboundIPRanges"
    if _within(address, pod.annotations.get(name, "")):
        return _bypass(pod, f"{pod.full_name} excludes the address range of {address}", name)
    if port in _ports(pod, "includeOutboundPorts"):
        name = TRAFFIC + "includeOutboundPorts"
        return _captured(pod, f"{pod.full_name} includes outbound port {port}", name)
    name = TRAFFIC + "includeOutboundIPRanges"
    included = pod.annotations.get(name, "*").strip()
    if included == "*":
        return _captured(pod, f"iptables hands {address}:{port} to the sidecar of {pod.full_name} (15001)")
    if _within(address, included):
        return _captured(pod, f"{pod.full_name} includes the address range of {address}", name)
    return _bypass(pod, f"{pod.full_name} does not include the address range of {address}", name)


def _no_sidecar(pod: Pod) -> Redirect:
    why = "uses the host's network" if pod.host_network else "runs a gateway" if pod.is_gateway else "has no sidecar"
    return Redirect(False, NO_SIDECAR.name, f"{pod.full_name} {why}", (pod.resource.place("metadata", "name"),))


def _bypass(pod: Pod, sentence: str, annotation: str = "") -> Redirect:
    return Redirect(False, NOT_CAPTURED.name, sentence, _places(pod, annotation))


def _captured(pod: Pod, sentence: str, annotation: str = "") -> Redirect:
    return Redirect(True, "", sentence, _places(pod, annotation))


def _places(pod: Pod, annotation: str) -> tuple[YamlPlace, ...]:
    if annotation not in pod.annotations:
        return ()
    return (pod.resource.place("metadata", "annotations", annotation),)


def _status_port(pod: Pod) -> int:
    found = _parse_ports(pod.annotations.get(STATUS_PORT, ""))
    return next(iter(found), _DEFAULT_STATUS_PORT)


def _ports(pod: Pod, annotation: str) -> frozenset[int]:
    return _parse_ports(pod.annotations.get(TRAFFIC + annotation, ""))


@lru_cache(maxsize=4096)
def _parse_ports(text: str) -> frozenset[int]:
    """The port numbers of a comma-separated list; what is no number is left out, as no rule could hold it."""
    items = (item.strip() for item in text.split(","))
    return frozenset(int(item) for item in items if item.isascii() and item.isdigit() and len(item) < 6)


@lru_cache(maxsize=4096)
def _parse_networks(text: str) -> tuple[_Network, ...]:
    return tuple(_networks(item.strip() for item in text.split(",")))


def _networks(items: Iterable[str]) -> Iterable[_Network]:
    for item in items:
        try:
            yield ip_network(item, strict=False)
        except ValueError:
            continue


def _within(address: str, ranges: str) -> bool:
    networks = _parse_networks(ranges)
    if not networks:
        return False
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return any(ip in network for network in networks if network.version == ip.version)


@lru_cache(maxsize=4096)
def is_loopback(address: str) -> bool:
    """Whether a text is a loopback address."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _includes_loopback(pod: Pod) -> bool:
    """Naming a loopback address among the included ranges turns off the rule that lets lo pass (capture/run.go)."""
    networks = _parse_networks(pod.annotations.get(TRAFFIC + "includeOutboundIPRanges", ""))
    return any(network.network_address.is_loopback for network in networks)


def _captures_dns(mesh: MeshSnapshot, pod: Pod) -> bool:
    own = pod.proxy.environment.get("ISTIO_META_DNS_CAPTURE") if pod.proxy else None
    return own == "true" if own is not None else mesh.config.dns_capture
