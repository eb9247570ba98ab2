"""``meshverdict graph``: who calls whom, coloured by verdict."""

from __future__ import annotations

import json

import pytest


@pytest.mark.parametrize(("form", "begin"), [("dot", "digraph"), ("mermaid", "flowchart"), ("svg", "<svg")])
def test_the_graph_comes_in_each_form(cli, naked, mesh, form, begin):
    answer = cli("graph", naked, "-m", mesh, "-o", form)

    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(begin)


def test_the_edges_have_the_verdicts_of_the_calls(cli, sleep, mesh):
    edges = json.loads(cli("graph", sleep, "-m", mesh, "-o", "json").out)["edges"]

    dropped = [edge for edge in edges if "dropped" in edge["verdicts"]]
    assert {(edge["source"], edge["target"]) for edge in dropped} >= {("shop/sleep-0", "reviews")}


def test_the_graph_may_go_to_a_file_and_be_of_an_interval(cli, naked, tmp_path):
    path = tmp_path / "calls.dot"

    assert cli("graph", naked, "--until", "1", "--out", path).out == ""
    assert "->" not in path.read_text()


def test_a_capture_that_breaks_off_is_told(cli, cut):
    assert cli("graph", cut).code == 3


def test_a_filter_chooses_the_calls(cli, sleep, mesh):
    edges = json.loads(cli("graph", sleep, "-m", mesh, "-o", "json", "--where", 'verdict == "dropped"').out)["edges"]

    assert sum(edge["calls"] for edge in edges) == 7
