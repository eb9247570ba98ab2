"""The passage of a call as text: each moment on one clock, with the clocks' skew; or as one JSON object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from analyzer.flow.connection import Endpoint
from analyzer.report.as_json import encode
from analyzer.report.layout import Column, Page, Part, Row
from analyzer.report.phrase import (
    clock_phrase,
    observed_phrase,
    sent_phrase,
    source_phrase,
    target_phrase,
    verdict_word,
)
from analyzer.report.private import redact_call
from analyzer.report.wording import format_time
from analyzer.verdict.passage import Moment, Passage

_MS = 1_000_000


def render_passage(passage: Passage, *, width: int = 100, colour: bool = False, redact: bool = True) -> str:
    """Who asked whom, how far the clocks are apart, and the moments in their order."""
    call = redact_call(passage.call) if redact else passage.call
    page = Page(width=width, colour=colour)
    page.prose((f"call {call.id}  {source_phrase(call)} → {target_phrase(call)}  {sent_phrase(call)}", "bold"))
    page.line(f"{verdict_word(call.decision.verdict)}, {observed_phrase(call.observed)}", indent=2)
    if passage.request_id:
        page.line(("x-request-id " + passage.request_id, "dim"), indent=2)
    _clocks_section(page, passage)
    _connections_section(page, passage)
    page.heading("PASSAGE")
    began = passage.call.first_ns
    page.line((f"begins {format_time(began)} by the clock of {passage.reference}", "dim"), indent=2)
    ladder(page, passage)
    return page.render()


def ladder(page: Page, passage: Passage) -> None:
    """A line for each moment: when, on which leg, what, and the packet that shows it."""
    columns = [Column("", right=True), Column("", 12), Column("", 7), Column("", 16, style="dim")]
    names = _leg_names(passage.moments)
    page.table(columns, [_row(moment, passage.call.first_ns, names) for moment in passage.moments])


def _connections_section(page: Page, passage: Passage) -> None:
    page.heading("LEGS")
    names = _leg_names(passage.moments)
    ends = {names[_connection(m)]: f"{m.client} → {m.server}" for m in reversed(passage.moments)}
    rows: list[Row] = [[name, ends[name]] for name in names.values()]
    page.table([Column(""), Column("", 20, style="dim")], rows)


def _connection(moment: Moment) -> tuple[str, Endpoint]:
    """What tells connections apart: the node rewrites the server's address, never the client's."""
    return moment.role, moment.client


def _leg_names(moments: Sequence[Moment]) -> dict[tuple[str, Endpoint], str]:
    """What legs are called: their role, with the client's port where several have it."""
    connections = list(dict.fromkeys(map(_connection, moments)))
    counts = Counter(role for role, _ in connections)
    return {(role, client): role if counts[role] == 1 else f"{role} :{client.port}" for role, client in connections}


def _clocks_section(page: Page, passage: Passage) -> None:
    if not passage.skews:
        return
    page.heading("CLOCKS")
    for capture, skew in passage.skews:
        said = clock_phrase(capture, passage.reference, skew)
        page.prose((said, "yellow") if skew is None else said, indent=2)


def _row(moment: Moment, began: int, names: Mapping[tuple[str, Endpoint], str]) -> list[Part]:
    sure = "" if moment.certain else ", probable"
    inside = ", in TLS" if moment.sealed else ""
    return [
        f"{(moment.time_ns - began) / _MS:+.3f} ms",
        f"{names[_connection(moment)]}{sure}",
        f"{moment.what}{inside}",
        f"{moment.packet.capture} {moment.packet.packet}",
    ]


def passage_json(passage: Passage, *, redact: bool = True) -> bytes:
    """A line; times are nanoseconds since the epoch, ``time_ns`` on the clock of ``reference``."""
    call = redact_call(passage.call) if redact else passage.call
    return encode(
        {
            "kind": "passage",
            "call": call.id,
            "pod": call.pod,
            "target": target_phrase(call),
            "request_id": passage.request_id,
            "reference": passage.reference,
            "skews": {
                name: {"offset_ns": s.offset_ns, "error_ns": s.error_ns, "connections": s.connections} if s else None
                for name, s in passage.skews
            },
            "moments": [
                {
                    "time_ns": m.time_ns, "seen_ns": m.seen_ns, "what": m.what, "role": m.role,
                    "client": {"ip": m.client.ip, "port": m.client.port},
                    "server": {"ip": m.server.ip, "port": m.server.port},
                    "capture": m.packet.capture, "packet": m.packet.packet,
                    "sealed": m.sealed, "certain": m.certain,
                }
                for m in passage.moments
            ],
        }
    ) + b"\n"  # fmt: skip
