"""What of a proxy its configuration can depend on: equal proxies share what was generated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analyzer.base.fact import replace
from analyzer.mesh.kinds.destination_rule import DestinationRule
from analyzer.mesh.kinds.service import Service
from analyzer.mesh.proxy import Proxy
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.visibility import virtual_services


def routing_identity(mesh: MeshSnapshot, proxy: Proxy) -> Proxy:
    """``proxy`` without its name, its own addresses (one of each family stays) and what no rule asks for."""
    return mesh.memo(("routing-identity", proxy), lambda: _identity(mesh, proxy))


def _identity(mesh: MeshSnapshot, proxy: Proxy) -> Proxy:
    asked = mesh.memo("asked-labels", lambda: frozenset(_asked_labels(mesh)))
    families = (("0.0.0.0",) if proxy.ipv4 else ()) + (("::",) if proxy.ipv6 else ())
    labels = tuple(each for each in proxy.labels if each[0] in asked)
    near = mesh.memo("node-local", lambda: any(service.node_local for service in mesh.of(Service)))
    return replace(proxy, labels=labels, ips=families, pod=None, node=proxy.node if near else "")


def _asked_labels(mesh: MeshSnapshot) -> Iterator[str]:
    """The names of labels by which rules choose clients."""
    selectors: list[Mapping[str, str]] = [rule.workload_selector or {} for rule in mesh.of(DestinationRule)]
    for vs in virtual_services(mesh):
        selectors += [match.source_labels for rule in vs.http for match in rule.matches]
        selectors += [match.source_labels for l4 in (*vs.tcp, *vs.tls) for match in l4.matches]
    for selector in selectors:
        yield from selector
