"""HTTP on a proxy's way out."""

from __future__ import annotations

import pytest

from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.virtual_service import HeaderOperations, HttpMatch, Rewrite, StringMatch
from analyzer.mesh.outbound.request import HttpRequest
from analyzer.mesh.outbound.route import Route, route_config
from analyzer.mesh.outbound.told import Routes
from analyzer.verdict.outbound import decide_outbound
from analyzer.verdict.outbound_http import Routing, apply_headers, forwarded_request, request_of
from analyzer.verdict.question import Question

SUFFIX = ".svc.cluster.local"
PLACE = YamlPlace("f", 1)
NO_ROUTES = Routes(route_config("80", [], None), "BASE")


def decided(town, host="web", port=80, **question):
    mesh, proxy = town.proxy("shop/sleep-0")
    return decide_outbound(
        mesh, proxy, Question("shop", "sleep-0", address="10.9.0.1", port=port, host=host, **question)
    )


def vs(town, *rules: dict):
    return town.rule("VirtualService", "shop/vs", hosts=["web"], http=list(rules))


def to(host="web", **more):
    return {"destination": {"host": host, "port": {"number": 80}}, **more}


def response(found) -> tuple[int | None, str | None]:
    return found.outbound.response.code, found.outbound.response.flag


def test_a_request_goes_through_virtual_host_and_route_to_a_cluster(market) -> None:
    found = decided(market)
    outbound = found.outbound
    assert (outbound.route_config, outbound.virtual_host, outbound.route) == ("80", f"web.shop{SUFFIX}:80", "default")
    assert (outbound.cluster, found.verdict) == (f"outbound|80||web.shop{SUFFIX}", "service-matched")
    assert found.retries == 2


def test_failed_connections_are_retried_as_the_route_says_or_else_the_mesh(market) -> None:
    market.settings(defaultHttpRetryPolicy={"attempts": 5})
    assert decided(market).retries == 5
    assert decided(vs(market, {"route": [to()], "retries": {"attempts": 1}})).retries == 1


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [({"headers": {"x-request-id": {}}}, "dropped"), ({"withoutHeaders": {"x-request-id": {}}}, "service-matched")],
)
def test_routes_see_no_request_id_where_the_proxy_makes_none(market, asked: dict, verdict: str) -> None:
    market.settings(defaultConfig={"proxyHeaders": {"requestId": {"disabled": True}}})
    assert decided(vs(market, {"match": [asked], "route": [to()]})).verdict == verdict


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [
        ({"headers": {"x-request-id": {}}}, "service-matched"),
        ({"headers": {"x-request-id": {"regex": "*"}}}, "service-matched"),
        ({"headers": {"x-request-id": {"prefix": "a"}}}, None),
        ({"withoutHeaders": {"x-request-id": {}}}, "dropped"),
        ({"withoutHeaders": {"x-request-id": {"exact": "a"}}}, None),
        ({"headers": {"x-forwarded-proto": {"exact": "http"}}}, "service-matched"),
        ({"headers": {"x-forwarded-proto": {"exact": "https"}}}, "dropped"),
    ],
)
def test_routes_see_the_headers_that_the_proxy_itself_adds(market, asked: dict, verdict: str | None) -> None:
    found = decided(vs(market, {"match": [asked], "route": [to()]}))

    assert found.verdict == verdict
    assert found.undetermined == (() if verdict else ("header-unseen",))


def test_an_id_that_the_client_sends_or_a_rule_removes_is_not_made(market) -> None:
    rules = vs(market, {"match": [{"headers": {"x-request-id": {"exact": "a"}}}], "route": [to()]})
    assert decided(rules, headers=(("x-request-id", "a"),)).verdict == "service-matched"
    request = HttpRequest("web", made=frozenset({"x-request-id"}))
    assert not apply_headers(HeaderOperations((), (), ("x-request-id",)), request).made


def test_a_request_that_no_route_takes_is_answered_404(market) -> None:
    found = decided(vs(market, {"match": [{"uri": {"exact": "/x"}}], "route": [to()]}))
    assert (found.verdict, found.reason, response(found)) == ("dropped", "no-route", (404, "NR"))
    assert [each.why for each in found.steps[-1].lost] == ["asks for path /x"]


def test_a_request_of_which_nothing_was_captured_is_not_refused_for_its_missing_host(market) -> None:
    found = decided(market, host=None, head_cut=True, protocol="http2")

    assert (found.verdict, found.undetermined, found.outbound.response) == (None, ("header-unseen",), None)


def test_a_route_that_asks_for_a_header_is_open_where_the_head_was_cut(market) -> None:
    rules = vs(market, {"match": [{"headers": {"x-user": {"exact": "a"}}}], "route": [to()]}, {"route": [to("gone")]})

    found = decided(rules, head_cut=True)

    assert (found.verdict, found.undetermined) == (None, ("header-unseen",))
    assert found.steps[-1].yaml
    assert decided(rules, head_cut=True, headers=(("x-user", "a"),)).verdict == "service-matched"


def test_an_empty_configuration_is_answered_404(town) -> None:
    egress = [{"hosts": ["./gone.example.com"], "port": {"number": 7000, "protocol": "HTTP"}}, {"hosts": ["*/*"]}]
    town.pod("shop/sleep-0").service("shop/auto", "10.9.0.1", ports=("x:7000:1",)).rule(
        "Sidecar", "shop/sc", egress=egress
    )
    found = decided(town, port=7000)
    assert (found.reason, response(found), found.outbound.virtual_host) == ("no-route", (404, "NR"), None)


@pytest.mark.parametrize(
    ("action", "code", "flag"),
    [
        ({"redirect": {"redirectCode": 307}}, 307, None),
        ({"directResponse": {"status": 418}}, 418, None),
        ({"fault": {"abort": {"httpStatus": 500, "percentage": {"value": 100}}}, "route": [to()]}, 500, "FI"),
    ],
)
def test_a_route_may_answer_by_itself(market, action: dict, code: int, flag: str | None) -> None:
    found = decided(vs(market, action))
    assert (found.verdict, found.reason, response(found)) == ("service-matched", "local-reply", (code, flag))


def test_a_fault_names_the_cluster_of_its_route_where_it_exists(market) -> None:
    abort = {"abort": {"httpStatus": 500, "percentage": {"value": 100}}}
    assert decided(vs(market, {"fault": abort, "route": [to()]})).outbound.cluster == f"outbound|80||web.shop{SUFFIX}"
    assert decided(vs(market, {"fault": abort, "route": [to("gone")]})).outbound.cluster is None


ASKS = (("origin", "https://a"), ("access-control-request-method", "PUT"))
CORS = {"allowOrigins": [{"exact": "https://a"}, {"regex": "https://[bc]"}]}


@pytest.mark.parametrize(
    ("policy", "method", "headers", "code"),
    [
        (CORS, "OPTIONS", ASKS, 200),
        (CORS, "OPTIONS", (("origin", "https://c"), ASKS[1]), 200),
        (CORS, "OPTIONS", (("origin", "https://x"), ASKS[1]), None),
        ({**CORS, "unmatchedPreflights": "IGNORE"}, "OPTIONS", (("origin", "https://x"), ASKS[1]), 200),
        (CORS, "OPTIONS", ASKS[:1], None),
        (CORS, "OPTIONS", (("origin", ""), ASKS[1]), None),
        (CORS, "GET", ASKS, None),
        ({"allowOrigin": ["*"]}, "OPTIONS", ASKS, 200),
        ({"allowOrigins": [{}], "allowOrigin": ["*"]}, "OPTIONS", ASKS, None),
    ],
)
def test_a_proxy_answers_preflights_by_itself(market, policy, method, headers, code) -> None:
    """Envoy's cors_filter.cc decodeHeaders; route.go TranslateCORSPolicy."""
    found = decided(vs(market, {"corsPolicy": policy, "route": [to()]}), method=method, headers=headers)
    assert found.verdict == "service-matched"
    assert found.outbound.cluster == f"outbound|80||web.shop{SUFFIX}"
    assert (found.outbound.response.code if found.outbound.response else None) == code
    assert (found.reason, bool(found.targets)) == (("service", True) if code is None else ("local-reply", False))


def test_a_preflight_may_stand_in_the_part_of_a_head_that_was_not_captured(market) -> None:
    rules = vs(market, {"corsPolicy": CORS, "route": [to()]})
    assert decided(rules, method="OPTIONS", headers=ASKS[:1], head_cut=True).undetermined == ("header-unseen",)
    assert decided(rules, method="OPTIONS", headers=ASKS, head_cut=True).reason == "local-reply"


def test_a_fault_comes_before_cors(market) -> None:
    """listener_builder.go buildHTTPConnectionManager: the fault filter stands first."""
    fault = {"abort": {"httpStatus": 500, "percentage": {"value": 100}}}
    rules = vs(market, {"corsPolicy": CORS, "fault": fault, "route": [to()]})
    assert response(decided(rules, method="OPTIONS", headers=ASKS)) == (500, "FI")


def test_a_fault_for_some_requests_is_chance(market) -> None:
    found = decided(vs(market, {"fault": {"abort": {"httpStatus": 500, "percentage": {"value": 5}}}, "route": [to()]}))
    assert (found.verdict, found.undetermined) == (None, ("weighted",))
    assert [each.reason for each in found.alternatives] == ["local-reply", "service"]


def test_a_fault_for_no_request_does_nothing(market) -> None:
    found = decided(vs(market, {"fault": {"abort": {"httpStatus": 500}}, "route": [to()]}))
    assert found.reason == "service"


def test_unknown_hosts_are_refused_under_registry_only(market) -> None:
    found = decided(market.settings(outboundTrafficPolicy={"mode": "REGISTRY_ONLY"}), "x.org")
    assert (found.verdict, found.reason, response(found)) == ("dropped", "block-all", (502, None))


def test_a_direct_response_of_that_name_is_a_route_like_others(market) -> None:
    found = decided(vs(market, {"name": "block_all", "directResponse": {"status": 403}}))
    assert found.reason == "local-reply"


def test_weights_give_one_decision_for_each_cluster(market) -> None:
    found = decided(vs(market, {"route": [to(weight=70), to("gone", weight=30)]}))
    assert [(each.cluster, each.weight) for each in found.outbound.clusters] == [
        (f"outbound|80||web.shop{SUFFIX}", 70),
        (f"outbound|80||gone.shop{SUFFIX}", 30),
    ]
    assert (found.outbound.cluster, found.undetermined) == (None, ("weighted",))
    assert [each.verdict for each in found.alternatives] == ["service-matched", "dropped"]


def test_weights_to_one_cluster_are_no_choice(market) -> None:
    assert decided(vs(market, {"route": [to(weight=70), to(weight=30)]})).verdict == "service-matched"


def test_a_route_without_destination_goes_nowhere(market) -> None:
    found = decided(vs(market, {"route": [to(weight=0), to("db", weight=0)]}))
    assert (found.reason, response(found)) == ("no-cluster", (503, "NC"))


@pytest.mark.parametrize(("host", "code"), [(None, 400), ("web", None)])
def test_a_request_without_host_is_refused(market, host: str | None, code: int | None) -> None:
    found = decided(market, host=host)
    assert (found.outbound.response.code if found.outbound.response else None) == code
    assert (found.undetermined == ("bad-request",)) is (code is not None)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ({"protocol": "tcp"}, (400, "DPE")),
        ({"tls": "tls"}, (400, "DPE")),
        ({"protocol": "http/1.0"}, (426, "DPE")),
        ({"refused": 501}, (501, "DPE")),
        ({"refused": 0, "protocol": "http2"}, (None, "DPE")),
        ({"refused": 0, "protocol": "http2", "host": None}, (None, "DPE")),
        ({"method": "OPTIONS", "path": "*"}, (404, None)),
        ({"path": "/a#b"}, (400, None)),
        ({"path": "/a%00b"}, (400, None)),
    ],
)
def test_what_is_no_request_to_a_path_is_refused_where_only_http_is_spoken(town, question: dict, answer) -> None:
    town.pod("shop/sleep-0").service("shop/web", "10.9.0.1", ports=("x:80:1:http_proxy",))
    found = decided(town, **question)
    assert (response(found), found.undetermined) == (answer, ("bad-request",))


def test_http10_may_be_spoken(town) -> None:
    town.pod("shop/sleep-0").service("shop/web", "10.9.0.1", ports=("x:80:1:http_proxy",))
    town.settings(defaultConfig={"proxyMetadata": {"ISTIO_META_HTTP10": "1"}})
    assert decided(town, protocol="http/1.0").outbound.virtual_host == f"web.shop{SUFFIX}:80"


def test_the_shadowed_virtual_service_is_named(market) -> None:
    for name in ("a", "b"):
        market.rule("VirtualService", f"shop/{name}", hosts=["web"], http=[{"route": [to()]}])
    step = next(step for step in decided(market).steps if "virtual host" in step.sentence)
    assert [each.why for each in step.lost] == ["an older virtual host has its domains"]


@pytest.mark.parametrize(
    ("host", "path", "authority", "normalised"),
    [
        ("web", "/a/../b", "web", "/b"),
        (None, "/x", "", "/x"),
        ("web", "ftp://x/y", "web", "/y"),
    ],
)
def test_the_host_is_the_authority_and_the_path_is_normalised(host, path, authority, normalised) -> None:
    request = request_of(Question("a", host=host, path=path), Routing(NO_ROUTES))
    assert (request.authority, request.path) == (authority, normalised)


def rewritten(path: str, matcher: StringMatch | None, rewrite: Rewrite, **more) -> HttpRequest:
    match = HttpMatch("", PLACE, uri=matcher) if matcher else None
    return forwarded_request(Route("r", match, rewrite=rewrite, **more), HttpRequest("web", path))


@pytest.mark.parametrize(
    ("path", "matcher", "rewrite", "result"),
    [
        ("/a/x?q", StringMatch("prefix", "/a", PLACE), Rewrite(uri="/b"), "/b/x?q"),
        ("/a?q", StringMatch("exact", "/a", PLACE), Rewrite(uri="/b"), "/b?q"),
        ("/a/x?q", StringMatch("regex", ".*", PLACE), Rewrite(uri="/b"), "/b?q"),
        ("/x", None, Rewrite(uri="/b/"), "/b/x"),
        ("/api/x?q", None, Rewrite(pattern="^/api/(.*)$", substitution=r"/\1"), "/x?q"),
        ("/x", None, Rewrite(), "/x"),
    ],
)
def test_a_rewrite_changes_the_path_that_goes_on(path: str, matcher, rewrite: Rewrite, result: str) -> None:
    assert rewritten(path, matcher, rewrite).path == result


def test_a_segment_prefix_may_be_removed() -> None:
    assert rewritten("/a/x", StringMatch("prefix", "/a", PLACE), Rewrite(uri="/"), path_segments=True).path == "/x"


def test_a_rewrite_may_change_the_authority() -> None:
    assert rewritten("/x", None, Rewrite(authority="other")).authority == "other"


def test_headers_are_removed_added_and_set() -> None:
    operations = HeaderOperations((("a", "1"), ("host", "other")), (("b", "2"),), ("c",))
    request = apply_headers(operations, HttpRequest("web", headers=(("a", "0"), ("c", "0"), ("d", "0"))))
    assert (request.authority, request.headers) == ("other", (("d", "0"), ("a", "1"), ("b", "2")))


def test_headers_of_rule_and_destination_go_on(market) -> None:
    headers = {"request": {"set": {"x-rule": "1"}}}
    own = {"request": {"set": {"x-own": "2"}}}
    found = decided(vs(market, {"headers": headers, "route": [to(headers=own)]}))
    assert found.request.headers == (("x-forwarded-proto", "http"), ("x-rule", "1"), ("x-own", "2"))


@pytest.mark.parametrize(
    ("question", "edge", "scheme"),
    [
        ({}, False, "http"),
        ({"headers": (("x-forwarded-proto", "HTTPS"),)}, False, "https"),
        ({"headers": (("x-forwarded-proto", "ftp"),)}, False, "http"),
        ({"headers": (("x-forwarded-proto", "https"),)}, True, "http"),
        ({"headers": (("x-forwarded-proto", "https"),), "protocol": "http2"}, False, "http"),
        ({"scheme": "https"}, True, "https"),
    ],
)
def test_the_scheme_is_of_the_target_or_of_a_believed_header_or_of_the_connection(question, edge, scheme) -> None:
    assert request_of(Question("a", host="web", **question), Routing(NO_ROUTES, edge=edge)).scheme == scheme


@pytest.mark.parametrize(
    ("rule", "own", "authority"),
    [
        ({}, {"host": "own"}, "own"),
        ({"rewrite": {"authority": "rule"}}, {"Host": "own"}, "rule"),
        ({"headers": {"request": {"set": {":authority": "rule"}}}}, {"host": "own"}, "rule"),
        ({"headers": {"request": {"set": {"x-a": "1"}}}}, {"host": "own"}, "own"),
    ],
)
def test_the_only_destination_does_not_overrule_the_host_that_its_rule_sets(market, rule, own, authority) -> None:
    found = decided(vs(market, {**rule, "route": [to(headers={"request": {"set": own}})]}))
    assert found.request.authority == authority


def test_one_of_several_destinations_overrules_the_host_that_its_rule_sets(market) -> None:
    own = {"request": {"set": {"host": "own"}}}
    route = [to(weight=1, headers=own), to("web", weight=1, headers=own)]
    assert decided(vs(market, {"rewrite": {"authority": "rule"}, "route": route})).request.authority == "own"


def test_a_fault_comes_before_a_redirect(market) -> None:
    fault = {"abort": {"httpStatus": 418, "percentage": {"value": 100}}}
    found = decided(vs(market, {"fault": fault, "redirect": {"uri": "/x"}}))
    assert (response(found), found.reason) == ((418, "FI"), "local-reply")


def test_an_upgrade_to_anything_but_a_websocket_is_refused_on_its_route(market) -> None:
    def asking(upgrade: str):
        return decided(market, headers=(("connection", "Upgrade"), ("upgrade", upgrade)))

    refused = asking("SPDY/3.1")
    assert (response(refused), refused.undetermined, refused.outbound.route) == (
        (403, None),
        ("bad-request",),
        "default",
    )
    assert asking("websocket").verdict == "service-matched"


def test_a_connect_finds_no_route(market) -> None:
    found = decided(market, "a.example:443", method="CONNECT", path="a.example:443")
    assert (found.verdict, found.reason, response(found)) == ("dropped", "no-route", (404, "NR"))
