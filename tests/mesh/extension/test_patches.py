"""Which patches touch a call's way, and which of them could change its end."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.mesh.extension.patches import HARMLESS_FIELDS, HTTP_CONNECTION_MANAGER, TCP_PROXY, may_decide, patches_at
from analyzer.mesh.extension.spot import GATEWAY, SIDECAR_INBOUND, SIDECAR_OUTBOUND, Spot
from analyzer.mesh.proxy import proxy_of

WEB = "outbound|80||web.shop.svc.cluster.local"
OUT = Spot(
    SIDECAR_OUTBOUND, "0.0.0.0_80", 80, 80, http=True, transport="raw_buffer", route_config="80",
    virtual_host="web.shop.svc.cluster.local:80", route="default", cluster=WEB,
)  # fmt: skip
TCP = replace(OUT, http=False, route_config=None, virtual_host=None, route=None)
IN = replace(OUT, context=SIDECAR_INBOUND, listener="virtualInbound", port=8080, cluster="inbound|8080||")


@pytest.fixture
def patched(world):
    """The patches of one EnvoyFilter that touch the way of a call at a spot."""

    def find(apply_to, operation, spot, *, match=None, value=None):
        patch = {"operation": operation, "value": value or {}}
        world.pod().add(
            "EnvoyFilter", "f", {"configPatches": [{"applyTo": apply_to, "match": match or {}, "patch": patch}]}
        )
        mesh = world.mesh()
        return [found for _, found in patches_at(mesh, proxy_of(mesh, mesh.pods[0]), spot)]

    return find


@pytest.mark.parametrize(
    ("context", "spot", "touched"),
    [
        ("ANY", OUT, True),
        ("SIDECAR_OUTBOUND", OUT, True),
        ("SIDECAR_INBOUND", OUT, False),
        ("SIDECAR_INBOUND", IN, True),
        ("GATEWAY", replace(OUT, context=GATEWAY), True),
    ],
)
def test_the_context_must_be_the_calls(patched, context, spot, touched) -> None:
    assert bool(patched("HTTP_FILTER", "INSERT_FIRST", spot, match={"context": context})) is touched


@pytest.mark.parametrize("apply_to", ["HTTP_FILTER", "ROUTE_CONFIGURATION", "VIRTUAL_HOST", "HTTP_ROUTE"])
def test_what_belongs_to_http_does_not_touch_other_bytes(patched, apply_to) -> None:
    assert patched(apply_to, "ADD", TCP) == []


@pytest.mark.parametrize(
    ("listener", "touched"),
    [
        ({}, True),
        ({"name": "0.0.0.0_80"}, True),
        ({"name": "0.0.0.0_81"}, False),
        ({"portNumber": 80}, True),
        ({"portNumber": 81}, False),
        ({"filterChain": {"sni": "a.example.com"}}, False),
        ({"filterChain": {"sni": "*.example.com"}}, True),
        ({"filterChain": {"name": "other"}}, True),
        ({"filterChain": {"transportProtocol": "tls"}}, False),
        ({"filterChain": {"transportProtocol": "raw_buffer"}}, True),
        ({"filterChain": {"destinationPort": 81}}, False),
        ({"filterChain": {"filter": {"name": HTTP_CONNECTION_MANAGER}}}, True),
        ({"filterChain": {"filter": {"name": TCP_PROXY}}}, False),
    ],
)
def test_conditions_on_the_listener_must_fit(patched, listener, touched) -> None:
    assert bool(patched("NETWORK_FILTER", "INSERT_FIRST", OUT, match={"listener": listener})) is touched


def test_a_chain_that_is_known_by_name_must_be_the_one(patched) -> None:
    match = {"listener": {"filterChain": {"name": "other"}}}

    assert patched("FILTER_CHAIN", "MERGE", replace(OUT, filter_chain="0.0.0.0_8080"), match=match) == []


def test_a_chains_conditions_do_not_narrow_a_patch_of_the_listener(patched) -> None:
    match = {"listener": {"filterChain": {"destinationPort": 81}}}

    assert patched("LISTENER", "MERGE", OUT, match=match)


def test_a_new_listener_touches_every_call(patched) -> None:
    assert patched("LISTENER", "ADD", OUT, match={"listener": {"portNumber": 81}})


@pytest.mark.parametrize(
    ("apply_to", "operation", "route", "touched"),
    [
        ("ROUTE_CONFIGURATION", "MERGE", {"name": "80"}, True),
        ("ROUTE_CONFIGURATION", "MERGE", {"name": "81"}, False),
        ("ROUTE_CONFIGURATION", "MERGE", {"portNumber": 81}, False),
        ("VIRTUAL_HOST", "MERGE", {"vhost": {"name": "db:80"}}, False),
        ("VIRTUAL_HOST", "ADD", {"vhost": {"name": "db:80"}}, True),
        ("HTTP_ROUTE", "MERGE", {"vhost": {"route": {"name": "default"}}}, True),
        ("HTTP_ROUTE", "MERGE", {"vhost": {"route": {"name": "v2"}}}, False),
        ("HTTP_ROUTE", "INSERT_BEFORE", {"vhost": {"route": {"name": "v2"}}}, True),
        ("HTTP_ROUTE", "INSERT_FIRST", {"vhost": {"name": "db:80"}}, False),
    ],
)
def test_conditions_on_the_route_must_fit(patched, apply_to, operation, route, touched) -> None:
    assert bool(patched(apply_to, operation, OUT, match={"routeConfiguration": route})) is touched


def test_a_gateways_route_goes_by_the_services_port_which_is_not_the_pods(patched) -> None:
    spot = replace(OUT, context=GATEWAY, port=8080, traffic_port=8080)

    assert patched("VIRTUAL_HOST", "MERGE", spot, match={"routeConfiguration": {"portNumber": 80}})


@pytest.mark.parametrize(
    ("cluster", "spot", "touched"),
    [
        ({}, OUT, True),
        ({"name": WEB}, OUT, True),
        ({"name": "outbound|80||db"}, OUT, False),
        ({"service": "web.shop.svc.cluster.local", "portNumber": 80}, OUT, True),
        ({"service": "db.shop.svc.cluster.local"}, OUT, False),
        ({"subset": "v1"}, OUT, False),
        ({"portNumber": 81}, OUT, False),
        ({"service": "web.shop.svc.cluster.local"}, IN, True),
        ({}, replace(OUT, cluster=None), False),
    ],
)
def test_conditions_on_the_cluster_must_fit(patched, cluster, spot, touched) -> None:
    assert bool(patched("CLUSTER", "MERGE", spot, match={"cluster": cluster})) is touched


def test_a_cluster_without_a_context_is_added_on_the_way_out_only(patched) -> None:
    assert patched("CLUSTER", "ADD", OUT)
    assert patched("CLUSTER", "ADD", IN) == []


@pytest.mark.parametrize(
    ("apply_to", "operation", "value"),
    [
        ("BOOTSTRAP", "MERGE", {"stats_config": {}}),
        ("EXTENSION_CONFIG", "ADD", {"name": "own"}),
        ("CLUSTER", "MERGE", {"connect_timeout": "1s"}),
        ("CLUSTER", "ADD", {"name": "jaeger"}),
        ("LISTENER", "MERGE", {"perConnectionBufferLimitBytes": 1}),
        ("NETWORK_FILTER", "MERGE", {"typed_config": {"@type": "x", "tracing": {}, "access_log": []}}),
        ("NETWORK_FILTER", "INSERT_BEFORE", {"name": "istio.stats"}),
        ("HTTP_FILTER", "INSERT_BEFORE", {"name": "istio.stats"}),
        ("HTTP_ROUTE", "MERGE", {"route": {"timeout": "5s", "retry_policy": {}}}),
        ("VIRTUAL_HOST", "MERGE", {"response_headers_to_add": []}),
        ("ROUTE_CONFIGURATION", "MERGE", {"response_headers_to_remove": []}),
    ],
)
def test_a_harmless_patch_changes_no_verdict(patched, apply_to, operation, value) -> None:
    (patch,) = patched(apply_to, operation, OUT, value=value)

    assert not may_decide(patch, OUT)


@pytest.mark.parametrize(
    ("apply_to", "operation", "value"),
    [
        ("CLUSTER", "REMOVE", {}),
        ("CLUSTER", "ADD", {"name": WEB}),
        ("LISTENER", "REMOVE", {}),
        ("LISTENER", "MERGE", {"listener_filters_timeout": "1s"}),
        ("LISTENER_FILTER", "ADD", {"name": "envoy.filters.listener.proxy_protocol"}),
        ("FILTER_CHAIN", "MERGE", {"filter_chain_match": {}}),
        ("NETWORK_FILTER", "MERGE", {"typed_config": {"normalize_path": False}}),
        ("NETWORK_FILTER", "INSERT_FIRST", {"name": "envoy.filters.network.rbac"}),
        ("HTTP_FILTER", "INSERT_BEFORE", {"name": "envoy.filters.http.lua"}),
        ("HTTP_FILTER", "REMOVE", {}),
        ("HTTP_ROUTE", "MERGE", {"route": {"cluster": "other"}}),
        ("HTTP_ROUTE", "MERGE", {"route": {}}),
        ("VIRTUAL_HOST", "ADD", {"name": "own", "domains": ["*"]}),
        ("ROUTE_CONFIGURATION", "MERGE", {"request_headers_to_add": []}),
        ("SOMETHING_NEW", "MERGE", {"name": "own", "x": 1}),
    ],
)
def test_everything_else_could_change_it(patched, apply_to, operation, value) -> None:
    (patch,) = patched(apply_to, operation, OUT, value=value)

    assert may_decide(patch, OUT)


def test_a_filter_that_is_taken_out_is_judged_by_its_own_name(patched) -> None:
    match = {
        "listener": {"filterChain": {"filter": {"name": HTTP_CONNECTION_MANAGER, "subFilter": {"name": "istio.stats"}}}}
    }

    (patch,) = patched("HTTP_FILTER", "REMOVE", OUT, match=match)

    assert not may_decide(patch, OUT)


def test_the_harmless_fields_are_envoys_spelling() -> None:
    assert all(field == field.lower() and " " not in field for fields in HARMLESS_FIELDS.values() for field in fields)
