"""Host names as Istio compares them (pkg/config/host/name.go) and expands them for a client (httproute.go)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import TypeVar

T = TypeVar("T")

CLUSTER_DOMAIN = "cluster.local"


def is_wildcard(host: str) -> bool:
    """Whether a host begins with ``*``."""
    return host.startswith("*")


@lru_cache(maxsize=4096)
def is_ip(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def hosts_overlap(a: str, b: str) -> bool:
    """Whether two hosts, either of which may be a wildcard, have a name in common (``Name.Matches``)."""
    if is_wildcard(a) and is_wildcard(b):
        return a[1:].endswith(b[1:]) or b[1:].endswith(a[1:])
    if is_wildcard(a):
        return b.endswith(a[1:])
    if is_wildcard(b):
        return a.endswith(b[1:])
    return a == b


def is_subset(a: str, b: str) -> bool:
    """Whether every name that ``a`` stands for is covered by ``b`` (``Name.SubsetOf``)."""
    if not is_wildcard(b):
        return a == b
    if is_wildcard(a):
        return len(a) >= len(b) and a[1:].endswith(b[1:])
    return a.endswith(b[1:])


def most_specific(host: str, candidates: Mapping[str, T]) -> T | None:
    """The value of the key that fits ``host`` best: itself, else the longest wildcard (MostSpecificHostMatch)."""
    if not candidates:
        return None
    if host in candidates:
        return candidates[host]
    needle = host[1:] if is_wildcard(host) else host
    fitting = (f"*{needle[start:]}" for start in range(len(needle) + 1))
    return next((candidates[each] for each in fitting if each in candidates), None)


def resolve_short_name(host: str, namespace: str, *, domain: str = CLUSTER_DOMAIN) -> str:
    """A name without a dot becomes a Service's FQDN in ``namespace``; others stay (ResolveShortnameToFQDN)."""
    if not host or host == "*" or "." in host or is_ip(host):
        return host
    return f"{host}.{namespace}.svc.{domain}"


def alternative_names(host: str, client_namespace: str, *, domain: str = CLUSTER_DOMAIN) -> list[str]:
    """Other ways in which a client may write ``host``: the trailing dot, and a Service's short forms.

    httproute.go GenerateAltVirtualHosts for route configurations that ignore ports.
    """
    names = [] if is_ip(host) else [f"{host}."]
    if not host.endswith(f".svc.{domain}"):
        return names
    service, _, _ = host.partition(".svc.")
    name, dot, namespace = service.partition(".")
    if not dot:
        return names
    if namespace == client_namespace:
        return [*names, name, f"{service}.svc", service]
    return [*names, service, f"{service}.svc"]


def longest_first(hosts: Iterable[str]) -> list[str]:
    """Hosts ordered so that the first that fits is the most specific."""
    return sorted(hosts, key=lambda each: (-len(each), each))
