"""DestinationRules as clients look them up: which namespaces may get different answers for one host.

istio pilot/pkg/model/push_context.go destinationRule: the client's namespace, then the service's, then the root.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analyzer.mesh.hosts import resolve_short_name
from analyzer.mesh.kinds.destination_rule import DestinationRule
from analyzer.mesh.outbound.destination_rules import MergedRule, rule_for
from analyzer.mesh.proxy import proxy_with
from analyzer.mesh.registry import RegistryService, services_by_host
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.visibility import NOBODY, PRIVATE, PUBLIC
from analyzer.verdict.lint.evidence import client_namespaces, has_clients
from analyzer.verdict.lint.host_index import wildcards_over


def rule_host(rule: DestinationRule) -> str:
    """The host of a rule as istiod reads it."""
    return resolve_short_name(rule.host, rule.resource.namespace).lower()


def rules_over(mesh: MeshSnapshot, host: str) -> Iterator[DestinationRule]:
    """The rules of any namespace whose host is ``host`` or a wildcard over it."""
    index: Mapping[str, list[DestinationRule]] = mesh.memo("lint-rules-by-host", lambda: _by_host(mesh))
    yield from index.get(host, ())
    for wildcard in wildcards_over(host):
        if wildcard != host:
            yield from index.get(wildcard, ())


def _by_host(mesh: MeshSnapshot) -> dict[str, list[DestinationRule]]:
    found: dict[str, list[DestinationRule]] = {}
    for rule in sorted(mesh.of(DestinationRule), key=lambda each: each.resource.age_key):
        found.setdefault(rule_host(rule), []).append(rule)
    return found


def lookup_namespaces(mesh: MeshSnapshot, host: str) -> tuple[str, ...]:
    """Client namespaces whose look-ups for a host may differ: those that a rule or the service is in or names.

    One more stands for all others. Only namespaces that have clients, as far as the input tells; sorted.
    """
    return mesh.memo(("lint-lookups", host), lambda: _lookup_namespaces(mesh, host))


def _lookup_namespaces(mesh: MeshSnapshot, host: str) -> tuple[str, ...]:
    named = {mesh.root_namespace, *(service.namespace for service in services_by_host(mesh).get(host, ()))}
    for rule in rules_over(mesh, host):
        named.add(rule.resource.namespace)
        named.update(each for each in rule.export_to if each not in (PUBLIC, PRIVATE, NOBODY))
    other = next((each for each in client_namespaces(mesh) if each not in named), None)
    found = {each for each in named if has_clients(mesh, each) and mesh.sees(each)}
    return tuple(sorted(found if other is None else {*found, other}))


def rule_seen_from(
    mesh: MeshSnapshot, namespace: str, service: RegistryService, labels: Mapping[str, str] | None = None
) -> MergedRule | None:
    """The rule that a client in a namespace uses for a service."""
    return rule_for(mesh, proxy_with(mesh, namespace, labels or {}), service)


def service_seen_from(mesh: MeshSnapshot, namespace: str, host: str) -> RegistryService | None:
    """The service that a client in a namespace means by a host: its own, else Kubernetes', else the oldest."""
    found = services_by_host(mesh).get(host, ())
    own = [each for each in found if each.namespace == namespace] or list(found)
    return next((each for each in own if each.kubernetes), own[0] if own else None)
