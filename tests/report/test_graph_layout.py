"""Where names stand, and how edges pass between them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.report.graph import Graph, GraphEdge
from analyzer.report.graph_layout import columns_of, lay_out


def graph_of(*pairs):
    edges = tuple(GraphEdge(source, target, (("dropped", 2),)) for source, target in sorted(set(pairs)))
    return Graph(tuple(sorted({name for pair in pairs for name in pair})), edges)


def placed(*pairs):
    return lay_out(graph_of(*pairs), lambda name: 10.0 * len(name), left=0, top=0)


def test_callers_stand_left_of_those_they_call():
    assert columns_of(graph_of(("a", "b"), ("b", "c"), ("a", "c"))) == {"a": 0, "b": 1, "c": 2}


def test_a_circle_has_a_place_all_the_same():
    assert columns_of(graph_of(("a", "b"), ("b", "a"), ("b", "b"))) == {"a": 0, "b": 1}


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_columns_have_no_holes(pairs):
    columns = set(columns_of(graph_of(*pairs)).values())

    assert columns == set(range(len(columns)))


@pytest.mark.parametrize("size", [2_000])
def test_a_long_chain_needs_no_recursion(size):
    names = [f"{number:05}" for number in range(size)]

    assert columns_of(graph_of(*pairwise(names)))[names[-1]] == size - 1


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), min_size=1, max_size=25))
@settings(max_examples=60, deadline=None)
def test_no_edge_passes_behind_a_box(pairs):
    layout = placed(*pairs)

    for route in layout.routes:
        for left, right, level in route.stops:
            beside = [box for box in layout.boxes.values() if box.x < right and box.x + box.width > left]
            assert all(level < box.y or level > box.y + box.height for box in beside)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), min_size=1, max_size=25))
@settings(max_examples=60, deadline=None)
def test_every_edge_has_its_own_point_on_a_box(pairs):
    layout = placed(*pairs)

    for points in ([route.tip for route in layout.routes], [route.start for route in layout.routes]):
        assert len(set(points)) == len(points)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), min_size=1, max_size=25))
@settings(max_examples=60, deadline=None)
def test_everything_lies_within_the_picture(pairs):
    layout = placed(*pairs)

    lowest = [box.y + box.height for box in layout.boxes.values()] + [route.lane or 0 for route in layout.routes]
    assert max(lowest) <= layout.height + 10
    assert max(box.x + box.width for box in layout.boxes.values()) <= layout.width


def test_names_stand_near_those_that_call_them():
    layout = placed(("a", "z"), ("b", "y"), ("c", "x"))

    assert layout.boxes["z"].y < layout.boxes["y"].y < layout.boxes["x"].y


def test_who_calls_itself_has_a_loop_under_its_own_box():
    layout = placed(("a", "a"), ("b", "b"), ("c", "c"))

    lanes = {route.edge.source: route.lane for route in layout.routes}
    assert all(0 < lanes[name] - (box.y + box.height) < 14 for name, box in layout.boxes.items())


def test_nothing_has_no_place():
    layout = lay_out(Graph((), ()), lambda _: 0.0, left=0, top=0)

    assert (layout.boxes, layout.routes) == ({}, ())
