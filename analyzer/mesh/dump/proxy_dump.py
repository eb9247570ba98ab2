"""A configuration dump of one Envoy: whose it is, and its listeners, routes, clusters and endpoints by name.

Envoy's admin API, ``/config_dump`` (envoy/admin/v3/config_dump.proto), with or without ``?include_eds``; the same is
printed by ``istioctl proxy-config all -o json`` (or yaml).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analyzer.base.fact import Fact
from analyzer.base.oddity import Code, Family, Level, Oddity
from analyzer.base.place import YamlPlace
from analyzer.mesh.dump.synthetic import resource_at
from analyzer.mesh.kinds.pod import PROXY_CONTAINER, Pod, parse_pod
from analyzer.mesh.resource import Node
from analyzer.mesh.source import YamlList, YamlMap

SIDECAR = "sidecar"
ROUTER = "router"
VIRTUAL_OUTBOUND = "virtualOutbound"
VIRTUAL_INBOUND = "virtualInbound"

_ADMIN_TYPE = "type.googleapis.com/envoy.admin."
# Without one of these a proxy's decision is not known: a part of a dump (`?resource=`, `?mask=`) has not all of them.
_NEEDED = ("ListenersConfigDump", "RoutesConfigDump", "ClustersConfigDump")
# Metadata of the node that stands for a setting of the pod's environment.
_ENVIRONMENT = {"DNS_CAPTURE": "ISTIO_META_DNS_CAPTURE"}

DUMP_UNUSED = Code(
    "dump-unused",
    Family.MESH,
    Level.WARNING,
    "the configuration dump is not used: {problem}",
    "A dump counts for the sidecar or gateway that its node id names (`sidecar~IP~POD.NAMESPACE~DOMAIN`, or `router~` "
    "of a gateway); those of waypoints and ztunnels do not, nor what `istioctl proxy-config` prints of one part alone.",
    "Give the whole output of `GET /config_dump?include_eds`, or of `istioctl proxy-config all POD -o json`.",
)


class ProxyDump(Fact, frozen=True, eq=False):
    """The dump of a sidecar or of a gateway, which ``role`` says.

    ``listeners`` are those of the way out, or a gateway's, by address and port, ``virtual_outbound`` and
    ``virtual_inbound`` the two that iptables leads to. ``endpoints`` is None where the dump was taken without them.
    """

    root: Node
    role: str
    namespace: str
    pod: str
    ip: str
    metadata: Node
    listeners: Mapping[tuple[str, int], Node]
    virtual_outbound: Node | None
    virtual_inbound: Node | None
    routes: Mapping[str, Node]
    clusters: Mapping[str, Node]
    endpoints: Mapping[str, Node] | None

    @property
    def place(self) -> YamlPlace:
        """Where the dump begins."""
        return self.root.place()


def is_config_dump(document: YamlMap) -> bool:
    """Whether a document is what Envoy's ``/config_dump`` prints."""
    configs = document.get("configs")
    return isinstance(configs, YamlList) and any(
        isinstance(each, YamlMap) and str(each.get("@type", "")).startswith(_ADMIN_TYPE) for each in configs
    )


def parse_config_dump(root: Node) -> ProxyDump | Oddity:
    """The dump that a document holds, or why it cannot be used."""
    sections = {each.text("@type").rpartition(".")[2]: each for each in root.nodes("configs")}
    empty = Node(root.file, root.root, YamlMap(), root.path, root.oddities)
    node = sections.get("BootstrapConfigDump", empty).node("bootstrap").node("node")
    parts = node.text("id").split("~")
    name, _, namespace = parts[2].rpartition(".") if len(parts) == 4 else ("", "", "")
    if not name or not namespace:
        return Oddity(DUMP_UNUSED, root.place(), {"problem": "its node id names no pod"})
    if parts[0] not in (SIDECAR, ROUTER):
        problem = f"{namespace}/{name} is a {parts[0]}, neither a sidecar nor a gateway"
        return Oddity(DUMP_UNUSED, root.place(), {"problem": problem})
    lacking = [each for each in _NEEDED if each not in sections]
    if lacking:
        return Oddity(DUMP_UNUSED, root.place(), {"problem": f"that of {namespace}/{name} has no {', '.join(lacking)}"})
    listeners = list(_listeners(sections.get("ListenersConfigDump", empty)))
    by_name = {each.text("name"): each for each in listeners}
    endpoints = sections.get("EndpointsConfigDump")
    return ProxyDump(
        root=root,
        role=parts[0],
        namespace=namespace,
        pod=name,
        ip=parts[1],
        metadata=node.node("metadata"),
        listeners=dict(_by_address(listeners)),
        virtual_outbound=by_name.get(VIRTUAL_OUTBOUND),
        virtual_inbound=by_name.get(VIRTUAL_INBOUND),
        routes=_named(sections.get("RoutesConfigDump", empty), "route_configs", "route_config", "name"),
        clusters=_named(sections.get("ClustersConfigDump", empty), "clusters", "cluster", "name"),
        endpoints=None
        if endpoints is None
        else _named(endpoints, "endpoint_configs", "endpoint_config", "cluster_name"),
    )


def pod_of_dump(dump: ProxyDump) -> Pod:
    """The pod of a dump as far as the node's metadata tell, for input that does not have it."""
    metadata = dump.metadata
    environment = [{"name": to, "value": metadata.text(name)} for name, to in _ENVIRONMENT.items() if name in metadata]
    ips = [each for each in metadata.text("INSTANCE_IPS").split(",") if each]
    body = {
        "kind": "Pod",
        "metadata": {
            "name": dump.pod,
            "namespace": dump.namespace,
            "labels": metadata.mapping("LABELS"),
            "annotations": metadata.mapping("ANNOTATIONS"),
        },
        "spec": {
            "serviceAccountName": metadata.text("SERVICE_ACCOUNT"),
            "containers": [{"name": PROXY_CONTAINER, "args": ["proxy", dump.role], "env": environment}],
        },
        "status": {"podIP": dump.ip, "podIPs": [{"ip": each} for each in ips], "phase": "Running"},
    }
    return parse_pod(resource_at(dump.place, body))


def _listeners(section: Node) -> Iterator[Node]:
    """The listeners that are in use: static ones hold Envoy's own ports and never take a call."""
    for each in section.nodes("dynamic_listeners"):
        listener = each.node("active_state").node("listener")
        if listener:
            yield listener


def _by_address(listeners: list[Node]) -> Iterator[tuple[tuple[str, int], Node]]:
    for listener in listeners:
        if listener.text("name") in (VIRTUAL_OUTBOUND, VIRTUAL_INBOUND):
            continue
        addresses = (listener.node("address"), *(n.node("address") for n in listener.nodes("additional_addresses")))
        for address in addresses:
            socket = address.node("socket_address")
            if socket:
                yield (socket.text("address"), socket.integer("port_value")), listener


def _named(section: Node, kind: str, inner: str, key: str) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for prefix in ("static", "dynamic", "dynamic_active"):
        name = f"{prefix}_{kind}"
        for each in section.nodes(name) if name in section else ():
            resource = each.node(inner)
            found[resource.text(key)] = resource
    return found
