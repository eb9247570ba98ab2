"""The facts of a call as names and values, for every report that tells one call."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.base.place import YamlPlace
from analyzer.report.journey import answer_phrase
from analyzer.report.phrase import clusters_phrase, range_phrase, request_phrase
from analyzer.report.wording import format_span, format_time
from analyzer.verdict.decision import Decision, Inbound, Outbound
from analyzer.verdict.record import CallRecord

Facts = list[tuple[str, str]]

# Who decides, in the order in which a call meets them.
ENVOYS = ("client's sidecar", "gateway", "server's sidecar")


def call_facts(call: CallRecord) -> Facts:
    """Who called what, what was sent, when, and which packets hold it."""
    client = f"{call.pod}  {call.client}" if call.pod else str(call.client)
    server = f"{call.server}  {call.server_pod}" if call.server_pod else str(call.server)
    pairs: Facts = [
        ("from", client),
        ("to", server),
        ("protocol", call.protocol),
        ("sent", request_phrase(call) or "nothing in the clear"),
    ]
    if call.sni is not None and call.host is not None:
        pairs.append(("sni", call.sni))
    if call.alpn:
        pairs.append(("alpn", ", ".join(call.alpn)))
    if call.request > 1:
        pairs.append(("place", f"request {call.request:,} on its connection"))
    pairs.append(("time", f"{format_time(call.first_ns)}, took {format_span(call.last_ns - call.first_ns)}"))
    pairs += [("packets", range_phrase(*packets)) for packets in call.packets]
    pairs.append(("flow", f"{call.conn_state} {call.history}  {call.uid}  {call.community_id}"))
    return pairs


def decision_sides(decision: Decision) -> list[tuple[str, Facts]]:
    """Each Envoy that decides, with its decision in Envoy's words; empty where none does."""
    sides = (_outbound_pairs(decision.outbound), _outbound_pairs(decision.gateway), _inbound_pairs(decision.inbound))
    return [(title, facts) for title, facts in zip(ENVOYS, sides, strict=True) if facts]


def yaml_phrases(places: Iterable[YamlPlace]) -> list[str]:
    """``file:line``, with the field where it is known; each once."""
    return list(dict.fromkeys(f"{p.file_line}  {p.field}" if p.field else p.file_line for p in places))


def _outbound_pairs(side: Outbound | None) -> Facts:
    if side is None:
        return []
    return _told(
        ("pod", side.pod),
        ("listener", side.listener),
        ("filter chain", side.filter_chain),
        ("route config", side.route_config),
        ("virtual host", side.virtual_host),
        ("route", side.route),
        ("cluster", clusters_phrase(side)),
        ("local reply", answer_phrase(side.response)),
    )


def _inbound_pairs(side: Inbound | None) -> Facts:
    if side is None:
        return []
    return _told(
        ("pod", side.pod),
        ("filter chain", side.filter_chain or "none takes it"),
        ("cluster", side.cluster),
        ("mutual TLS", "yes" if side.mtls else "no"),
        ("local reply", answer_phrase(side.response)),
    )


def _told(*pairs: tuple[str, str | None]) -> Facts:
    return [(name, value) for name, value in pairs if value]
