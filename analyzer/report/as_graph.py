"""The graph of calls as DOT, Mermaid or JSON, its edges coloured by verdict."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from analyzer.base.escape import shorten, visible
from analyzer.report.as_json import SCHEMA, encode
from analyzer.report.graph import SHOWN_EDGES, Graph, GraphEdge, build_graph
from analyzer.report.phrase import UNDETERMINED, verdict_word
from analyzer.report.private import redact_analysis
from analyzer.verdict.record import Analysis

# Dark enough on white to be told apart, and named in the label for who cannot.
COLOURS: Mapping[str | None, str] = {
    "dropped": "#c62828",
    None: "#8e24aa",
    "passthrough": "#b26a00",
    "headless-matched": "#00838f",
    "service-matched": "#2e7d32",
}
# What is shown of one name.
LABEL_LENGTH = 60
_PLAIN = re.compile(r"[^\w ./:()\[\]-]", re.ASCII)


def render_graph(analysis: Analysis, output_format: str, *, redact: bool = True) -> Iterator[bytes]:
    """The graph of a run in one of ``GRAPHS``, or as ``json``, which has all edges."""
    calls = (redact_analysis(analysis) if redact else analysis).calls
    if output_format == "json":
        yield from _json(build_graph(calls))
    else:
        yield "".join(f"{line}\n" for line in GRAPHS[output_format](build_graph(calls, most=SHOWN_EDGES))).encode()


def dot_lines(graph: Graph) -> Iterator[str]:
    """Graphviz's language; every name is a quoted string."""
    yield "digraph calls {"
    yield "  rankdir=LR;"
    yield '  node [shape=box, style=rounded, fontname="sans-serif"];'
    yield '  edge [fontname="sans-serif", fontsize=10];'
    for number, name in enumerate(graph.nodes):
        yield f"  n{number} [label={_dot(label_of(name))}];"
    for source, target, edge in _numbered(graph):
        colour = COLOURS[edge.worst]
        yield f'  n{source} -> n{target} [label={_dot(edge_label(edge))}, color="{colour}", fontcolor="{colour}"];'
    if graph.left_out:
        yield f"  label={_dot(left_out_phrase(graph))};"
    yield "}"


def mermaid_lines(graph: Graph) -> Iterator[str]:
    """A Mermaid flowchart; what is more than a plain character stands as its number."""
    yield "flowchart LR"
    for number, name in enumerate(graph.nodes):
        yield f'  n{number}["{_mermaid(label_of(name))}"]'
    for source, target, edge in _numbered(graph):
        yield f'  n{source} -->|"{_mermaid(edge_label(edge))}"| n{target}'
    for number, edge in enumerate(graph.edges):
        yield f"  linkStyle {number} stroke:{COLOURS[edge.worst]}"
    if graph.left_out:
        yield f"  %% {left_out_phrase(graph)}"


def label_of(name: str) -> str:
    """A name as a picture shows it: on one line, not too long, nothing invisible."""
    return shorten(visible(name), LABEL_LENGTH)


def edge_label(edge: GraphEdge) -> str:
    """The calls by verdict: ``3 dropped, 12 service-matched``."""
    return ", ".join(f"{count:,} {verdict_word(verdict)}" for verdict, count in edge.counts)


def left_out_phrase(graph: Graph) -> str:
    """That the picture does not have all edges."""
    return f"{graph.left_out:,} edges with fewer calls are left out"


def _svg_lines(graph: Graph) -> Iterator[str]:
    from analyzer.report.as_svg import svg_lines

    return svg_lines(graph)


# What a picture can be.
GRAPHS: Mapping[str, Callable[[Graph], Iterator[str]]] = {
    "dot": dot_lines,
    "mermaid": mermaid_lines,
    "svg": _svg_lines,
}


def _json(graph: Graph) -> Iterator[bytes]:
    yield b'{"schema":' + encode(SCHEMA) + b',"nodes":' + encode(graph.nodes) + b',\n"edges":['
    separator = b"\n"
    for edge in graph.edges:
        verdicts = {verdict or UNDETERMINED: count for verdict, count in edge.counts}
        fields = {"source": edge.source, "target": edge.target, "calls": edge.calls, "verdicts": verdicts}
        yield separator + encode(fields)
        separator = b",\n"
    yield b"]}\n"


def _numbered(graph: Graph) -> Iterator[tuple[int, int, GraphEdge]]:
    numbers = {name: number for number, name in enumerate(graph.nodes)}
    return ((numbers[edge.source], numbers[edge.target], edge) for edge in graph.edges)


def _dot(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _mermaid(text: str) -> str:
    return _PLAIN.sub(lambda match: f"#{ord(match[0])};", text)
