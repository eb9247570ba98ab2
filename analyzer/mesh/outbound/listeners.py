"""The listeners of a sidecar's way out, made when asked for (pilot/pkg/networking/core/listener.go)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from analyzer.base.fact import replace
from analyzer.mesh.endpoints import instances_of
from analyzer.mesh.hosts import is_ip
from analyzer.mesh.kinds.mesh_config import ALLOW_ANY, ALLOW_ANY_DYNAMIC_DNS
from analyzer.mesh.outbound.destination import cluster_name
from analyzer.mesh.outbound.identity import routing_identity
from analyzer.mesh.outbound.l4_chains import Offer, l4_chains
from analyzer.mesh.outbound.listener import (
    BLACK_HOLE_CHAIN,
    BLACK_HOLE_CLUSTER,
    CATCH_ALL_CHAIN,
    CATCH_ALL_HTTP_CHAIN,
    DYNAMIC_DNS_CLUSTER,
    PASSTHROUGH_CHAIN,
    PASSTHROUGH_CLUSTER,
    PLAINTEXT_HTTP_ALPN,
    RAW_BUFFER,
    VIRTUAL_OUTBOUND,
    ClusterChoice,
    FilterChain,
    Listener,
    refused_chains,
)
from analyzer.mesh.outbound.scope import EgressScope, Scope
from analyzer.mesh.port_protocol import AUTO, HTTP_FAMILY, HTTP_PROXY, MONGO, MYSQL, TCP_FAMILY, declared_protocol
from analyzer.mesh.proxy import Proxy
from analyzer.mesh.registry import ALIAS, PASSTHROUGH, UNSPECIFIED, UNSPECIFIED_6, RegistryPort, RegistryService
from analyzer.mesh.snapshot import MeshSnapshot

# Ports of Envoy's own static listeners: health and metrics.
STATIC_PORTS = frozenset({15021, 15090})

# The route configuration of the listener on MeshConfig's ``proxyHttpPort``.
HTTP_PROXY_ROUTES = "http_proxy"

_Key = tuple[int, str]


@dataclass(slots=True)
class _Entry:
    """A listener in the making. ``protocol`` becomes AUTO where HTTP and other bytes share it."""

    protocol: str
    chains: list[FilterChain]
    shadowed: list[FilterChain] = field(default_factory=list)
    known: set[tuple[object, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self.known = {chain.match_key for chain in self.chains}


def listener_at(mesh: MeshSnapshot, scope: Scope, proxy: Proxy, address: str, port: int) -> Listener:
    """The listener that takes a redirected connection to ``address``: exact, wildcard of its family, or catch-all."""
    if _is_http_proxy(mesh, proxy, address, port):
        return Listener(f"{address}_{port}", (), FilterChain(rds=HTTP_PROXY_ROUTES, owner="proxyHttpPort"))
    identity = routing_identity(mesh, proxy)
    for bind in (address, _wildcard_of(address)):
        found = _listener(mesh, scope, identity, bind, port, own=proxy.ips[:1] == (bind,))
        if found is not None:
            return found
    return _virtual_outbound(mesh, scope, port)


def has_socket_at(mesh: MeshSnapshot, scope: Scope, proxy: Proxy, address: str, port: int) -> bool:
    """Whether the sidecar itself listens at an address of its pod, so that an application reaches it without redirect.

    So do listeners of a Sidecar with captureMode NONE, all of a proxy with interception mode NONE (both on the loopback
    address unless ``bind`` says otherwise), and the one of ``proxyHttpPort``.
    """
    if _is_http_proxy(mesh, proxy, address, port):
        return True
    identity = routing_identity(mesh, proxy)
    return any(
        _has_socket(egress, proxy) and (port, bind) in _offers(mesh, scope, index, egress, identity)
        for index, egress in enumerate(scope.egress)
        for bind in (address, _wildcard_of(address))
    )


def _wildcard_of(address: str) -> str:
    return UNSPECIFIED_6 if ":" in address else UNSPECIFIED


def _is_http_proxy(mesh: MeshSnapshot, proxy: Proxy, address: str, port: int) -> bool:
    return port == mesh.config.proxy_http_port and address == proxy.loopback


def _has_socket(egress: EgressScope, proxy: Proxy) -> bool:
    return proxy.binds or (egress.listener is not None and egress.listener.capture_mode == "NONE")


def _bind(egress: EgressScope, proxy: Proxy) -> str:
    """The address that an egress listener is bound to; empty where services give it (buildSidecarOutboundListeners)."""
    return egress.bind or (proxy.loopback if _has_socket(egress, proxy) else "")


def _listener(mesh: MeshSnapshot, scope: Scope, proxy: Proxy, bind: str, port: int, *, own: bool) -> Listener | None:
    offered = any((port, bind) in _offers(mesh, scope, i, each, proxy) for i, each in enumerate(scope.egress))
    if not offered:
        return None
    key = ("listener", scope.key, proxy, bind, port, own)
    return mesh.memo(key, lambda: _build(mesh, scope, proxy, bind, port, own=own))


def _build(mesh: MeshSnapshot, scope: Scope, proxy: Proxy, bind: str, port: int, *, own: bool) -> Listener | None:
    entry: _Entry | None = None
    for index, egress in enumerate(scope.egress):
        if egress.port is None and entry is not None:
            # What the user gave a port of its own is not added to by the listener that catches all.
            break
        for offer in _offers(mesh, scope, index, egress, proxy).get((port, bind), ()):
            if own and offer.per_endpoint:
                # A proxy has no listener for itself; its application reaches it over the loopback interface.
                continue
            entry = _add(entry, scope, proxy, egress, offer)
    return _finish(mesh, scope, bind, port, entry) if entry is not None else None


def _offers(mesh: MeshSnapshot, scope: Scope, index: int, egress: EgressScope, proxy: Proxy) -> dict[_Key, list[Offer]]:
    """What an egress listener offers, by port and address, in the order of its services."""
    families = (proxy.ipv4, proxy.ipv6, proxy.dns_capture, proxy.binds)

    def group() -> dict[_Key, list[Offer]]:
        found: dict[_Key, list[Offer]] = {}
        for offer in _every_offer(mesh, egress, proxy):
            found.setdefault((offer.port.number, offer.bind), []).append(offer)
            for extra in offer.service.addresses_for(proxy)[1:] if offer.service.kubernetes else ():
                if offer.bind == offer.service.addresses_for(proxy)[0]:
                    found.setdefault((offer.port.number, extra), []).append(offer)
        return found

    return mesh.memo(("offers", scope.key, index, families), group)


def _every_offer(mesh: MeshSnapshot, egress: EgressScope, proxy: Proxy) -> Iterator[Offer]:
    for service in egress.services:
        if service.resolution == ALIAS:
            continue
        for port in _ports(egress, service):
            if not _conflicts_with_own_port(mesh, egress, proxy, port):
                yield from _offers_of_port(mesh, egress, proxy, service, port)


def _ports(egress: EgressScope, service: RegistryService) -> tuple[RegistryPort, ...]:
    own = egress.port
    if own is None:
        return service.ports
    return (RegistryPort(own.name, own.number, declared_protocol(own.protocol), 0, own.place),)


def _conflicts_with_own_port(mesh: MeshSnapshot, egress: EgressScope, proxy: Proxy, port: RegistryPort) -> bool:
    """Whether a wildcard listener would stand on one of the proxy's own ports (context.go)."""
    bind = _bind(egress, proxy)
    wildcard = bind == proxy.wildcard if bind else port.protocol in HTTP_FAMILY
    config = mesh.config
    return wildcard and port.number in {config.proxy_listen_port, config.proxy_inbound_listen_port, *STATIC_PORTS}


def _offers_of_port(
    mesh: MeshSnapshot, egress: EgressScope, proxy: Proxy, service: RegistryService, port: RegistryPort
) -> Iterator[Offer]:
    bind = _bind(egress, proxy)
    if port.protocol in HTTP_FAMILY:
        yield Offer(service, port, bind or proxy.wildcard)
    elif port.protocol != AUTO and port.protocol not in TCP_FAMILY:
        return
    elif bind:
        yield Offer(service, port, bind)
    elif egress.port is None and _per_endpoint(mesh, proxy, service, port):
        for endpoint in instances_of(mesh, service, port):
            if is_ip(endpoint.address):
                yield Offer(service, port, endpoint.address, per_endpoint=True)
    elif not service.address_unknown:
        prefixes = service.prefixes_for(proxy)
        address = service.addresses_for(proxy)[0]
        if address == UNSPECIFIED and not service.kubernetes:
            address = proxy.wildcard
        yield Offer(service, port, proxy.wildcard if prefixes else address, prefixes)


def _per_endpoint(mesh: MeshSnapshot, proxy: Proxy, service: RegistryService, port: RegistryPort) -> bool:
    """Whether a port has one listener per endpoint: headless Services, and entries without address that name some."""
    if service.resolution != PASSTHROUGH or service.addresses_for(proxy)[0] != UNSPECIFIED:
        return False
    return service.kubernetes or service.selector is not None or bool(instances_of(mesh, service, port))


def _add(entry: _Entry | None, scope: Scope, proxy: Proxy, egress: EgressScope, offer: Offer) -> _Entry:
    """Adds an offer to the listener of its address (listener.go buildSidecarOutboundListener)."""
    protocol = offer.port.protocol
    if protocol == HTTP_PROXY:
        # Made right away, without a match and without regard to what was there.
        return _Entry(protocol, [_http_chain(proxy, offer)], list(entry.chains) if entry else [])
    if protocol in HTTP_FAMILY:
        return _add_http(entry, proxy, offer)
    if entry is not None and protocol == AUTO and entry.protocol == AUTO:
        return entry
    chains = l4_chains(scope, proxy, offer, egress.virtual_services)
    if protocol == AUTO:
        chains.append(_sniffed(_http_chain(proxy, offer)))
    if entry is None:
        return _Entry(protocol, chains)
    if protocol == AUTO and entry.protocol in HTTP_FAMILY:
        return _Entry(protocol, chains, list(entry.chains))
    if {protocol, entry.protocol} & {MONGO, MYSQL} and protocol != entry.protocol:
        entry.shadowed += chains
        return entry
    _merge(entry, chains)
    if protocol == AUTO or entry.protocol in HTTP_FAMILY:
        entry.protocol = AUTO
    return entry


def _add_http(entry: _Entry | None, proxy: Proxy, offer: Offer) -> _Entry:
    if entry is not None and entry.protocol not in TCP_FAMILY:
        return entry
    chain = _http_chain(proxy, offer)
    protocol = offer.port.protocol
    if offer.bind == proxy.wildcard:
        chain, protocol = _sniffed(chain), AUTO
    if entry is None:
        return _Entry(protocol, [chain])
    if entry.protocol in (MONGO, MYSQL):
        entry.shadowed.append(chain)
        return entry
    _merge(entry, [chain])
    entry.protocol = AUTO
    return entry


def _http_chain(proxy: Proxy, offer: Offer) -> FilterChain:
    port = offer.port.number
    own = offer.port.protocol == AUTO and offer.bind != proxy.wildcard
    return FilterChain(
        rds=f"{offer.service.hostname}:{port}" if own else str(port),
        owner=offer.service.hostname,
        yaml=(offer.port.place,),
    )


def _sniffed(chain: FilterChain) -> FilterChain:
    return replace(chain, transport=RAW_BUFFER, alpn=PLAINTEXT_HTTP_ALPN)


def _merge(entry: _Entry, incoming: list[FilterChain]) -> None:
    """Appends chains whose match is new; of equal ones the oldest service's stays (mergeTCPFilterChains)."""
    for chain in incoming:
        if chain.match_key in entry.known:
            entry.shadowed.append(chain)
        else:
            entry.known.add(chain.match_key)
            entry.chains.append(chain)


def _finish(mesh: MeshSnapshot, scope: Scope, bind: str, port: int, entry: _Entry) -> Listener:
    """The listener of an entry; a chain that matches all becomes the default (buildListenerFromEntry)."""
    default = next((chain for chain in reversed(entry.chains) if chain.matches_all), None)
    others = tuple(_as_told(chain) for chain in entry.chains if not chain.matches_all)
    if default is None:
        default = replace(_fallback_chain(scope), name=PASSTHROUGH_CHAIN)
    inspects_http = any(chain.alpn for chain in entry.chains)
    return Listener(
        name=f"{bind}_{port}",
        chains=others,
        default_chain=default,
        tls_inspector=any(chain.server_names for chain in entry.chains),
        http_inspector=inspects_http,
        detection_timeout_ns=mesh.config.protocol_detection_timeout_ns if inspects_http else 0,
        shadowed=tuple(entry.shadowed),
        refused=refused_chains(others),
    )


def _as_told(chain: FilterChain) -> FilterChain:
    """A chain with what Envoy is told to match: no prefix from 0.0.0.0, no name beside ``*`` (toFilterChainMatch)."""
    names = chain.told_names
    prefixes = tuple(each for each in chain.prefixes if str(each.network_address) != UNSPECIFIED)
    same = len(prefixes) == len(chain.prefixes) and names == chain.server_names
    return chain if same else replace(chain, server_names=names, prefixes=prefixes)


def _fallback_chain(scope: Scope) -> FilterChain:
    """What happens to connections that nothing matches, by the outbound traffic policy."""
    yaml = (scope.policy_place,) if scope.policy_place else ()
    return FilterChain(clusters=(ClusterChoice(fallback_cluster(scope), 1, scope.policy_place),), yaml=yaml)


def fallback_cluster(scope: Scope) -> str:
    """The cluster of unmatched connections (listener_builder.go buildOutboundCatchAllNetworkFiltersOnly)."""
    if scope.policy not in (ALLOW_ANY, ALLOW_ANY_DYNAMIC_DNS):
        return BLACK_HOLE_CLUSTER
    proxy = scope.egress_proxy
    return cluster_name(proxy.host, proxy.port, proxy.subset) if proxy else PASSTHROUGH_CLUSTER


def _virtual_outbound(mesh: MeshSnapshot, scope: Scope, port: int) -> Listener:
    fallback = replace(_fallback_chain(scope), name=CATCH_ALL_CHAIN)
    if port == mesh.config.proxy_listen_port:
        loop = FilterChain(name=BLACK_HOLE_CHAIN, clusters=(ClusterChoice(BLACK_HOLE_CLUSTER),))
        return Listener(VIRTUAL_OUTBOUND, (), loop)
    if scope.policy != ALLOW_ANY_DYNAMIC_DNS:
        return Listener(VIRTUAL_OUTBOUND, (), fallback)
    dynamic = FilterChain(
        name=CATCH_ALL_HTTP_CHAIN,
        transport=RAW_BUFFER,
        alpn=PLAINTEXT_HTTP_ALPN,
        clusters=(ClusterChoice(DYNAMIC_DNS_CLUSTER, 1, scope.policy_place),),
        yaml=fallback.yaml,
    )
    timeout = mesh.config.protocol_detection_timeout_ns
    return Listener(VIRTUAL_OUTBOUND, (dynamic,), fallback, http_inspector=True, detection_timeout_ns=timeout)
