"""The graph as DOT, Mermaid and JSON."""

from __future__ import annotations

import json
import re

import pytest

from analyzer.base.fact import replace
from analyzer.report import as_graph
from analyzer.report.as_graph import COLOURS, GRAPHS, render_graph
from analyzer.report.graph import Graph, GraphEdge


def drawn(run, output_format, **options):
    return b"".join(render_graph(run, output_format, **options)).decode()


def test_dot_has_a_line_for_each_node_and_edge(shop):
    text = drawn(shop, "dot")

    graph = json.loads(drawn(shop, "json"))
    assert len(re.findall(r"^  n\d+ \[", text, re.MULTILINE)) == len(graph["nodes"])
    assert len(re.findall(r"^  n\d+ -> n\d+ \[", text, re.MULTILINE)) == len(graph["edges"])
    assert COLOURS["dropped"] in text


def test_mermaid_colours_each_link(shop):
    text = drawn(shop, "mermaid")

    assert text.startswith("flowchart LR\n")
    assert text.count("linkStyle") == len(json.loads(drawn(shop, "json"))["edges"])


def test_json_has_the_calls_by_verdict(shop):
    edges = json.loads(drawn(shop, "json"))["edges"]

    assert sum(edge["calls"] for edge in edges) == len(shop.calls)
    assert all(sum(edge["verdicts"].values()) == edge["calls"] for edge in edges)
    assert any("undetermined" in edge["verdicts"] for edge in edges)


@pytest.mark.parametrize("output_format", sorted(GRAPHS))
def test_what_is_left_out_is_said(output_format):
    lines = GRAPHS[output_format](Graph(("a", "b"), (GraphEdge("a", "b", (("dropped", 1),)),), left_out=1_234))

    assert "1,234 edges with fewer calls are left out" in "\n".join(lines)


@pytest.mark.parametrize("output_format", ["dot", "json", "mermaid", "svg"])
def test_a_run_without_calls_is_an_empty_picture(empty, output_format):
    assert drawn(empty, output_format)


@pytest.mark.parametrize("output_format", ["dot", "json", "mermaid", "svg"])
def test_nothing_invisible_comes_through(hostile, output_format):
    text = drawn(hostile, output_format)

    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028]", text)


def test_a_name_stays_within_its_quotes_in_dot(hostile):
    for line in drawn(hostile, "dot").splitlines():
        assert len(re.findall(r'(?<!\\)(?:\\\\)*"', line)) % 2 == 0


def test_a_name_brings_no_markup_into_mermaid(hostile):
    for line in drawn(hostile, "mermaid").splitlines():
        label = re.search(r'"(.*)"', line)
        assert label is None or not re.search(r'["<>`{}|;](?<!\d;)', label[1])


def test_secrets_are_kept_unless_they_are_asked_for(shop):
    secret = replace(shop, calls=tuple(
        replace(call, host="user:hunter2@api", server_pod=None, decision=replace(call.decision, inbound=None))
        for call in shop.calls
    ))  # fmt: skip

    assert "hunter2" not in drawn(secret, "dot")
    assert "hunter2" in drawn(secret, "dot", redact=False)


def test_every_verdict_has_its_own_colour():
    assert len(set(as_graph.COLOURS.values())) == 5
