"""The graph of calls as an SVG picture: callers on the left, whom they call to the right of them.

Colours stand as attributes, so that the file needs no style; a page that shows the picture may restyle it by class.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape

from analyzer.report.as_graph import COLOURS, edge_label, label_of, left_out_phrase
from analyzer.report.graph import Graph
from analyzer.report.graph_layout import COLUMN_GAP, Box, Layout, Route, lay_out
from analyzer.report.phrase import VERDICT_ORDER, verdict_word

# In pixels; a character of the monospace font takes 0.6 of its size.
_FONT, _CHARACTER = 12, 7.3
_MARGIN, _LEGEND = 16, 34
# What the legend takes.
_LEAST_WIDTH = 700
# Room for the bends of an edge that leads back, on either side.
_BEND = 30
# Characters that XML 1.0 does not allow and that are not invisible either (section 2.2).
_NOT_XML = re.compile("[\ufffe\uffff]")


def svg_lines(graph: Graph) -> Iterator[str]:
    """The picture, with a legend; each edge has its calls by verdict as a title that a pointer shows."""
    layout = lay_out(graph, _width_of, left=_MARGIN + _BEND, top=_LEGEND + _MARGIN)
    width = max(layout.width + _BEND + _MARGIN, _LEAST_WIDTH)
    height = layout.height + _MARGIN + (20 if graph.left_out else 0)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" font-family="monospace" font-size="{_FONT}" role="img">'
    )
    yield "<title>Who calls whom, coloured by verdict</title>"
    yield f'<rect class="ground" width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>'
    yield from _legend()
    yield from _edges(layout)
    for name, box in layout.boxes.items():
        yield from _node(name, box)
    if graph.left_out:
        yield f'<text class="word" x="{_MARGIN}" y="{height - 8:.0f}" fill="#555555">{left_out_phrase(graph)}</text>'
    yield "</svg>"


def _width_of(name: str) -> float:
    return _CHARACTER * len(label_of(name)) + 2 * _MARGIN


def _node(name: str, box: Box) -> Iterator[str]:
    yield (
        f'<rect class="box" x="{box.x:.0f}" y="{box.y:.0f}" width="{box.width:.0f}" height="{box.height:.0f}" rx="4" '
        'fill="#f4f4f4" stroke="#555555"/>'
    )
    middle = box.y + box.height / 2 + 4
    yield f'<text class="word" x="{box.x + _MARGIN:.0f}" y="{middle:.0f}" fill="#111111">{_text(label_of(name))}</text>'


def _edges(layout: Layout) -> Iterator[str]:
    """All curves, those with the worst verdict on top, then the numbers on top of them."""
    routes = sorted(layout.routes, key=lambda route: -VERDICT_ORDER.index(route.edge.worst))
    for route in routes:
        colour, word = COLOURS[route.edge.worst], verdict_word(route.edge.worst)
        edge, (x, y) = route.edge, route.tip
        yield f"<g><title>{_text(f'{label_of(edge.source)} → {label_of(edge.target)}: {edge_label(edge)}')}</title>"
        yield f'<path class="edge {word}" d="{_curve(route)}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        yield f'<path class="head {word}" d="M {x:.0f} {y:.1f} l -8 -4 v 8 z" fill="{colour}"/></g>'
    for route in routes:
        x, y = route.tip
        yield (
            f'<text class="count {verdict_word(route.edge.worst)}" x="{x - 11:.0f}" y="{y + 4:.1f}" text-anchor="end" '
            f'fill="{COLOURS[route.edge.worst]}" stroke="#ffffff" stroke-width="4" paint-order="stroke" '
            f'font-size="11">{route.edge.calls:,}</text>'
        )


def _curve(route: Route) -> str:
    """Level where it leaves and arrives; an edge that leads back goes around under all boxes."""
    (x, y), (tip, end) = route.start, route.tip
    if route.lane is not None:
        out, back = x + _BEND, tip - _BEND - 8
        return (
            f"M {x:.0f} {y:.1f} C {out:.0f} {y:.1f}, {out:.0f} {route.lane:.1f}, {x:.0f} {route.lane:.1f} "
            f"H {tip - 8:.0f} C {back:.0f} {route.lane:.1f}, {back:.0f} {end:.1f}, {tip - 6:.0f} {end:.1f}"
        )
    pieces = [f"M {x:.0f} {y:.1f}"]
    half = COLUMN_GAP / 2
    for left, right, level in (*route.stops, (tip - 6, tip - 6, end)):
        pieces.append(f"C {x + half:.0f} {y:.1f}, {left - half:.0f} {level:.1f}, {left:.0f} {level:.1f}")
        if right > left:
            pieces.append(f"H {right:.0f}")
        x, y = right, level
    return " ".join(pieces)


def _legend() -> Iterator[str]:
    x = float(_MARGIN)
    for verdict in VERDICT_ORDER:
        word = verdict_word(verdict)
        yield f'<path class="edge {word}" d="M {x:.0f} 18 h 20" stroke="{COLOURS[verdict]}" stroke-width="3"/>'
        yield f'<text class="word" x="{x + 26:.0f}" y="22" fill="#111111">{word}</text>'
        x += 26 + _CHARACTER * len(word) + _MARGIN


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))
