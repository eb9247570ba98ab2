"""The routes of a VirtualService for one proxy and port."""

from __future__ import annotations

from analyzer.base.fact import replace
from analyzer.mesh.kinds.virtual_service import VirtualService
from analyzer.mesh.outbound.http_routes import RouteTarget, http_routes
from analyzer.mesh.proxy import Proxy

PROXY = Proxy("shop", (("app", "web"),))
TARGET = RouteTarget(PROXY, frozenset({"mesh"}), 80, {})
SUFFIX = ".svc.cluster.local"


def routes(town, *rules: dict, target=TARGET, **more):
    found = town.rule("VirtualService", "shop/vs", hosts=["web"], http=list(rules)).mesh().of(VirtualService)[0]
    return http_routes(target, replace(found, **more))


def to(host="db", **more):
    return {"destination": {"host": host}, **more}


def test_each_match_is_a_route_in_order(town) -> None:
    found = routes(
        town,
        {
            "name": "r",
            "match": [{"name": "m", "port": 80, "uri": {"exact": "/"}}, {"uri": {"exact": "/b"}}],
            "route": [to()],
        },
    )
    assert [route.name for route in found] == ["r.m", "r"]
    assert found[0].yaml[0].field == "spec.http[0].match[0]"
    assert found[0].owner == "shop/vs"


def test_what_stands_behind_a_route_that_catches_all_is_not_made(town) -> None:
    first = {"name": "a", "match": [{"uri": {"prefix": "/"}}, {"uri": {"exact": "/x"}}], "route": [to()]}
    assert [route.name for route in routes(town, first, {"name": "b", "route": [to()]})] == ["a"]


def test_matches_for_other_ports_and_clients_are_left_out(town) -> None:
    others = [{"port": 81}, {"sourceLabels": {"app": "db"}}, {"sourceNamespace": "pay"}, {"gateways": ["gw"]}]
    assert routes(town, {"match": others, "route": [to()]}) == []


def test_gateways_hide_the_other_conditions_of_the_client(town) -> None:
    match = {"gateways": ["mesh"], "sourceLabels": {"app": "db"}, "sourceNamespace": "pay"}
    assert len(routes(town, {"match": [match], "route": [to()]})) == 1


def test_destinations_take_the_listeners_port(town) -> None:
    assert routes(town, {"route": [to()]})[0].clusters[0].cluster == f"outbound|80||db.shop{SUFFIX}"


def test_the_weight_of_a_single_destination_does_not_matter(town) -> None:
    assert [each.weight for each in routes(town, {"route": [to(weight=0)]})[0].clusters] == [1]


def test_of_several_destinations_those_without_weight_are_left_out(town) -> None:
    found = routes(town, {"route": [to("a", weight=30), to("b", weight=0), to("c", weight=70)]})[0]
    assert [each.weight for each in found.clusters] == [30, 70]


def test_a_redirect_comes_before_a_direct_response_before_a_route(town) -> None:
    both = {"redirect": {"uri": "/x"}, "directResponse": {"status": 418}, "route": [to()]}
    found = routes(town, both)[0]
    assert (found.redirect.code, found.direct_response, found.clusters) == (301, None, ())
    assert routes(town, {"directResponse": {"status": 418}, "route": [to()]})[0].clusters == ()


def test_retries_are_the_rules_or_left_to_the_mesh(town) -> None:
    assert routes(town, {"route": [to()]})[0].retries is None
    assert routes(town, {"route": [to()], "retries": {"attempts": 0}})[0].retries == 0


def test_gateway_routes_match_segments_and_answer_500(town) -> None:
    found = routes(town, {"route": [to()]}, gateway_semantics=True)[0]
    assert (found.path_segments, found.not_found_code) == (True, 500)
