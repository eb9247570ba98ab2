"""ExternalName Services that lead in circles, to a name that is nobody's, or out of the mesh.

push_context.go resolveServiceAliases: only the exact host name of a service makes the alias one of its names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.registry import ALIAS, RegistryService, services_by_host, services_of
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.lint.evidence import shows_services
from analyzer.verdict.lint.finding import LintFinding, title
from analyzer.verdict.lint.host_index import full_name_of, is_registered, namespace_of_host

EXTERNAL_NAME_LOOP = Code(
    "external-name-loop",
    Family.FINDING,
    Level.ERROR,
    "an ExternalName leads back to itself",
    "Its name does not resolve, and istiod leaves it out.",
    "Correct externalName.",
)
EXTERNAL_NAME_UNKNOWN = Code(
    "external-name-unknown",
    Family.FINDING,
    Level.WARNING,
    "an ExternalName leads to a Kubernetes name that is no Service's",
    "The alias becomes a name of a service only where externalName is that service's full name, without a dot at the "
    "end; otherwise calls by the alias are unmatched, even where DNS resolves it.",
    "Write NAME.NAMESPACE.svc.cluster.local.",
)
EXTERNAL_NAME_OUTSIDE = Code(
    "external-name-outside",
    Family.FINDING,
    Level.INFO,
    "an ExternalName leads out of the mesh, to a host that it does not know",
    "Istiod makes no cluster for an ExternalName: calls are passed through (or blocked under REGISTRY_ONLY), and as a "
    "route's destination it does not exist.",
    "Add a ServiceEntry for the external host.",
)


def find_external_names(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """A finding for each ExternalName that names no service."""
    aliases = {each.hostname: each for each in services_of(mesh) if each.resolution == ALIAS}
    for alias in aliases.values():
        yield from _judge(mesh, alias, aliases)


def _judge(mesh: MeshSnapshot, alias: RegistryService, aliases: Mapping[str, RegistryService]) -> Iterator[LintFinding]:
    about = title(alias.resource)
    target = alias.external_name
    place = alias.resource.place("spec", "externalName")
    exact = target.lower().rstrip(".")
    if _loops(alias, aliases):
        yield LintFinding(EXTERNAL_NAME_LOOP, about, f"{about}: {target} leads back to itself", (place,))
    elif target in services_by_host(mesh):
        return
    elif exact in services_by_host(mesh) or full_name_of(mesh, exact):
        meant = exact if exact in services_by_host(mesh) else full_name_of(mesh, exact)
        sentence = f"{about}: {target} is not taken for {meant}, so calls by this name are unmatched"
        yield LintFinding(EXTERNAL_NAME_UNKNOWN, about, sentence, (place,))
    elif namespace_of_host(exact):
        if shows_services(mesh, namespace_of_host(exact)):
            sentence = f"{about}: there is no Service {exact}, so calls by this name are unmatched"
            yield LintFinding(EXTERNAL_NAME_UNKNOWN, about, sentence, (place,))
    elif not is_registered(mesh, exact):
        sentence = f"{about}: {target} is no service of the mesh, so calls by this name are unmatched"
        yield LintFinding(EXTERNAL_NAME_OUTSIDE, about, sentence, (place,))


def _loops(alias: RegistryService, aliases: Mapping[str, RegistryService]) -> bool:
    seen = {alias.hostname}
    host = alias.external_name
    while host in aliases:
        if host in seen:
            return True
        seen.add(host)
        host = aliases[host].external_name
    return False
