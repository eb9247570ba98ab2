"""Filter chains of TCP and TLS ports, with the VirtualServices that change them (pilot/pkg/networking/core/tls.go)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analyzer.base.fact import Fact
from analyzer.mesh.hosts import alternative_names, hosts_overlap, is_wildcard
from analyzer.mesh.kinds.virtual_service import MESH_GATEWAY, Destination, L4Match, VirtualService
from analyzer.mesh.outbound.destination import cluster_name, destination_cluster
from analyzer.mesh.outbound.listener import ClusterChoice, FilterChain, Network
from analyzer.mesh.outbound.scope import Scope
from analyzer.mesh.port_protocol import TLS_FAMILY
from analyzer.mesh.proxy import Proxy
from analyzer.mesh.registry import DYNAMIC_DNS, UNSPECIFIED, RegistryPort, RegistryService, is_prefix, parse_prefix
from analyzer.mesh.selector import labels_match


class Offer(Fact, frozen=True):
    """A service's port as one listener offers it.

    ``port`` is the listener's port (the service's own, or the one of a Sidecar); ``prefixes`` are destination
    addresses where the service has prefixes; ``bind`` is the listener's first address,
    which is an endpoint's where ``per_endpoint``.
    """

    service: RegistryService
    port: RegistryPort
    bind: str
    prefixes: tuple[Network, ...] = ()
    per_endpoint: bool = False


def l4_chains(scope: Scope, proxy: Proxy, offer: Offer, found: Sequence[VirtualService]) -> list[FilterChain]:
    """The TCP or TLS chains of a service's port, given the VirtualServices that its egress listener imports."""
    opaque = (vs for vs in found if vs.tcp or vs.tls)
    mine = [vs for vs in opaque if any(hosts_overlap(host, offer.service.hostname) for host in vs.hosts)]
    if offer.port.protocol in TLS_FAMILY:
        return _tls_chains(scope, proxy, offer, mine)
    return _tcp_chains(scope, proxy, offer, mine)


def applies(match: L4Match, proxy: Proxy, port: int, gateways: Iterable[str] = (MESH_GATEWAY,)) -> bool:
    """Whether what a match asks of the client and the listener holds; all of it must (tls.go matchTCP, matchTLS)."""
    return (
        (not match.gateways or any(gateway in match.gateways for gateway in gateways))
        and labels_match(match.source_labels, proxy.label_map)
        and match.port in (0, port)
        and match.source_namespace in ("", proxy.namespace)
    )


def l4_clusters(scope: Scope, route: Sequence[Destination], listener_port: int) -> tuple[ClusterChoice, ...]:
    """The clusters of a TCP or TLS route; with several destinations those of weight 0 do not count."""
    counted = route if len(route) == 1 else [each for each in route if each.weight > 0]
    return tuple(
        ClusterChoice(
            destination_cluster(each, scope.services.get(each.host), listener_port), each.weight or 1, each.place
        )
        for each in counted
    )


def _subnets(texts: Iterable[str]) -> tuple[Network, ...]:
    return tuple(parse_prefix(each) for each in texts if is_prefix(each))


def _default_chain(offer: Offer, server_names: tuple[str, ...] = ()) -> FilterChain:
    # A Sidecar's port that is not the service's leads to its only port, if it has one.
    ports = offer.service.ports
    port = ports[0] if len(ports) == 1 else offer.port
    return FilterChain(
        server_names=server_names,
        prefixes=offer.prefixes,
        clusters=(ClusterChoice(cluster_name(offer.service.hostname, port.number), 1, port.place),),
        owner=offer.service.hostname,
        yaml=(port.place,),
    )


def _tls_chains(scope: Scope, proxy: Proxy, offer: Offer, found: Sequence[VirtualService]) -> list[FilterChain]:
    """One chain for each distinct set of names and subnets; without any, the service's own chain."""
    chains: list[FilterChain] = []
    handled: set[tuple[tuple[str, ...], tuple[str, ...]]] = set()
    prefixes = offer.prefixes
    rules = [(vs, rule) for vs in found for rule in vs.tls if rule.route]
    for vs, rule in rules:
        for match in rule.matches:
            if not applies(match, proxy, offer.port.number):
                continue
            if match.destination_subnets:
                # Istiod's variable keeps the subnets for the matches that follow.
                prefixes = _subnets(match.destination_subnets)
            key = (match.sni_hosts, match.destination_subnets)
            if key not in handled:
                handled.add(key)
                chains.append(
                    FilterChain(
                        server_names=match.sni_hosts,
                        prefixes=prefixes,
                        clusters=l4_clusters(scope, rule.route, offer.port.number),
                        owner=f"{vs.namespace}/{vs.name}",
                        yaml=(match.place,),
                    )
                )
    return chains or [_default_chain(offer, _server_names(proxy, offer))]


def _server_names(proxy: Proxy, offer: Offer) -> tuple[str, ...]:
    """The names that tell a service apart where its address does not."""
    service = offer.service
    address = service.addresses_for(proxy)[0]
    if address == UNSPECIFIED and not service.kubernetes:
        address = proxy.wildcard
    dynamic = is_wildcard(service.hostname) and service.resolution == DYNAMIC_DNS
    if not (offer.prefixes or "/" in address or (address == proxy.wildcard == offer.bind) or dynamic):
        return ()
    names = [service.hostname]
    for alias, _ in service.aliases:
        names += [alias, *alternative_names(alias, proxy.namespace)]
    return tuple(names)


def _tcp_chains(scope: Scope, proxy: Proxy, offer: Offer, found: Sequence[VirtualService]) -> list[FilterChain]:
    """Rules in order until one that asks for no subnet; without such a rule the service's own chain comes last."""
    chains: list[FilterChain] = []
    default = True
    for vs in found:
        for rule in vs.tcp:
            if not rule.route:
                continue
            matching = [match for match in rule.matches if applies(match, proxy, offer.port.number)]
            clusters = l4_clusters(scope, rule.route, offer.port.number)
            owner = f"{vs.namespace}/{vs.name}"
            terminal = next((match for match in matching if not match.destination_subnets), None)
            if not rule.matches or terminal is not None:
                place = terminal.place if terminal else rule.place
                return [*chains, FilterChain(prefixes=offer.prefixes, clusters=clusters, owner=owner, yaml=(place,))]
            subnets = _subnets(each for match in matching for each in match.destination_subnets)
            if subnets:
                places = tuple(match.place for match in matching)
                chains.append(FilterChain(prefixes=subnets, clusters=clusters, owner=owner, yaml=places))
                default = default and set(subnets) != set(offer.prefixes)
    return [*chains, _default_chain(offer)] if default else chains
