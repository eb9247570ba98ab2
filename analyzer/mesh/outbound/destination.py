"""The names of clusters, and which one a route's destination means."""

from __future__ import annotations

from analyzer.mesh.kinds.virtual_service import Destination
from analyzer.mesh.registry import RegistryService

# What istiod writes where a Gateway API backend is invalid.
UNKNOWN_SERVICE = "UnknownService"


def cluster_name(host: str, port: int, subset: str = "") -> str:
    """``outbound|PORT|SUBSET|HOST`` (service.go BuildSubsetKey)."""
    return f"outbound|{port}|{subset}|{host}"


def parse_cluster_name(name: str) -> tuple[int, str, str] | None:
    """Port, subset and host of an outbound cluster's name, or None where it is none."""
    parts = name.split("|")
    if len(parts) != 4 or parts[0] != "outbound" or not (parts[1].isascii() and parts[1].isdigit()):
        return None
    return int(parts[1]), parts[2], parts[3]


def destination_cluster(destination: Destination, service: RegistryService | None, listener_port: int) -> str:
    """The cluster of a route's destination (route.go GetDestinationCluster).

    ``service`` is the destination where the route's builder knows it: an ExternalName leads on to its target, and a
    service with a single port gives the port that the destination does not name.
    """
    if not destination.host:
        return UNKNOWN_SERVICE
    host = service.external_name if service and service.external_name else destination.host
    port = destination.port or (service.ports[0].number if service and len(service.ports) == 1 else listener_port)
    return cluster_name(host, port, destination.subset)
