"""Who calls whom, drawn together from calls."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.flow.connection import Endpoint
from analyzer.report.graph import build_graph, callee


def test_calls_of_one_source_to_one_target_are_one_edge(shop):
    graph = build_graph(shop.calls)

    assert sum(edge.calls for edge in graph.edges) == len(shop.calls)
    assert len({(edge.source, edge.target) for edge in graph.edges}) == len(graph.edges)
    assert set(graph.nodes) == {end for edge in graph.edges for end in (edge.source, edge.target)}


def test_the_worst_verdict_gives_an_edge_its_colour(shop):
    call = shop.calls[0]
    worse = replace(call, decision=replace(call.decision, verdict="dropped"))

    (edge,) = build_graph([call, worse, call]).edges

    assert (edge.worst, edge.counts) == ("dropped", (("dropped", 1), ("service-matched", 2)))


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"server_pod": "shop/db-0"}, "shop/db-0"),
        ({"server_pod": None, "host": "api.example.com:8443"}, "api.example.com"),
        ({"server_pod": None, "host": None, "sni": "db.example.com"}, "db.example.com"),
        ({"server_pod": None, "host": None, "sni": None}, "10.96.0.11"),
    ],
)
def test_the_target_is_the_pod_else_the_name_else_the_address(shop, fields, name):
    call = shop.calls[0]

    assert callee(replace(call, decision=replace(call.decision, inbound=None), **fields)) == name


def test_only_so_many_edges_are_kept_those_that_drop_calls_then_those_with_most(shop):
    most = build_graph(shop.calls).edges

    first, second = (build_graph(shop.calls, most=number) for number in (1, 2))

    assert second.left_out == len(most) - 2
    assert first.edges[0].worst == "dropped"
    (other,) = set(second.edges) - set(first.edges)
    assert other.calls == max(edge.calls for edge in most if edge.worst != "dropped")


def test_without_calls_there_is_nothing(empty):
    assert build_graph(empty.calls).nodes == ()


def test_who_calls_a_loopback_address_calls_its_own_pod(shop):
    call = replace(shop.calls[0], server=Endpoint("127.0.0.1", 15000), host="localhost", server_pod=None)

    assert callee(call) == call.pod
