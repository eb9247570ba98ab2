"""The graph as a picture."""

from __future__ import annotations

from itertools import combinations, pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.report.as_svg import columns_of, svg_lines
from analyzer.report.graph import Graph, GraphEdge

SVG = "{http://www.w3.org/2000/svg}"


def graph_of(*pairs):
    edges = tuple(GraphEdge(source, target, (("dropped", 2),)) for source, target in sorted(set(pairs)))
    return Graph(tuple(sorted({name for pair in pairs for name in pair})), edges)


def parsed(graph):
    return ElementTree.fromstring("\n".join(svg_lines(graph)))


def test_callers_stand_left_of_those_they_call():
    assert columns_of(graph_of(("a", "b"), ("b", "c"), ("a", "c"))) == {"a": 0, "b": 1, "c": 2}


def test_a_circle_has_a_place_all_the_same():
    assert columns_of(graph_of(("a", "b"), ("b", "a"), ("b", "b"))) == {"a": 0, "b": 1}


def test_the_picture_has_a_box_for_each_node_and_a_title_for_each_edge():
    picture = parsed(graph_of(("a", "b"), ("b", "a"), ("c", "c")))

    texts = {text.text for text in picture.iter(f"{SVG}text")}
    assert {"a", "b", "c", "dropped"} <= texts
    titles = [group.findtext(f"{SVG}title") for group in picture.iter(f"{SVG}g")]
    assert titles == ["a → b: 2 dropped", "b → a: 2 dropped", "c → c: 2 dropped"]


def test_boxes_do_not_lie_on_each_other():
    picture = parsed(graph_of(*((f"from-{i % 7}", f"to-{i % 5}") for i in range(40)), ("to-1", "end")))

    boxes = [
        tuple(float(rect.get(side)) for side in ("x", "y", "width", "height"))
        for rect in picture.iter(f"{SVG}rect")
        if rect.get("rx")
    ]
    for (x, y, width, height), (u, v, wide, high) in combinations(boxes, 2):
        assert x + width <= u or u + wide <= x or y + height <= v or v + high <= y


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_columns_have_no_holes(pairs):
    columns = set(columns_of(graph_of(*pairs)).values())

    assert columns == set(range(len(columns)))


@pytest.mark.parametrize("size", [2_000])
def test_a_long_chain_needs_no_recursion(size):
    names = [f"{number:05}" for number in range(size)]

    assert columns_of(graph_of(*pairwise(names)))[names[-1]] == size - 1


def test_names_from_the_wire_are_text(hostile_names):
    picture = parsed(graph_of(*((name, f"{name}\ufffe\uffff") for name in hostile_names)))

    assert {element.tag.removeprefix(SVG) for element in picture.iter()} == {
        "svg",
        "title",
        "rect",
        "path",
        "text",
        "g",
    }
