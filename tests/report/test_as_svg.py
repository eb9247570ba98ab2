"""The graph as a picture."""

from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree

from analyzer.report.as_svg import svg_lines
from analyzer.report.graph import Graph, GraphEdge

SVG = "{http://www.w3.org/2000/svg}"


def graph_of(*pairs):
    edges = tuple(GraphEdge(source, target, (("dropped", 2),)) for source, target in sorted(set(pairs)))
    return Graph(tuple(sorted({name for pair in pairs for name in pair})), edges)


def parsed(graph):
    return ElementTree.fromstring("\n".join(svg_lines(graph)))


def test_the_picture_has_a_box_for_each_node_and_a_title_for_each_edge():
    picture = parsed(graph_of(("a", "b"), ("b", "a"), ("c", "c")))

    texts = {text.text for text in picture.iter(f"{SVG}text")}
    assert {"a", "b", "c", "dropped"} <= texts
    titles = [group.findtext(f"{SVG}title") for group in picture.iter(f"{SVG}g")]
    assert sorted(titles) == ["a → b: 2 dropped", "b → a: 2 dropped", "c → c: 2 dropped"]


def test_boxes_do_not_lie_on_each_other():
    picture = parsed(graph_of(*((f"from-{i % 7}", f"to-{i % 5}") for i in range(40)), ("to-1", "end")))

    boxes = [
        tuple(float(rect.get(side)) for side in ("x", "y", "width", "height"))
        for rect in picture.iter(f"{SVG}rect")
        if rect.get("rx")
    ]
    for (x, y, width, height), (u, v, wide, high) in combinations(boxes, 2):
        assert x + width <= u or u + wide <= x or y + height <= v or v + high <= y


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


def test_numbers_at_a_box_do_not_lie_on_each_other():
    picture = parsed(graph_of(*((f"from-{i}", "to") for i in range(9)), ("from-1", "beside"), ("beside", "to")))

    places = [(float(t.get("x")), float(t.get("y"))) for t in picture.iter(f"{SVG}text") if t.get("text-anchor")]
    assert len(places) == 11
    assert all(x != u or abs(y - v) >= 11 for (x, y), (u, v) in combinations(places, 2))


def test_an_edge_that_leads_back_goes_around_under_the_boxes():
    picture = parsed(graph_of(("a", "b"), ("b", "c"), ("c", "a")))

    bottom = max(float(r.get("y")) + float(r.get("height")) for r in picture.iter(f"{SVG}rect") if r.get("rx"))
    curves = {g.findtext(f"{SVG}title")[:5]: g.find(f"{SVG}path").get("d") for g in picture.iter(f"{SVG}g")}
    assert float(curves["c → a"].split(" H ")[0].rpartition(" ")[2]) > bottom
    assert " H " not in curves["a → b"]
