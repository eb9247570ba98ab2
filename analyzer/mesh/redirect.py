"""Which connections Istio's iptables rules hand to a sidecar (tools/istio-iptables capture/run.go)."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address

from analyzer.base.fact import Fact
from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import YamlPlace
from analyzer.mesh.interception import (
    EVERYTHING,
    EXCLUDE_INBOUND_PORTS,
    EXCLUDE_INTERFACES,
    EXCLUDE_OUTBOUND_PORTS,
    EXCLUDE_OUTBOUND_RANGES,
    INCLUDE_INBOUND_PORTS,
    INCLUDE_OUTBOUND_PORTS,
    INCLUDE_OUTBOUND_RANGES,
    VALIDATION_CONTAINER,
    Interception,
    Setting,
    interception_of,
    parse_ports,
)
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.kinds.service import Service
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

INTERCEPTION_MODE = "sidecar.istio.io/interceptionMode"
STATUS_PORT = "status.sidecar.istio.io/port"

# Envoy's Prometheus and health ports, always left out inbound (injection-template.yaml, argument -d).
_PROXY_PORTS = (15090, 15021)
_DEFAULT_STATUS_PORT = 15020
# The HBONE tunnel (HTTP/2 CONNECT inside mutual TLS): never redirected in either direction.
TUNNEL_PORT = 15008
_DNS_PORT = 53
# How the cluster's DNS Service is known (kubeadm, and what others kept of it), and the pods that ask it.
_SYSTEM_NAMESPACE, _DNS_LABEL, _DNS_APPLICATION = "kube-system", "k8s-app", "kube-dns"
_CLUSTER_FIRST = "ClusterFirst"
_OF_CLUSTER = (_CLUSTER_FIRST, "ClusterFirstWithHostNet")
# The interface of a pod's own address.
_MAIN_INTERFACE = "eth0"


class Redirect(Fact, frozen=True):
    """Whether the sidecar takes a connection; if not, ``reason`` is the name of the code that says why, else empty.

    ``doubtful``: the input does not say which rule holds.
    """

    captured: bool
    reason: str
    sentence: str
    yaml: tuple[YamlPlace, ...] = ()
    doubtful: bool = False


def outbound_redirect(mesh: MeshSnapshot, pod: Pod, address: str, port: int) -> Redirect:
    """Whether ``pod``'s sidecar takes a TCP connection that its application opens to ``address``:``port``."""
    if not pod.has_sidecar:
        return _no_sidecar(pod)
    if interception_mode(mesh, pod) == "NONE":
        return _without_rules(pod)
    told = interception_of(mesh, pod)
    if is_loopback(address) or (address in pod.ips and not _includes_loopback(told)):
        own = "the loopback address" if is_loopback(address) else "its own address"
        return Redirect(False, LOOPBACK.name, f"{pod.full_name} calls {own} {address}, which stays on lo")
    if _leaves_out_interface(told):
        return _bypass(f"{pod.full_name} excludes interface {_MAIN_INTERFACE}", told.setting(EXCLUDE_INTERFACES))
    excluded = told.setting(EXCLUDE_OUTBOUND_PORTS)
    if port in excluded.ports:
        return _bypass(f"{pod.full_name} excludes outbound port {port}", excluded)
    if told.own_user is not None:
        sentence = f"{pod.full_name} runs its application as the proxy's own user, whose connections pass"
        return Redirect(False, NOT_CAPTURED.name, sentence, (told.own_user,))
    if port == _DNS_PORT and _captures_dns(mesh, pod):
        return _of_dns(mesh, pod, address)
    return _by_address(told, pod, address, port)


def _of_dns(mesh: MeshSnapshot, pod: Pod, address: str) -> Redirect:
    """TCP to the servers of the pod's resolv.conf goes to the agent; where the CNI plugin makes the rules, to any."""
    by_plugin = any(each.init and each.name == VALIDATION_CONTAINER for each in pod.containers)
    if by_plugin or address in _resolvers(mesh, pod):
        return _bypass("DNS over TCP goes to the agent's own DNS proxy, not to Envoy")
    sentence = (
        f"{address} may be a server of the resolv.conf of {pod.full_name}: then DNS over TCP goes to the agent, "
        "else to Envoy"
    )
    return Redirect(False, NOT_CAPTURED.name, sentence, (pod.resource.place("metadata", "name"),), doubtful=True)


def _resolvers(mesh: MeshSnapshot, pod: Pod) -> frozenset[str]:
    """The DNS servers that the input knows a pod to have: those of its own, and by its policy the cluster's."""
    spec = pod.resource.spec
    own = spec.node("dnsConfig").texts("nameservers")
    policy = spec.text("dnsPolicy") or _CLUSTER_FIRST
    return frozenset(own) | (mesh.memo("cluster-dns", lambda: _cluster_dns(mesh)) if policy in _OF_CLUSTER else set())


def _cluster_dns(mesh: MeshSnapshot) -> frozenset[str]:
    system = (each for each in mesh.kubernetes.of(Service) if each.namespace == _SYSTEM_NAMESPACE)
    found = (each for each in system if each.resource.labels.get(_DNS_LABEL) == _DNS_APPLICATION)
    return frozenset(address for each in found for address in each.cluster_ips)


def ports_apart(mesh: MeshSnapshot, pod: Pod) -> frozenset[int] | None:
    """The ports of which ``outbound_redirect`` says something of their own, where it says the same of all addresses.

    The same but for the address and port in the sentence, and of all but loopback and the pod's own addresses: that
    they are handed to the sidecar. None where that depends on the address.
    """
    return mesh.memo(("ports-apart", pod), lambda: _ports_apart(mesh, pod))


def _ports_apart(mesh: MeshSnapshot, pod: Pod) -> frozenset[int] | None:
    if not pod.has_sidecar or interception_mode(mesh, pod) == "NONE":
        return None
    told = interception_of(mesh, pod)
    if told.setting(EXCLUDE_OUTBOUND_RANGES).networks or told.setting(INCLUDE_OUTBOUND_RANGES).text != EVERYTHING:
        return None
    if _leaves_out_interface(told) or told.own_user is not None:
        return None
    named = told.setting(EXCLUDE_OUTBOUND_PORTS).ports, told.setting(INCLUDE_OUTBOUND_PORTS).ports
    return frozenset[int]().union(*named, {_DNS_PORT} if _captures_dns(mesh, pod) else ())


def inbound_redirect(mesh: MeshSnapshot, pod: Pod, address: str, port: int, *, from_own_pod: bool = False) -> Redirect:
    """Whether ``pod``'s sidecar takes a TCP connection that reaches the pod at ``address``:``port``.

    ``from_own_pod``: the pod's own sidecar opened it (a Service whose endpoint is the caller itself).
    """
    if not pod.has_sidecar:
        return _no_sidecar(pod)
    if interception_mode(mesh, pod) == "NONE":
        return _without_rules(pod)
    if port == TUNNEL_PORT:
        return _bypass("the HBONE port 15008 is never redirected")
    told = interception_of(mesh, pod)
    if from_own_pod:
        return _from_own_sidecar(told, pod, address, port)
    if _leaves_out_interface(told):
        return _bypass(f"{pod.full_name} excludes interface {_MAIN_INTERFACE}", told.setting(EXCLUDE_INTERFACES))
    included = told.setting(INCLUDE_INBOUND_PORTS)
    if included.text != EVERYTHING:
        if port in included.ports:
            return _captured(f"{pod.full_name} includes inbound port {port}", included)
        return _bypass(f"{pod.full_name} does not include inbound port {port}", included)
    if port in _PROXY_PORTS or port == _status_port(pod):
        sentence = f"inbound port {port} belongs to the proxy itself and is never redirected"
        return Redirect(False, NOT_CAPTURED.name, sentence, _annotated(pod, STATUS_PORT))
    excluded = told.setting(EXCLUDE_INBOUND_PORTS)
    if port in excluded.ports:
        return _bypass(f"{pod.full_name} excludes inbound port {port}", excluded)
    return _captured(f"iptables hands {address}:{port} to the sidecar of {pod.full_name} (15006)")


def interception_mode(mesh: MeshSnapshot, pod: Pod) -> str:
    """``REDIRECT``, ``TPROXY`` or ``NONE``: the pod's annotation, else the mesh's ``defaultConfig``."""
    default = mesh.config.node.node("defaultConfig").text("interceptionMode")
    return pod.annotations.get(INTERCEPTION_MODE) or default or "REDIRECT"


def _without_rules(pod: Pod) -> Redirect:
    sentence = f"{pod.full_name} has interception mode NONE, so nothing is redirected"
    return Redirect(False, NOT_CAPTURED.name, sentence, _annotated(pod, INTERCEPTION_MODE))


def _leaves_out_interface(told: Interception) -> bool:
    names = told.setting(EXCLUDE_INTERFACES).text.split(",")
    return _MAIN_INTERFACE in (name.strip() for name in names)


def _from_own_sidecar(told: Interception, pod: Pod, address: str, port: int) -> Redirect:
    # ISTIO_OUTPUT: the exclusion of ports stands before the rule that sends the proxy's own calls to 15006.
    excluded = told.setting(EXCLUDE_OUTBOUND_PORTS)
    if port in excluded.ports:
        return _bypass(f"{pod.full_name} excludes outbound port {port}", excluded)
    if is_loopback(address):
        return Redirect(False, LOOPBACK.name, f"the sidecar of {pod.full_name} calls {address}, which stays on lo")
    return _captured(f"the sidecar of {pod.full_name} calls its own pod, which iptables hands to 15006")


def _by_address(told: Interception, pod: Pod, address: str, port: int) -> Redirect:
    excluded = told.setting(EXCLUDE_OUTBOUND_RANGES)
    if _within(address, excluded):
        return _bypass(f"{pod.full_name} excludes the address range of {address}", excluded)
    ports = told.setting(INCLUDE_OUTBOUND_PORTS)
    if port in ports.ports:
        return _captured(f"{pod.full_name} includes outbound port {port}", ports)
    included = told.setting(INCLUDE_OUTBOUND_RANGES)
    if included.text == EVERYTHING:
        return _captured(f"iptables hands {address}:{port} to the sidecar of {pod.full_name} (15001)", included)
    if _within(address, included):
        return _captured(f"{pod.full_name} includes the address range of {address}", included)
    return _bypass(f"{pod.full_name} does not include the address range of {address}", included)


def _no_sidecar(pod: Pod) -> Redirect:
    why = "uses the host's network" if pod.host_network else "runs a gateway" if pod.is_gateway else "has no sidecar"
    return Redirect(False, NO_SIDECAR.name, f"{pod.full_name} {why}", (pod.resource.place("metadata", "name"),))


def _bypass(sentence: str, setting: Setting | None = None) -> Redirect:
    return Redirect(False, NOT_CAPTURED.name, sentence, setting.places if setting else ())


def _captured(sentence: str, setting: Setting | None = None) -> Redirect:
    return Redirect(True, "", sentence, setting.places if setting else ())


def _annotated(pod: Pod, annotation: str) -> tuple[YamlPlace, ...]:
    if annotation not in pod.annotations:
        return ()
    return (pod.resource.place("metadata", "annotations", annotation),)


def _status_port(pod: Pod) -> int:
    return next(iter(parse_ports(pod.annotations.get(STATUS_PORT, ""))), _DEFAULT_STATUS_PORT)


def _within(address: str, ranges: Setting) -> bool:
    if not ranges.networks:
        return False
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return any(ip in network for network in ranges.networks if network.version == ip.version)


@lru_cache(maxsize=4096)
def is_loopback(address: str) -> bool:
    """Whether a text is a loopback address."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _includes_loopback(told: Interception) -> bool:
    """Naming a loopback address among the included ranges turns off the rule that lets lo pass (capture/run.go)."""
    return any(network.network_address.is_loopback for network in told.setting(INCLUDE_OUTBOUND_RANGES).networks)


def _captures_dns(mesh: MeshSnapshot, pod: Pod) -> bool:
    own = pod.proxy.environment.get("ISTIO_META_DNS_CAPTURE") if pod.proxy else None
    return own == "true" if own is not None else mesh.config.dns_capture
