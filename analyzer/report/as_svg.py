"""The graph of calls as an SVG picture: callers on the left, whom they call to the right of them.

A simple layered layout: an edge leads at least one column to the right, but for those that close a circle; within a
column nodes stand near those that call them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

from analyzer.report.as_graph import COLOURS, edge_label, label_of, left_out_phrase
from analyzer.report.graph import Graph, GraphEdge
from analyzer.report.phrase import VERDICT_ORDER, verdict_word

# In pixels; a character of the monospace font takes 0.6 of its size.
_FONT, _CHARACTER = 12, 7.3
_HEIGHT, _ROW, _GAP, _MARGIN, _LEGEND = 26, 42, 210, 16, 34
# Characters that XML 1.0 does not allow and that are not invisible either (section 2.2).
_NOT_XML = re.compile("[\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class _Box:
    x: float
    y: float
    width: float

    @property
    def middle(self) -> float:
        return self.y + _HEIGHT / 2


def svg_lines(graph: Graph) -> Iterator[str]:
    """The picture, with a legend; each edge has its calls by verdict as a title that a pointer shows."""
    boxes = _place(graph)
    right = max((box.x + box.width for box in boxes.values()), default=0)
    bottom = max((box.y + _HEIGHT for box in boxes.values()), default=_LEGEND)
    width, height = max(right + _MARGIN, 640), bottom + _MARGIN + (20 if graph.left_out else 0)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" font-family="monospace" font-size="{_FONT}" role="img">'
    )
    yield "<title>Who calls whom, coloured by verdict</title>"
    yield f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>'
    yield from _legend()
    for edge in graph.edges:
        yield from _edge(edge, boxes)
    for name, box in boxes.items():
        yield from _node(name, box)
    if graph.left_out:
        yield f'<text x="{_MARGIN}" y="{height - 8:.0f}" fill="#555555">{left_out_phrase(graph)}</text>'
    yield "</svg>"


def columns_of(graph: Graph) -> dict[str, int]:
    """The column of each node: one more than the last of those that call it, edges that close a circle left out."""
    order = _callers_first(graph)
    position = {name: place for place, name in enumerate(order)}
    onwards: dict[str, list[str]] = {name: [] for name in order}
    for edge in graph.edges:
        if position[edge.source] < position[edge.target]:
            onwards[edge.source].append(edge.target)
    columns = dict.fromkeys(order, 0)
    for name in order:
        for target in onwards[name]:
            columns[target] = max(columns[target], columns[name] + 1)
    return columns


def _callers_first(graph: Graph) -> list[str]:
    """The nodes in reverse postorder of a depth-first walk that begins with those that nobody calls."""
    onwards: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for edge in graph.edges:
        onwards[edge.source].append(edge.target)
    called = {edge.target for edge in graph.edges if edge.source != edge.target}
    finished: list[str] = []
    seen: set[str] = set()
    for root in sorted(graph.nodes, key=lambda name: (name in called, name)):
        walk = [] if root in seen else [(root, iter(onwards[root]))]
        seen.add(root)
        while walk:
            name, targets = walk[-1]
            following = next((target for target in targets if target not in seen), None)
            if following is None:
                finished.append(name)
                walk.pop()
            else:
                seen.add(following)
                walk.append((following, iter(onwards[following])))
    return finished[::-1]


def _place(graph: Graph) -> dict[str, _Box]:
    columns = columns_of(graph)
    boxes: dict[str, _Box] = {}
    # Room for the bend and the number of an edge that leads back.
    x = 3.0 * _MARGIN
    for column in range(max(columns.values(), default=-1) + 1):
        names = [name for name in graph.nodes if columns[name] == column]
        names.sort(key=lambda name: (_pull(name, graph, boxes), name))
        width = max(_CHARACTER * len(label_of(name)) + 2 * _MARGIN for name in names)
        for row, name in enumerate(names):
            boxes[name] = _Box(x, _LEGEND + _MARGIN + row * _ROW, width)
        x += width + _GAP
    return boxes


def _pull(name: str, graph: Graph, boxes: Mapping[str, _Box]) -> float:
    """The mean height of those that call a node and have their place."""
    heights = [boxes[edge.source].y for edge in graph.edges if edge.target == name and edge.source in boxes]
    return sum(heights) / len(heights) if heights else 0.0


def _node(name: str, box: _Box) -> Iterator[str]:
    yield (
        f'<rect x="{box.x:.0f}" y="{box.y:.0f}" width="{box.width:.0f}" height="{_HEIGHT}" rx="5" '
        'fill="#f4f4f4" stroke="#555555"/>'
    )
    yield f'<text x="{box.x + _MARGIN:.0f}" y="{box.middle + 4:.0f}" fill="#111111">{_text(label_of(name))}</text>'


def _edge(edge: GraphEdge, boxes: Mapping[str, _Box]) -> Iterator[str]:
    """A curve with an arrow's head; one that leads back or to itself bends below."""
    source, target = boxes[edge.source], boxes[edge.target]
    colour = COLOURS[edge.worst]
    x, y, tip, end = source.x + source.width, source.middle, target.x, target.middle
    bend = f"{x + _GAP / 2:.0f} {y:.0f}, {tip - _GAP / 2:.0f} {end:.0f}"
    if tip <= x:
        below = max(source.y, target.y) + _HEIGHT + 14
        bend = f"{x + 60:.0f} {below:.0f}, {tip - 60:.0f} {below:.0f}"
    yield f"<g><title>{_text(f'{label_of(edge.source)} → {label_of(edge.target)}: {edge_label(edge)}')}</title>"
    curve = f"M {x:.0f} {y:.0f} C {bend}, {tip - 6:.0f} {end:.0f}"
    yield f'<path d="{curve}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    yield f'<path d="M {tip:.0f} {end:.0f} l -8 -4 v 8 z" fill="{colour}"/>'
    yield f'<text x="{tip - 12:.0f}" y="{end - 5:.0f}" text-anchor="end" fill="{colour}">{edge.calls:,}</text></g>'


def _legend() -> Iterator[str]:
    x = float(_MARGIN)
    for verdict in VERDICT_ORDER:
        word = verdict_word(verdict)
        yield f'<path d="M {x:.0f} 18 h 20" stroke="{COLOURS[verdict]}" stroke-width="3"/>'
        yield f'<text x="{x + 26:.0f}" y="22" fill="#111111">{word}</text>'
        x += 26 + _CHARACTER * len(word) + _MARGIN


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))
