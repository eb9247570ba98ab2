"""WorkloadEntries (networking.istio.io): endpoints that are no pods; also the endpoints inside a ServiceEntry."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.resource import Node, Resource

TLS_MODE_LABEL = "security.istio.io/tlsMode"
UNIX_PREFIX = "unix://"
_HEALTH_CHECKED = "proxy.istio.io/health-checks-enabled"
# What Go's strconv.ParseBool takes for true.
_TRUE = ("1", "t", "T", "TRUE", "true", "True")


class WorkloadEndpoint(Fact, frozen=True):
    """An address with its own ports, labels and identity. ``mutual_tls``: its proxy speaks Istio's mutual TLS.

    ``locality`` is ``region/zone/subzone``, or less.
    """

    address: str
    ports: Mapping[str, int]
    labels: Mapping[str, str]
    service_account: str
    place: YamlPlace
    locality: str = ""

    @property
    def mutual_tls(self) -> bool:
        """By its tlsMode label, else by having a service account (conversion.go getTLSModeFromWorkloadEntry)."""
        mode = self.labels.get(TLS_MODE_LABEL)
        return bool(self.service_account) if mode is None else mode == "istio"


class WorkloadEntry(Fact, frozen=True, eq=False):
    """A WorkloadEntry; the endpoint's labels are those of the metadata over those of the spec.

    One whose health is checked is ``healthy`` once its status says so (serviceentry/conversion.go isHealthy).
    """

    resource: Resource
    endpoint: WorkloadEndpoint
    healthy: bool = True


def parse_workload_entry(resource: Resource) -> WorkloadEntry:
    """The view of a WorkloadEntry."""
    checked = resource.annotations.get(_HEALTH_CHECKED, "") in _TRUE
    return WorkloadEntry(
        resource,
        parse_endpoint(resource.spec, extra_labels=resource.labels),
        healthy=not checked or _is_healthy(resource.body.node("status")),
    )


def _is_healthy(status: Node) -> bool:
    conditions = status.nodes("conditions")
    return any(each.text("type") == "Healthy" and each.text("status").lower() == "true" for each in conditions)


def parse_endpoint(node: Node, *, extra_labels: Mapping[str, str] | None = None) -> WorkloadEndpoint:
    """The endpoint that ``node`` holds."""
    ports = node.node("ports")
    return WorkloadEndpoint(
        address=node.address("address"),
        ports={name: ports.integer(name) for name in ports},
        labels={**node.mapping("labels"), **(extra_labels or {})},
        service_account=node.text("serviceAccount"),
        place=node.place("address"),
        locality=node.text("locality"),
    )
