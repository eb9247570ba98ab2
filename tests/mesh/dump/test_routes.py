"""Route configurations of a dump."""

from __future__ import annotations

import json

import pytest

from analyzer.mesh.dump.routes import routes_of_dump
from analyzer.mesh.kinds.virtual_service import HeaderOperations, Rewrite
from analyzer.mesh.resource import Node
from analyzer.mesh.source import read_documents


def node(content) -> Node:
    root = next(iter(read_documents(json.dumps(content), "dump.json", [])))
    return Node("dump.json", root, root, (), [])


def only_route(route, **host):
    """The one route of a configuration with one host."""
    hosts = [{"name": "h", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, **route}], **host}]
    return routes_of_dump("80", node({"virtual_hosts": hosts})).virtual_host("x").routes[0]


def added(key: str, value: str, **more):
    return {"header": {"key": key, "value": value}, **more}


def test_hosts_are_found_by_domain() -> None:
    hosts = [{"name": "web", "domains": ["Web", "*.web"]}, {"name": "rest", "domains": ["*"]}]

    found = routes_of_dump("80", node({"virtual_hosts": hosts}))

    assert [found.virtual_host(host).name for host in ("web", "a.web", "db")] == ["web", "web", "rest"]


def test_a_configuration_that_the_proxy_has_not_got_is_empty() -> None:
    assert routes_of_dump("80", None).virtual_host("web") is None


def test_a_route_leads_to_a_cluster() -> None:
    found = only_route({"name": "r", "route": {"cluster": "c"}})

    assert (found.name, [each.cluster for each in found.clusters], found.unknown) == ("r", ["c"], ())


def test_weights_choose_and_a_weight_of_nothing_does_not_count() -> None:
    clusters = [{"name": "a", "weight": 1}, {"name": "b", "weight": 3}, {"name": "c"}]

    found = only_route({"route": {"weighted_clusters": {"clusters": clusters}}})

    assert [(each.cluster, each.weight) for each in found.clusters] == [("a", 1), ("b", 3)]


@pytest.mark.parametrize(("given", "code"), [({}, 301), ({"response_code": "FOUND"}, 302)])
def test_a_redirect_has_a_code(given, code) -> None:
    assert only_route({"redirect": given}).redirect.code == code


def test_a_direct_response_has_a_status() -> None:
    assert only_route({"direct_response": {"status": 502}}).direct_response.status == 502


@pytest.mark.parametrize(
    ("percentage", "percent"),
    [({"numerator": 10}, 10), ({"numerator": 500_000, "denominator": "MILLION"}, 50), ({}, 0)],
)
def test_a_fault_aborts_some_of_the_requests(percentage, percent) -> None:
    fault = {"abort": {"http_status": 418, "percentage": percentage}}

    found = only_route({"route": {"cluster": "c"}, "typed_per_filter_config": {"envoy.filters.http.fault": fault}})

    assert (found.abort.status, found.abort.percent) == (418, percent)


def test_a_delay_is_no_abort() -> None:
    fault = {"delay": {"fixed_delay": "5s"}}

    assert only_route({"typed_per_filter_config": {"envoy.filters.http.fault": fault}, "route": {}}).abort is None


@pytest.mark.parametrize(("more", "forwards"), [({}, True), ({"forward_not_matching_preflights": False}, False)])
def test_a_route_may_answer_preflights(more, forwards) -> None:
    origins = [{"exact": "https://a"}, {"exact": "B", "ignore_case": True}]
    policy = {"allow_origin_string_match": origins, **more}

    found = only_route({"route": {"cluster": "c"}, "typed_per_filter_config": {"envoy.filters.http.cors": policy}})

    assert ([each.value for each in found.cors.origins], found.cors.forwards) == (["https://a"], forwards)
    assert only_route({"route": {"cluster": "c"}}).cors is None


def test_what_is_forwarded_may_be_rewritten() -> None:
    regex = {"pattern": {"regex": "^/a"}, "substitution": "/b"}

    found = only_route({"route": {"prefix_rewrite": "/x", "host_rewrite_literal": "db", "regex_rewrite": regex}})

    assert found.rewrite == Rewrite("/x", "db", "^/a", "/b")


def test_headers_are_changed_from_the_route_outwards() -> None:
    route = {
        "request_headers_to_add": [added("X-A", "1"), added("x-b", "2", append_action="OVERWRITE_IF_EXISTS_OR_ADD")]
    }
    host = {"request_headers_to_add": [added("x-c", "3", append=False)], "request_headers_to_remove": ["X-D"]}

    found = only_route({"route": {"cluster": "c"}, **route}, **host)

    assert found.headers == HeaderOperations((("x-b", "2"), ("x-c", "3")), (("x-a", "1"),), ("x-d",))


@pytest.mark.parametrize(
    ("action", "code"),
    [({}, 503), ({"cluster_not_found_response_code": "INTERNAL_SERVER_ERROR"}, 500)],
)
def test_a_cluster_that_is_missing_is_answered_as_the_route_says(action, code) -> None:
    assert only_route({"route": {"cluster": "c", **action}}).not_found_code == code


@pytest.mark.parametrize(
    ("policy", "retries"),
    [
        ({}, 0),
        ({"retry_on": "connect-failure,cancelled", "num_retries": 2}, 2),
        ({"retry_on": "5xx"}, 1),
        ({"retry_on": "cancelled", "num_retries": 2}, 0),
        ({"retry_on": "connect-failure", "num_retries": 0}, 0),
    ],
)
def test_failed_connections_are_retried_as_often_as_the_policy_says(policy, retries) -> None:
    assert only_route({"route": {"cluster": "c", "retry_policy": policy}}).retries == retries


@pytest.mark.parametrize(
    ("route", "unknown"),
    [
        ({"route": {"cluster_header": "x-cluster"}}, "cluster_header"),
        ({"route": {"cluster": "c"}, "match": {"prefix": "/", "runtime_fraction": {}}}, "runtime_fraction"),
        ({"non_forwarding_action": {}}, "a route without an action of these kinds"),
    ],
)
def test_what_is_not_modelled_is_named(route, unknown) -> None:
    assert only_route(route).unknown == (unknown,)
