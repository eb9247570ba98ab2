"""Listeners and chains of a dump."""

from __future__ import annotations

import json

import pytest

from analyzer.mesh.dump.chains import chain_of, listener_for
from analyzer.mesh.resource import Node
from analyzer.mesh.source import read_documents

NETWORK = "type.googleapis.com/envoy.extensions.filters.network."
PROXY = {"name": "envoy.filters.network.tcp_proxy", "typed_config": {"@type": f"{NETWORK}tcp_proxy.v3.TcpProxy"}}


def node(content) -> Node:
    root = next(iter(read_documents(json.dumps(content), "dump.json", [])))
    return Node("dump.json", root, root, (), [])


def tcp(name: str = "", *, to: str = "c", filters=(), **match):
    config = {**PROXY, "typed_config": {**PROXY["typed_config"], "cluster": to}}
    return {"name": name, "filter_chain_match": match, "filters": [*filters, config]}


def manager(**config):
    kind = f"{NETWORK}http_connection_manager.v3.HttpConnectionManager"
    return {"filters": [{"name": "hcm", "typed_config": {"@type": kind, **config}}]}


def test_what_a_chain_matches_is_read() -> None:
    found = chain_of(
        node(
            tcp(
                transport_protocol="tls", application_protocols=["istio"], server_names=["A.com"], destination_port=80,
                prefix_ranges=[{"address_prefix": "10.0.0.0", "prefix_len": 8}, {"address_prefix": "junk"}],
            )
        )
    )  # fmt: skip

    assert (found.transport, found.alpn, found.server_names, found.port) == ("tls", ("istio",), ("a.com",), 80)
    assert [str(each) for each in found.prefixes] == ["10.0.0.0/8"]
    assert found.unknown == ()


def test_a_tcp_proxy_leads_to_its_clusters() -> None:
    weighted = {"clusters": [{"name": "a", "weight": 1}, {"name": "b", "weight": 3}]}
    config = {**PROXY, "typed_config": {**PROXY["typed_config"], "weighted_clusters": weighted}}

    single, split = chain_of(node(tcp(to="a"))), chain_of(node({"filters": [config]}))

    assert [(each.cluster, each.weight) for each in single.clusters] == [("a", 1)]
    assert [(each.cluster, each.weight) for each in split.clusters] == [("a", 1), ("b", 3)]


@pytest.mark.parametrize(
    ("config", "name"), [({"rds": {"route_config_name": "80"}}, "80"), ({"route_config": {"name": "own"}}, "own")]
)
def test_a_connection_manager_names_its_routes(config, name) -> None:
    found = chain_of(node(manager(**config)))

    assert (found.rds, found.clusters) == (name, ())


@pytest.mark.parametrize(
    ("config", "policy"),
    [
        ({}, "NONE"),
        ({"normalize_path": True}, "BASE"),
        ({"normalize_path": True, "merge_slashes": True}, "MERGE_SLASHES"),
        (
            {"normalize_path": True, "path_with_escaped_slashes_action": "UNESCAPE_AND_FORWARD"},
            "DECODE_AND_MERGE_SLASHES",
        ),
    ],
)
def test_paths_are_normalised_as_the_connection_manager_says(config, policy) -> None:
    assert chain_of(node(manager(**config))).path_normalization == policy


def test_a_chain_without_a_connection_manager_normalises_nothing() -> None:
    found = chain_of(node(tcp()))

    assert (found.path_normalization, found.http10) == ("NONE", False)


def test_http10_is_taken_where_the_connection_manager_says_so() -> None:
    assert chain_of(node(manager(http_protocol_options={"accept_http_10": True}))).http10


def test_request_ids_are_made_unless_the_connection_manager_says_otherwise() -> None:
    assert chain_of(node(manager())).request_ids
    assert not chain_of(node(manager(generate_request_id=False))).request_ids


def test_a_chain_ends_tls_where_it_has_such_a_socket() -> None:
    socket = {"typed_config": {"@type": "type.googleapis.com/envoy.x.v3.DownstreamTlsContext"}}

    assert chain_of(node({**tcp(), "transport_socket": socket})).terminates
    assert not chain_of(node(tcp())).terminates


@pytest.mark.parametrize("name", ["istio.stats", "istio.metadata_exchange", "envoy.filters.network.rbac"])
def test_filters_that_are_known_are_not_remarked(name) -> None:
    assert chain_of(node(tcp(filters=[{"name": name}]))).unknown == ()


@pytest.mark.parametrize("name", ["envoy.filters.http.router", "istio.alpn", "envoy.filters.http.jwt_authn"])
def test_http_filters_that_are_known_are_not_remarked(name) -> None:
    assert chain_of(node(manager(http_filters=[{"name": name}]))).unknown == ()


@pytest.mark.parametrize(
    ("chain", "unknown"),
    [
        (tcp(filters=[{"name": "envoy.filters.network.wasm"}]), "envoy.filters.network.wasm"),
        (manager(http_filters=[{"name": "envoy.filters.http.lua"}]), "envoy.filters.http.lua"),
        (tcp(source_ports=[80]), "filter_chain_match.source_ports"),
        ({"filters": [{"name": "istio.stats"}]}, "a chain without a connection manager or TCP proxy"),
    ],
)
def test_what_is_not_modelled_is_named(chain, unknown) -> None:
    assert chain_of(node(chain)).unknown == (unknown,)


def test_a_tunnel_is_not_modelled() -> None:
    config = {**PROXY, "typed_config": {**PROXY["typed_config"], "cluster": "c", "tunneling_config": {}}}

    assert chain_of(node({"filters": [config]})).unknown == ("tunneling_config",)


def test_a_filter_that_is_switched_off_is_not_remarked() -> None:
    assert chain_of(node(manager(http_filters=[{"name": "envoy.filters.http.lua", "disabled": True}]))).unknown == ()


def test_chains_of_the_port_come_before_those_of_any() -> None:
    content = node({"name": "l", "filter_chains": [tcp("any"), tcp("own", destination_port=80)]})

    assert [chain.name for chain in listener_for(content, 80).chains] == ["own"]
    assert [chain.name for chain in listener_for(content, 81).chains] == ["any"]


def test_the_default_chain_is_kept_apart() -> None:
    found = listener_for(node({"name": "l", "default_filter_chain": tcp("rest")}), 80)

    assert (found.chains, found.default_chain.name) == ((), "rest")
    assert listener_for(node({"name": "l"}), 80).default_chain is None


@pytest.mark.parametrize(
    ("disabled", "inspects"),
    [
        (None, True),
        ({"any_match": True}, False),
        ({"destination_port_range": {"start": 80, "end": 81}}, False),
        ({"destination_port_range": {"start": 81, "end": 82}}, True),
        ({"not_match": {"destination_port_range": {"start": 81, "end": 82}}}, False),
        ({"or_match": {"rules": [{"destination_port_range": {"start": 80, "end": 81}}, {"any_match": False}]}}, False),
        ({"and_match": {"rules": [{"destination_port_range": {"start": 80, "end": 81}}, {"any_match": False}]}}, True),
    ],
)
def test_an_inspector_may_be_switched_off_for_some_ports(disabled, inspects) -> None:
    filters = [{"name": "envoy.filters.listener.tls_inspector", **({"filter_disabled": disabled} if disabled else {})}]

    found = listener_for(node({"name": "l", "listener_filters": filters}), 80)

    assert (found.tls_inspector, found.http_inspector) == (inspects, False)


@pytest.mark.parametrize(
    ("fields", "timeout_ns"),
    [
        ({}, 15_000_000_000),
        ({"listener_filters_timeout": "0s"}, 0),
        ({"listener_filters_timeout": "0.100s"}, 100_000_000),
        ({"listener_filters_timeout": "soon"}, 15_000_000_000),
    ],
)
def test_a_listener_waits_as_long_as_it_says_or_fifteen_seconds(fields, timeout_ns) -> None:
    assert listener_for(node({"name": "l", **fields}), 80).detection_timeout_ns == timeout_ns
