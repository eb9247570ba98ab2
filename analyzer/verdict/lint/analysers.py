"""The analysers, and one run of all of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from analyzer.base.oddity import Code
from analyzer.mesh import load, resource, source
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.lint.client_tls import find_client_tls
from analyzer.verdict.lint.delegates import find_delegates
from analyzer.verdict.lint.destinations import find_destinations
from analyzer.verdict.lint.empty_selectors import find_empty_selectors
from analyzer.verdict.lint.entry_hosts import find_entry_hosts
from analyzer.verdict.lint.external_names import find_external_names
from analyzer.verdict.lint.finding import LintFinding
from analyzer.verdict.lint.gateway_merges import find_gateway_merges
from analyzer.verdict.lint.gateways import find_gateways
from analyzer.verdict.lint.headless import find_headless
from analyzer.verdict.lint.hidden_namespaces import find_hidden_namespaces
from analyzer.verdict.lint.http_policies import find_http_policies
from analyzer.verdict.lint.idle_rules import find_idle_rules
from analyzer.verdict.lint.inbound_protocols import find_inbound_protocols
from analyzer.verdict.lint.input_oddities import find_input_oddities
from analyzer.verdict.lint.listener_conflicts import find_listener_conflicts
from analyzer.verdict.lint.overlapping_policies import find_overlapping_policies
from analyzer.verdict.lint.policy_sources import find_policy_sources
from analyzer.verdict.lint.port_names import find_port_names
from analyzer.verdict.lint.refused_objects import find_refused_objects
from analyzer.verdict.lint.shadowed_routes import find_shadowed_routes
from analyzer.verdict.lint.sidecar_scopes import find_sidecar_scopes
from analyzer.verdict.lint.strict_mtls import find_strict_mtls
from analyzer.verdict.lint.subsets import find_subsets
from analyzer.verdict.lint.unmatched_hosts import find_unmatched_hosts
from analyzer.verdict.lint.virtual_service_conflicts import find_virtual_service_conflicts
from analyzer.verdict.lint.wildcard_listeners import find_wildcard_listeners

# Each gives the findings of one kind of surprise; a new one is a file of its own and a line here.
ANALYSERS: Mapping[str, Callable[[MeshSnapshot], Iterable[LintFinding]]] = {
    "input-oddities": find_input_oddities,
    "refused-objects": find_refused_objects,
    "shadowed-routes": find_shadowed_routes,
    "virtual-service-conflicts": find_virtual_service_conflicts,
    "unmatched-hosts": find_unmatched_hosts,
    "destinations": find_destinations,
    "subsets": find_subsets,
    "delegates": find_delegates,
    "idle-rules": find_idle_rules,
    "entry-hosts": find_entry_hosts,
    "wildcard-listeners": find_wildcard_listeners,
    "listener-conflicts": find_listener_conflicts,
    "gateways": find_gateways,
    "gateway-merges": find_gateway_merges,
    "sidecar-scopes": find_sidecar_scopes,
    "overlapping-policies": find_overlapping_policies,
    "empty-selectors": find_empty_selectors,
    "strict-mtls": find_strict_mtls,
    "client-tls": find_client_tls,
    "headless": find_headless,
    "port-names": find_port_names,
    "inbound-protocols": find_inbound_protocols,
    "http-policies": find_http_policies,
    "policy-sources": find_policy_sources,
    "external-names": find_external_names,
    "hidden-namespaces": find_hidden_namespaces,
}

# Where codes stand that reading the input emits.
_READERS = (load, resource, source)


def _codes() -> dict[str, Code]:
    modules = [*_READERS, *(sys.modules[analyse.__module__] for analyse in ANALYSERS.values())]
    found = {value.name: value for module in modules for value in vars(module).values() if isinstance(value, Code)}
    return dict(sorted(found.items()))


# Every code that lint can emit, by name.
CODES: Mapping[str, Code] = MappingProxyType(_codes())


def lint(mesh: MeshSnapshot) -> tuple[LintFinding, ...]:
    """Everything that is surprising in a mesh, the worst first, each thing said once."""
    found = dict.fromkeys(finding for analyse in ANALYSERS.values() for finding in analyse(mesh))
    return tuple(sorted(found, key=lambda finding: finding.sort_key))
