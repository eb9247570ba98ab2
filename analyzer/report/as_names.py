"""Who stands behind PassthroughCluster and BlackHoleCluster: as text by workload, or as one JSON object per line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from analyzer.base.secret import redact_host
from analyzer.report.as_json import Object, encode
from analyzer.report.layout import Column, Long, Page, Part, Row
from analyzer.report.wording import format_count, format_time
from analyzer.verdict.names import OutsideName

_COLUMNS = (
    Column("NAME", least=16),
    Column("PORT", right=True),
    Column("PROTOCOL"),
    Column("FROM"),
    Column("BY"),
    Column("CALLS", right=True),
    Column("ADDRESSES", least=12, long=Long.CUT_END),
)
# Without the word that all of them end with, so that the names have room.
_CLUSTERS = {"PassthroughCluster": "Passthrough", "BlackHoleCluster": "BlackHole"}
# What a name was learned from.
NAMED_BY = {"host": "Host", "sni": "SNI", "dns": "DNS", None: "-"}


def render_names(names: Sequence[OutsideName], *, width: int = 100, colour: bool = False, redact: bool = True) -> str:
    """A table by workload; what belongs to the mesh is marked, for it wants no ServiceEntry."""
    page = Page(width=width, colour=colour)
    if not names:
        page.line("No call went to PassthroughCluster, BlackHoleCluster or block_all.")
        return page.render()
    calls = sum(len(each.calls) for each in names)
    strangers = len({shown_name(each, redact=redact) for each in names if not each.known})
    page.prose(f"{format_count(calls, 'call')} that no Service took, to {format_count(strangers, 'name')} outside.")
    page.blank()
    sections: list[tuple[Part, list[Row]]] = [
        ((workload, "bold"), [_row(each, redact=redact) for each in members])
        for workload, members in groupby(names, key=lambda each: each.workload)
    ]
    page.sections(_COLUMNS, sections)
    if any(each.known for each in names):
        page.blank()
        page.prose(
            "* belongs to the mesh: a pod that is called by its own address, or a host that is registered, but not "
            "for this workload and port. Call the Service, or widen the Sidecar's egress; a ServiceEntry is no remedy."
        )
    return page.render()


def names_jsonl(names: Sequence[OutsideName], *, redact: bool = True) -> Iterator[bytes]:
    """A line per workload, name, port and protocol; ``packets`` are ``capture:packet``."""
    for each in names:
        yield encode({"kind": "name", **name_object(each, redact=redact)}) + b"\n"


def name_object(each: OutsideName, *, redact: bool = True) -> Object:
    """One name with what it stands on."""
    return {
        "workload": each.workload,
        "name": redact_host(each.name) if each.name and redact else each.name,
        "named_by": each.named_by,
        "port": each.port,
        "protocol": each.protocol,
        "cluster": each.cluster,
        "addresses": each.addresses,
        "known": each.known,
        "calls": each.calls,
        "packets": [f"{place.capture}:{place.packet}" for place in each.packets],
        "time": format_time(each.first_ns),
        "first_ns": each.first_ns,
    }


def shown_name(each: OutsideName, *, redact: bool = True) -> str:
    """The name, or the first address where there is none."""
    if each.name is None:
        return each.addresses[0]
    return redact_host(each.name) if redact else each.name


def _row(each: OutsideName, *, redact: bool) -> Row:
    name = shown_name(each, redact=redact) + (" *" if each.known else "")
    style = "dim" if each.known else ""
    words = [str(each.port), each.protocol, NAMED_BY[each.named_by], _CLUSTERS.get(each.cluster, each.cluster)]
    words.append(str(len(each.calls)))
    return [(name, style), *((word, style) for word in words), (", ".join(each.addresses), style or "dim")]
