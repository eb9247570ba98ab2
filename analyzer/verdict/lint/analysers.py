"""The analysers, and one run of all of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from analyzer.base.oddity import Code
from analyzer.mesh import load, resource, source
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.lint.delegates import find_delegates
from analyzer.verdict.lint.destinations import find_destinations
from analyzer.verdict.lint.finding import LintFinding
from analyzer.verdict.lint.input_oddities import find_input_oddities
from analyzer.verdict.lint.shadowed_routes import find_shadowed_routes
from analyzer.verdict.lint.subsets import find_subsets
from analyzer.verdict.lint.unmatched_hosts import find_unmatched_hosts

# Each gives the findings of one kind of surprise; a new one is a file of its own and a line here.
ANALYSERS: Mapping[str, Callable[[MeshSnapshot], Iterable[LintFinding]]] = {
    "input-oddities": find_input_oddities,
    "shadowed-routes": find_shadowed_routes,
    "unmatched-hosts": find_unmatched_hosts,
    "destinations": find_destinations,
    "subsets": find_subsets,
    "delegates": find_delegates,
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
