"""Where the names of a graph stand in a picture, and by which points its edges pass between them.

A layered layout after Sugiyama: an edge leads at least one column to the right, but for those that close a circle; one
that leads over several columns has a place of its own in each, so that it passes between boxes and never behind one;
within a column the order follows the neighbours'. Every edge has its own point on the side of a box.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from analyzer.base.fact import Fact
from analyzer.report.graph import Graph, GraphEdge

# In pixels. An edge that comes in needs room for its number, one that goes out does not.
BOX_HEIGHT, ENTRY_HEIGHT, EXIT_HEIGHT = 26, 15, 6
ROW_GAP, COLUMN_GAP, LANE_HEIGHT, PASSING_HEIGHT = 14, 170, 14, 8
# Times that the order of the columns is improved, from both sides.
SWEEPS = 4

# A name, or an edge that passes through a column.
_Item = str | tuple[int, int]


class Box(Fact, frozen=True):
    """The place of a name; y grows downwards."""

    x: float
    y: float
    width: float
    height: float


class Route(Fact, frozen=True):
    """An edge from ``start`` on the right of one box over ``stops`` (left, right, y) to ``tip`` on the left of another.

    ``lane`` is the height at which an edge leads back: under all boxes, or under its own where it ends at its source.
    It is None for an edge that leads to the right.
    """

    edge: GraphEdge
    start: tuple[float, float]
    stops: tuple[tuple[float, float, float], ...]
    tip: tuple[float, float]
    lane: float | None = None


class Layout(Fact, frozen=True):
    """A picture of ``width`` times ``height`` with its boxes by name and its routes in the order of the edges."""

    boxes: Mapping[str, Box]
    routes: tuple[Route, ...]
    width: float
    height: float


def lay_out(graph: Graph, width_of: Callable[[str], float], *, left: float, top: float) -> Layout:
    """The layout of a graph, from ``left`` and ``top`` on."""
    columns = columns_of(graph)
    ordered = _ordered(_columns(graph, columns), _neighbours(graph, columns))
    entries, exits = _sides(graph)
    heights = {name: _height(len(entries[name]), len(exits[name])) for name in graph.nodes}
    boxes: dict[str, Box] = {}
    passings: dict[tuple[int, int], tuple[float, float, float]] = {}
    tall = max((_column_height(column, heights) for column in ordered), default=0.0)
    x = left
    for column in ordered:
        width = max((width_of(item) for item in column if isinstance(item, str)), default=0.0)
        y = top + (tall - _column_height(column, heights)) / 2
        for item in column:
            if isinstance(item, str):
                boxes[item] = Box(x, y, width, heights[item])
                y += heights[item] + ROW_GAP
            else:
                passings[item] = (x, x + width, y + PASSING_HEIGHT / 2)
                y += PASSING_HEIGHT + ROW_GAP
        x += width + COLUMN_GAP
    routes, lanes = _routes(graph, columns, boxes, passings)
    return Layout(boxes, tuple(routes), x - COLUMN_GAP if boxes else left, top + tall + lanes * LANE_HEIGHT)


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


def _path(number: int, edge: GraphEdge, columns: Mapping[str, int]) -> list[_Item]:
    """What an edge touches, column by column; nothing where it does not lead to the right."""
    first, last = columns[edge.source], columns[edge.target]
    return [edge.source, *((number, column) for column in range(first + 1, last)), edge.target] if first < last else []


def _columns(graph: Graph, columns: Mapping[str, int]) -> list[list[_Item]]:
    filled: list[list[_Item]] = [[] for _ in range(max(columns.values(), default=-1) + 1)]
    for name in graph.nodes:
        filled[columns[name]].append(name)
    for number, edge in enumerate(graph.edges):
        for item in _path(number, edge, columns):
            if not isinstance(item, str):
                filled[item[1]].append(item)
    return filled


def _neighbours(graph: Graph, columns: Mapping[str, int]) -> dict[_Item, tuple[list[_Item], list[_Item]]]:
    """The items beside each one, in the column before it and in the one after it."""
    beside: dict[_Item, tuple[list[_Item], list[_Item]]] = {}
    for number, edge in enumerate(graph.edges):
        path = _path(number, edge, columns)
        for one, other in pairwise(path):
            beside.setdefault(one, ([], []))[1].append(other)
            beside.setdefault(other, ([], []))[0].append(one)
    return beside


def _ordered(
    columns: list[list[_Item]], beside: Mapping[_Item, tuple[list[_Item], list[_Item]]]
) -> Sequence[list[_Item]]:
    """The columns with their items near those that they belong to, by barycentres."""
    for sweep in range(SWEEPS):
        side = sweep % 2
        walk = range(1, len(columns)) if side == 0 else range(len(columns) - 2, -1, -1)
        for place in walk:
            pulls = _pulls(columns[place], columns[place - 1 if side == 0 else place + 1], beside, side)
            columns[place].sort(key=pulls.__getitem__)
    return columns


def _pulls(
    column: Sequence[_Item],
    known: Sequence[_Item],
    beside: Mapping[_Item, tuple[list[_Item], list[_Item]]],
    side: int,
) -> dict[_Item, float]:
    """How far down each item belongs, from 0 to 1: the mean of its neighbours; without any it stays where it is."""
    rank = {item: number / len(known) for number, item in enumerate(known)}
    pulls: dict[_Item, float] = {}
    for number, item in enumerate(column):
        ranks = [rank[other] for other in beside.get(item, ([], []))[side]]
        pulls[item] = sum(ranks) / len(ranks) if ranks else number / len(column)
    return pulls


def _sides(graph: Graph) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """The numbers of the edges that come to each name, and of those that leave it."""
    entries: dict[str, list[int]] = {name: [] for name in graph.nodes}
    exits: dict[str, list[int]] = {name: [] for name in graph.nodes}
    for number, edge in enumerate(graph.edges):
        entries[edge.target].append(number)
        exits[edge.source].append(number)
    return entries, exits


def _height(entries: int, exits: int) -> float:
    return max(BOX_HEIGHT, ENTRY_HEIGHT * entries + 6, EXIT_HEIGHT * exits + 6)


def _column_height(column: Sequence[_Item], heights: Mapping[str, float]) -> float:
    sizes = [heights[item] if isinstance(item, str) else PASSING_HEIGHT for item in column]
    return sum(sizes) + ROW_GAP * max(len(sizes) - 1, 0)


def _routes(
    graph: Graph,
    columns: Mapping[str, int],
    boxes: Mapping[str, Box],
    passings: Mapping[tuple[int, int], tuple[float, float, float]],
) -> tuple[list[Route], int]:
    """The route of each edge, and how many lanes they take under the boxes."""
    entries, exits = _sides(graph)
    stops = [
        tuple(passings[item] for item in _path(number, edge, columns) if not isinstance(item, str))
        for number, edge in enumerate(graph.edges)
    ]
    bottom = max((box.y + box.height for box in boxes.values()), default=0.0)

    back = [n for n, e in enumerate(graph.edges) if columns[e.source] >= columns[e.target] and e.source != e.target]
    lanes = {number: bottom + LANE_HEIGHT * (place + 1) for place, number in enumerate(back)}
    for number, edge in enumerate(graph.edges):
        if edge.source == edge.target:
            lanes[number] = boxes[edge.source].y + boxes[edge.source].height + ROW_GAP / 2

    def before(number: int) -> tuple[bool, float]:
        source = boxes[graph.edges[number].source]
        return number in lanes, stops[number][-1][2] if stops[number] else source.y

    def after(number: int) -> tuple[bool, float]:
        target = boxes[graph.edges[number].target]
        return number in lanes, stops[number][0][2] if stops[number] else target.y

    arrivals = {n: y for name in graph.nodes for n, y in _spread(boxes[name], sorted(entries[name], key=before))}
    departures = {n: y for name in graph.nodes for n, y in _spread(boxes[name], sorted(exits[name], key=after))}
    routes = []
    for number, edge in enumerate(graph.edges):
        source, target = boxes[edge.source], boxes[edge.target]
        start = source.x + source.width, departures[number]
        routes.append(Route(edge, start, stops[number], (target.x, arrivals[number]), lanes.get(number)))
    return routes, len(back) + 1 if back else 0


def _spread(box: Box, numbers: Sequence[int]) -> list[tuple[int, float]]:
    """Edges at even distances along a side of a box."""
    step = box.height / (len(numbers) + 1)
    return [(number, box.y + step * place) for place, number in enumerate(numbers, 1)]
