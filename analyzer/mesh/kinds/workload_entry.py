"""WorkloadEntries (networking.istio.io): endpoints that are no pods; also the endpoints inside a ServiceEntry."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.resource import Node, Resource

TLS_MODE_LABEL = "security.istio.io/tlsMode"
UNIX_PREFIX = "unix://"


class WorkloadEndpoint(Fact, frozen=True):
    """An address with its own ports, labels and identity. ``mutual_tls``: its proxy speaks Istio's mutual TLS."""

    address: str
    ports: Mapping[str, int]
    labels: Mapping[str, str]
    service_account: str
    place: YamlPlace

    @property
    def mutual_tls(self) -> bool:
        """By its tlsMode label, else by having a service account (conversion.go getTLSModeFromWorkloadEntry)."""
        mode = self.labels.get(TLS_MODE_LABEL)
        return bool(self.service_account) if mode is None else mode == "istio"


class WorkloadEntry(Fact, frozen=True, eq=False):
    """A WorkloadEntry; the endpoint's labels are those of the metadata over those of the spec."""

    resource: Resource
    endpoint: WorkloadEndpoint


def parse_workload_entry(resource: Resource) -> WorkloadEntry:
    """The view of a WorkloadEntry."""
    return WorkloadEntry(resource, parse_endpoint(resource.spec, extra_labels=resource.labels))


def parse_endpoint(node: Node, *, extra_labels: Mapping[str, str] | None = None) -> WorkloadEndpoint:
    """The endpoint that ``node`` holds."""
    ports = node.node("ports")
    return WorkloadEndpoint(
        address=node.text("address"),
        ports={name: ports.integer(name) for name in ports},
        labels={**node.mapping("labels"), **(extra_labels or {})},
        service_account=node.text("serviceAccount"),
        place=node.place("address"),
    )
