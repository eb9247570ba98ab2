"""ServiceEntries (networking.istio.io): services that Kubernetes does not know."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.workload_entry import WorkloadEndpoint, parse_endpoint
from analyzer.mesh.resource import Node, Resource

NONE = "NONE"
STATIC = "STATIC"
DNS = "DNS"
DNS_ROUND_ROBIN = "DNS_ROUND_ROBIN"
DYNAMIC_DNS = "DYNAMIC_DNS"


class EntryPort(Fact, frozen=True):
    """A port of a ServiceEntry; ``target`` is 0 where it is the number itself."""

    name: str
    number: int
    protocol: str
    target: int
    place: YamlPlace


class ServiceEntry(Fact, frozen=True, eq=False):
    """A ServiceEntry. ``selector`` is None where absent; ``allocated`` are addresses that istiod wrote into its status.

    ``export_to`` is empty where it is not set.
    """

    resource: Resource
    hosts: tuple[str, ...]
    addresses: tuple[str, ...]
    ports: tuple[EntryPort, ...]
    external: bool
    resolution: str
    endpoints: tuple[WorkloadEndpoint, ...]
    selector: Mapping[str, str] | None
    export_to: tuple[str, ...]
    allocated: Mapping[str, tuple[str, ...]]
    subject_alt_names: tuple[str, ...] = ()


def parse_service_entry(resource: Resource) -> ServiceEntry:
    """The view of a ServiceEntry; location and resolution default to MESH_EXTERNAL and NONE (the API's zero values)."""
    spec = resource.spec
    return ServiceEntry(
        resource=resource,
        hosts=spec.texts("hosts"),
        addresses=spec.addresses("addresses"),
        ports=tuple(_parse_port(node) for node in spec.nodes("ports")),
        external=spec.text("location") != "MESH_INTERNAL",
        resolution=spec.text("resolution") or NONE,
        endpoints=tuple(parse_endpoint(node) for node in spec.nodes("endpoints")),
        selector=spec.node("workloadSelector").mapping("labels") if "workloadSelector" in spec else None,
        export_to=spec.texts("exportTo"),
        allocated=_allocated(resource.body.node("status")),
        subject_alt_names=spec.texts("subjectAltNames"),
    )


def _parse_port(node: Node) -> EntryPort:
    return EntryPort(
        name=node.text("name"),
        number=node.port("number"),
        protocol=node.text("protocol"),
        target=node.port("targetPort"),
        place=node.place(),
    )


def _allocated(status: Node) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for address in status.nodes("addresses"):
        host = address.text("host")
        found[host] = (*found.get(host, ()), address.address("value"))
    return found
