"""Services that want the same address and port of a sidecar: the older one has it.

listener.go: chains that match the same are not merged (metric pilot_conflict_outbound_listener_tcp_over_current_tcp),
Mongo and MySQL are never merged with anything else. Asked of a client that sees what all see and has no Sidecar.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.endpoints import endpoints_of
from analyzer.mesh.hosts import is_ip
from analyzer.mesh.outbound.listener import FilterChain, Listener
from analyzer.mesh.outbound.listeners import listener_at
from analyzer.mesh.outbound.scope import scope_of
from analyzer.mesh.port_protocol import HTTP_FAMILY, HTTP_PROXY
from analyzer.mesh.proxy import Proxy
from analyzer.mesh.registry import (
    ALIAS,
    PASSTHROUGH,
    UNSPECIFIED,
    RegistryPort,
    RegistryService,
    services_by_host,
    services_of,
)
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.visibility import PUBLIC, service_exports
from analyzer.verdict.lint.finding import LintFinding, title

LISTENER_CONFLICT = Code(
    "listener-conflict",
    Family.FINDING,
    Level.ERROR,
    "two services want the same address and port, and only one gets its connections",
    "A sidecar tells opaque connections apart by address and port (with a TLS port and no address, also by server "
    "name). Where two services match the same, the older one's cluster takes them all.",
    "Give the services different addresses or ports, or declare the ports so that they can be told apart (TLS without "
    "address, HTTP).",
)
HEADLESS_OVERLAP = Code(
    "headless-overlap",
    Family.FINDING,
    Level.INFO,
    "two headless Services have the same pods and port: connections count as the older one's",
    "The address is kept, so the pod is the right one; routes, policies and telemetry are those of the older Service.",
)

HTTP_PROXY_PORT = Code(
    "http-proxy-port",
    Family.FINDING,
    Level.ERROR,
    "a port declared as http_proxy turns the whole port into HTTP for every client",
    "The listener of an http_proxy port asks nothing of a connection and replaces what was there, so that opaque "
    "connections to any address on that port number meet an HTTP parser and are answered 400.",
    "Declare the port as http, unless the Service really is an HTTP proxy; then move it to a port of its own.",
)

# An address and a port.
_Key = tuple[str, int]


def find_listener_conflicts(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """A finding for each pair of services that match the same connections."""
    proxy = Proxy(namespace="", labels=())
    scope = scope_of(mesh, proxy)
    seen: set[tuple[str, str, int]] = set()
    for address, port in _contended(mesh):
        listener = listener_at(mesh, scope, proxy, address, port)
        for chain in listener.shadowed:
            winner = _same_match(listener, chain)
            names = (chain.owner, winner.owner if winner else "", port)
            if winner is not None and _takes_away(listener, chain, winner) and names not in seen:
                seen.add(names)
                yield from _finding(mesh, chain, winner, address, port)


def _contended(mesh: MeshSnapshot) -> list[_Key]:
    """Addresses and ports that more than one service offers, one of them not as HTTP."""
    offered: Counter[_Key] = Counter()
    opaque: set[_Key] = set()
    for service in services_of(mesh):
        if service.resolution == ALIAS or PUBLIC not in service_exports(mesh, service):
            continue
        for port in service.ports:
            for address in _addresses(mesh, service, port):
                offered[address, port.number] += 1
                if port.protocol not in HTTP_FAMILY or port.protocol == HTTP_PROXY:
                    opaque.add((address, port.number))
    return sorted(key for key, count in offered.items() if count > 1 and key in opaque)


def _addresses(mesh: MeshSnapshot, service: RegistryService, port: RegistryPort) -> Iterator[str]:
    if port.protocol in HTTP_FAMILY:
        yield UNSPECIFIED
    elif service.resolution == PASSTHROUGH and not service.addresses:
        endpoints = {endpoint.address for endpoint in endpoints_of(mesh, service, port) if is_ip(endpoint.address)}
        yield from endpoints or ({UNSPECIFIED} if not service.kubernetes else ())
    elif not service.address_unknown:
        plain = [address for address in service.addresses if "/" not in address]
        yield from plain or [UNSPECIFIED]


def _same_match(listener: Listener, lost: FilterChain) -> FilterChain | None:
    """The chain that a lost one could not be told from; else the first, with which it could not be merged."""
    default = (listener.default_chain,) if listener.default_chain and listener.default_chain.owner else ()
    chains = [chain for chain in (*listener.chains, *default) if chain.owner]
    return next((chain for chain in chains if chain.match_key == lost.match_key), chains[0] if chains else None)


def _takes_away(listener: Listener, lost: FilterChain, winner: FilterChain) -> bool:
    """Whether the loser misses anything: HTTP services of a port share their routes, whoever has the listener."""
    shares_routes = lost.rds is not None and any(chain.rds is not None for chain in listener.chains)
    return lost.owner != winner.owner and not shares_routes and not (lost.rds and winner.rds)


def _finding(
    mesh: MeshSnapshot, lost: FilterChain, winner: FilterChain, address: str, port: int
) -> Iterator[LintFinding]:
    loser, taker = _owner(mesh, lost), _owner(mesh, winner)
    if loser is None or taker is None or loser.resource is taker.resource:
        return
    about = title(loser.resource)
    yaml = (*lost.yaml[:1], *winner.yaml[:1])
    other = title(taker.resource)
    if loser.headless and taker.headless:
        sentence = f"{about}: connections to its pods on port {port} count as those of {other}, which is older"
        yield LintFinding(HEADLESS_OVERLAP, about, sentence, yaml)
    elif winner.rds is not None:
        sentence = f"{about}: port {port} speaks HTTP only, since {other} declares it as http_proxy; its bytes get 400"
        yield LintFinding(HTTP_PROXY_PORT, about, sentence, yaml)
    elif not (loser.resolution == taker.resolution == PASSTHROUGH):
        where = f"{address}:{port}" if address != UNSPECIFIED else f"port {port} of any address"
        sentence = f"{about}: connections to {where} for {loser.hostname} go to {taker.hostname} of {other} instead"
        yield LintFinding(LISTENER_CONFLICT, about, sentence, yaml)


def _owner(mesh: MeshSnapshot, chain: FilterChain) -> RegistryService | None:
    """The service of a chain; None for that of a VirtualService, whose rules are its author's choice."""
    found = services_by_host(mesh).get(chain.owner, ())
    return next((each for each in found if any(port.place in chain.yaml for port in each.ports)), None)
