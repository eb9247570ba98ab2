"""Services by host names that may be wildcards, without a walk over the registry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from analyzer.mesh.hosts import CLUSTER_DOMAIN, is_wildcard
from analyzer.mesh.registry import RegistryService, services_by_host
from analyzer.mesh.snapshot import MeshSnapshot

_SUFFIX = f".svc.{CLUSTER_DOMAIN}"


def wildcards_over(host: str) -> Iterator[str]:
    """Every wildcard that covers a host or a wildcard, itself first, then the longest: ``*.b.c``, ``*.c``, ``*``."""
    bare = host[1:] if is_wildcard(host) else host
    return (f"*{bare[start:]}" for start in range(len(bare) + 1))


def services_of_host(mesh: MeshSnapshot, host: str) -> tuple[RegistryService, ...]:
    """The services that a host names: that of the name, or all that a wildcard covers; oldest first."""
    services = services_by_host(mesh)
    if not is_wildcard(host):
        return services.get(host, ())
    if not host.startswith("*.") and host != "*":
        names: Iterable[str] = (name for name in services if name.endswith(host[1:]))
    else:
        names = mesh.memo("lint-hosts-by-suffix", lambda: _by_suffix(services)).get(host[1:], ())
    return tuple(sorted((each for name in names for each in services[name]), key=lambda each: each.index))


def _by_suffix(services: Mapping[str, tuple[RegistryService, ...]]) -> dict[str, list[str]]:
    """Host names by each of their endings that begins with a dot; the empty one has them all."""
    found: dict[str, list[str]] = {}
    for host in services:
        position = host.find(".")
        while position >= 0:
            found.setdefault(host[position:], []).append(host)
            position = host.find(".", position + 1)
        found.setdefault("", []).append(host)
    return found


def is_registered(mesh: MeshSnapshot, host: str) -> bool:
    """Whether some service has a name in common with a host, either of which may be a wildcard (``Name.Matches``)."""
    services = services_by_host(mesh)
    if host in services or any(each in services for each in wildcards_over(host)):
        return True
    return is_wildcard(host) and bool(services_of_host(mesh, host))


def namespace_of_host(host: str) -> str:
    """The namespace in a Kubernetes Service's full name, or empty."""
    name = host.removesuffix(_SUFFIX)
    return name.partition(".")[2] if name != host else ""


def full_name_of(mesh: MeshSnapshot, host: str) -> str:
    """The Service that somebody probably meant by ``name.namespace`` or ``name.namespace.svc``; empty where none is.

    Istiod completes only names without any dot.
    """
    parts = host.split(".")
    if len(parts) == 3 and parts[2] == "svc":
        parts.pop()
    if len(parts) != 2:
        return ""
    name = ".".join(parts) + _SUFFIX
    return name if name in services_by_host(mesh) else ""
