"""One row per call, for a spreadsheet: RFC 4180 with LF, every cell quoted and none of them a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator

from analyzer.base.batches import batches
from analyzer.base.escape import csv_cell
from analyzer.report.private import redact_analysis
from analyzer.report.wording import format_time
from analyzer.verdict.decision import Inbound, Outbound
from analyzer.verdict.record import Analysis, CallRecord

Cell = str | int | bool | None
Getter = Callable[[CallRecord], Cell]

_BATCH_ROWS = 1000
_NO_OUTBOUND = Outbound()
_NO_INBOUND = Inbound(None)


def _outbound(read: Callable[[Outbound], Cell]) -> Getter:
    return lambda call: read(call.decision.outbound or _NO_OUTBOUND)


def _gateway(read: Callable[[Outbound], Cell]) -> Getter:
    return lambda call: read(call.decision.gateway or _NO_OUTBOUND)


def _inbound(read: Callable[[Inbound], Cell]) -> Getter:
    return lambda call: read(call.decision.inbound or _NO_INBOUND)


def _clusters(outbound: Outbound) -> Cell:
    return outbound.cluster or " ".join(f"{choice.cluster}={choice.weight}" for choice in outbound.clusters) or None


def _code(side: Outbound | Inbound) -> Cell:
    return side.response.code if side.response else None


def _flag(side: Outbound | Inbound) -> Cell:
    return side.response.flag if side.response else None


def _packets(call: CallRecord) -> Cell:
    return " ".join(f"{capture}:{first}-{last}" for capture, first, last in call.packets)


def _yaml(call: CallRecord) -> Cell:
    return " ".join(dict.fromkeys(place.file_line for step in call.steps for place in step.yaml))


# What a row holds, in order: the documented names, flattened with an underscore.
COLUMNS: tuple[tuple[str, Getter], ...] = (
    ("id", lambda call: call.id),
    ("time", lambda call: format_time(call.first_ns)),
    ("verdict", lambda call: call.decision.verdict),
    ("reason", lambda call: call.decision.reason),
    ("undetermined", lambda call: " ".join(call.decision.undetermined)),
    ("pod", lambda call: call.pod),
    ("client_ip", lambda call: call.client.ip),
    ("client_port", lambda call: call.client.port),
    ("server_pod", lambda call: call.server_pod),
    ("server_ip", lambda call: call.server.ip),
    ("server_port", lambda call: call.server.port),
    ("request", lambda call: call.request),
    ("protocol", lambda call: call.protocol),
    ("host", lambda call: call.host),
    ("method", lambda call: call.method),
    ("path", lambda call: call.path),
    ("sni", lambda call: call.sni),
    ("alpn", lambda call: " ".join(call.alpn)),
    ("outbound_listener", _outbound(lambda side: side.listener)),
    ("outbound_filter_chain", _outbound(lambda side: side.filter_chain)),
    ("outbound_route_config", _outbound(lambda side: side.route_config)),
    ("outbound_virtual_host", _outbound(lambda side: side.virtual_host)),
    ("outbound_route", _outbound(lambda side: side.route)),
    ("outbound_cluster", _outbound(_clusters)),
    ("outbound_code", _outbound(_code)),
    ("outbound_flag", _outbound(_flag)),
    ("gateway_pod", _gateway(lambda side: side.pod)),
    ("gateway_listener", _gateway(lambda side: side.listener)),
    ("gateway_virtual_host", _gateway(lambda side: side.virtual_host)),
    ("gateway_route", _gateway(lambda side: side.route)),
    ("gateway_cluster", _gateway(_clusters)),
    ("gateway_code", _gateway(_code)),
    ("gateway_flag", _gateway(_flag)),
    ("inbound_pod", _inbound(lambda side: side.pod)),
    ("inbound_filter_chain", _inbound(lambda side: side.filter_chain)),
    ("inbound_cluster", _inbound(lambda side: side.cluster)),
    ("inbound_mtls", lambda call: call.decision.inbound.mtls if call.decision.inbound else None),
    ("inbound_code", _inbound(_code)),
    ("inbound_flag", _inbound(_flag)),
    ("outcome", lambda call: call.observed.outcome),
    ("status", lambda call: call.observed.status),
    ("grpc_status", lambda call: call.observed.grpc_status),
    ("answered_by", lambda call: call.observed.answered_by),
    ("closed_by", lambda call: call.observed.closed_by),
    ("tls_alert", lambda call: call.observed.tls_alert),
    ("agrees", lambda call: call.observed.agrees),
    ("packets", _packets),
    ("yaml", _yaml),
    ("uid", lambda call: call.uid),
    ("community_id", lambda call: call.community_id),
    ("conn_state", lambda call: call.conn_state),
    ("history", lambda call: call.history),
)


def render_csv(analysis: Analysis, *, redact: bool = True) -> Iterator[bytes]:
    """The header, then a row per call; null is an empty cell, booleans are ``true`` and ``false``."""
    return csv_of(redact_analysis(analysis).calls if redact else analysis.calls)


def csv_of(calls: Iterable[CallRecord]) -> Iterator[bytes]:
    """As ``render_csv``, of calls that are shown as they are."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow([name for name, _ in COLUMNS])
    for batch in batches(calls, _BATCH_ROWS):
        writer.writerows([_cell(read(call)) for _, read in COLUMNS] for call in batch)
        yield out.getvalue().encode()
        out.seek(0)
        out.truncate()
    yield out.getvalue().encode()


def _cell(value: Cell) -> str | int:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return csv_cell(value) if isinstance(value, str) else value
