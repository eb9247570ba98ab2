"""The routes that a VirtualService gives a proxy on one port (pilot/pkg/networking/core/route/route.go)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from analyzer.base.fact import Fact
from analyzer.mesh.kinds.virtual_service import Destination, HttpMatch, HttpRule, VirtualService
from analyzer.mesh.outbound.destination import destination_cluster
from analyzer.mesh.outbound.listener import ClusterChoice
from analyzer.mesh.outbound.route import CLUSTER_NOT_FOUND, Route
from analyzer.mesh.proxy import Proxy
from analyzer.mesh.registry import RegistryService
from analyzer.mesh.selector import labels_match


class RouteTarget(Fact, frozen=True):
    """For whom routes are made: the proxy, its gateways' names (``mesh`` for a sidecar), and the listener's port.

    ``services`` are those by which the builder fills in a destination's port and follows ExternalNames.
    """

    proxy: Proxy
    gateways: frozenset[str]
    port: int
    services: Mapping[str, RegistryService]


def http_routes(target: RouteTarget, virtual_service: VirtualService) -> list[Route]:
    """One route per match, in order, up to the first that catches all; none where nothing is for this proxy."""
    routes: list[Route] = []
    for rule in virtual_service.http:
        matches: Iterable[HttpMatch | None] = rule.matches or (None,)
        for match in matches:
            if match is not None and not _is_for(target, match):
                continue
            route = _translate(target, virtual_service, rule, match)
            routes.append(route)
            if route.catches_all:
                return routes
    return routes


def _is_for(target: RouteTarget, match: HttpMatch) -> bool:
    """Whether a match can hold for this proxy and port (sourceMatchHTTP): gateways hide the source's conditions."""
    if match.port not in (0, target.port):
        return False
    if match.gateways:
        return any(gateway in target.gateways for gateway in match.gateways)
    if not labels_match(match.source_labels, target.proxy.label_map):
        return False
    return match.source_namespace in ("", target.proxy.namespace)


def _translate(target: RouteTarget, vs: VirtualService, rule: HttpRule, match: HttpMatch | None) -> Route:
    name = f"{rule.name}.{match.name}" if match is not None and match.name else rule.name
    answers = rule.redirect is not None or rule.direct_response is not None
    return Route(
        name=name,
        match=match,
        path_segments=vs.gateway_semantics or vs.ingress_semantics,
        clusters=() if answers else http_clusters(target, rule.route),
        redirect=rule.redirect,
        direct_response=None if rule.redirect else rule.direct_response,
        abort=rule.abort,
        cors=rule.cors,
        rewrite=rule.rewrite,
        headers=rule.headers,
        not_found_code=500 if vs.gateway_semantics else CLUSTER_NOT_FOUND,
        owner=f"{vs.namespace}/{vs.name}",
        yaml=(match.place if match is not None else rule.place,),
        retries=rule.retries,
    )


def http_clusters(target: RouteTarget, destinations: tuple[Destination, ...]) -> tuple[ClusterChoice, ...]:
    """The clusters of a rule; of several destinations those of weight 0 do not count, a single one needs no weight."""
    counted = destinations if len(destinations) == 1 else [each for each in destinations if each.weight > 0]
    return tuple(
        ClusterChoice(
            destination_cluster(each, target.services.get(each.host), target.port),
            each.weight or 1,
            each.place,
            each.headers,
        )
        for each in counted
    )
