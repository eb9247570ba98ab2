"""The mTLS sheet: which edges were Istio's mutual TLS, which were not, and the packets that show it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from analyzer.base.authority import uri_host
from analyzer.base.escape import csv_cell
from analyzer.base.place import PacketPlace
from analyzer.report.as_json import SCHEMA, Object, encode
from analyzer.report.layout import Column, Page, Part, Row
from analyzer.report.phrase import packets_phrases
from analyzer.report.wording import format_count
from analyzer.verdict.mtls import SECURITIES, MtlsSheet, SecuredEdge

# Packets cited per edge and kind in text; the JSON and the CSV have all.
SHOWN_PACKETS = 3
_COLUMNS = (
    Column("FROM", least=10),
    Column("TO", least=14),
    Column("MTLS", right=True),
    Column("TLS", right=True),
    Column("PLAIN", right=True),
    Column("UNKNOWN", right=True),
    Column("SHARE", right=True),
)
_WORDS = {
    "istio-mtls": "Istio mutual TLS",
    "other-tls": "other TLS",
    "plaintext": "plaintext",
    "unknown": "unknown: the beginning is in no capture",
}


def render_mtls(sheet: MtlsSheet, *, width: int = 100, colour: bool = False) -> str:
    """The edges with their shares, then packet by packet what shows it, the plaintext first."""
    page = Page(width=width, colour=colour)
    page.prose(mtls_headline(sheet))
    if not sheet.edges:
        return page.render()
    inside = [edge for edge in sheet.edges if edge.inside]
    outside = [edge for edge in sheet.edges if not edge.inside]
    page.heading("CONNECTIONS")
    sections: list[tuple[Part, list[Row]]] = [("inside the mesh", [_row(edge) for edge in inside])]
    sections.append(("to addresses outside", [_row(edge) for edge in outside]))
    page.sections(_COLUMNS, [(title, rows) for title, rows in sections if rows])
    page.heading("PACKETS")
    for kind in (2, 1, 3, 0):
        _cite(page, _WORDS[SECURITIES[kind]], [(edge, edge.packets[kind]) for edge in sheet.edges])
    return page.render()


def mtls_jsonl(sheet: MtlsSheet) -> Iterator[bytes]:
    """A line for the sheet, then one for each edge."""
    inside, mutual = _inside(sheet)
    total: Object = {
        "kind": "run",
        "schema": SCHEMA,
        "edges": len(sheet.edges),
        "connections": inside,
        "istio_mtls": mutual,
        "silent": sheet.silent,
    }
    yield encode(total) + b"\n"
    for edge in sheet.edges:
        yield encode({"kind": "edge", **edge_object(edge)}) + b"\n"


def edge_object(edge: SecuredEdge) -> Object:
    """One edge; ``packets`` are, by kind, those that show it, as ``capture:packet``."""
    counts = dict(zip(_keys(), edge.counts, strict=True))
    packets = zip(_keys(), edge.packets, strict=True)
    return {
        "client": edge.client,
        "server": edge.server,
        "port": edge.port,
        "inside": edge.inside,
        **counts,
        "share": round(edge.share, 2),
        "packets": {key: [_place(place) for place in places] for key, places in packets if places},
    }


def mtls_csv(sheet: MtlsSheet) -> Iterator[bytes]:
    """The header, then a row per edge, every cell quoted and none of them a formula."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["client", "server", "port", "inside", *_keys(), "share", *(f"{key}_packets" for key in _keys())])
    for edge in sheet.edges:
        packets = [csv_cell(" ".join(map(_place, places))) for places in edge.packets]
        names = [csv_cell(edge.client), csv_cell(edge.server), edge.port, "true" if edge.inside else "false"]
        writer.writerow([*names, *edge.counts, f"{edge.share:.2f}", *packets])
    yield out.getvalue().encode()


def mtls_headline(sheet: MtlsSheet) -> str:
    """How many connections there are inside the mesh, and their share of Istio's mutual TLS."""
    inside, mutual = _inside(sheet)
    silent = f"; {format_count(sheet.silent, 'connection')} without a byte not counted" if sheet.silent else ""
    if not inside:
        return f"No connections between pods in what was captured{silent}."
    share = f"{percent_phrase(100 * mutual / inside)} Istio mutual TLS"
    return f"{format_count(inside, 'connection')} inside the mesh, {share}{silent}."


def _inside(sheet: MtlsSheet) -> tuple[int, int]:
    counts = [edge.counts for edge in sheet.edges if edge.inside]
    return sum(map(sum, counts)), sum(each[0] for each in counts)


def _row(edge: SecuredEdge) -> Row:
    style = "green" if edge.share == 100 else "yellow" if edge.share else "red"
    counts: list[Part] = [str(count) if count else ("·", "dim") for count in edge.counts]
    share: Part = (percent_phrase(edge.share), style) if edge.inside else ("-", "dim")
    return [edge.client, server_phrase(edge), *counts, share]


def _cite(page: Page, title: str, cited: Iterable[tuple[SecuredEdge, tuple[PacketPlace, ...]]]) -> None:
    listed = [(edge, places) for edge, places in cited if places]
    if not listed:
        return
    page.line((title, "bold"), indent=2)
    for edge, places in listed:
        more = len(places) - SHOWN_PACKETS
        said = ", ".join(packets_phrases(places[:SHOWN_PACKETS])) + (f" and {more:,} more" if more > 0 else "")
        page.prose(f"{edge.client} → {server_phrase(edge)}", indent=4)
        page.prose((said, "dim"), indent=6)


def server_phrase(edge: SecuredEdge) -> str:
    """The server with its port."""
    return f"{uri_host(edge.server)}:{edge.port}"


def percent_phrase(share: float) -> str:
    """A share that is written as 100 only where nothing is missing."""
    return f"{int(share * 10) / 10:g} %"


def _keys() -> list[str]:
    return [name.replace("-", "_") for name in SECURITIES]


def _place(place: PacketPlace) -> str:
    return f"{place.capture}:{place.packet}"
