"""What a filter may ask of a call: the fields of ``-o jsonl``, each with its type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from analyzer.base.fact import Fact
from analyzer.verdict.decision import VERDICTS, Decision, Inbound, LocalResponse, Outbound
from analyzer.verdict.record import CallRecord

TEXT, NUMBER, BOOLEAN, TEXTS = "text", "number", "boolean", "list of text"

Value = str | int | float | bool | tuple[str, ...] | None
Read = Callable[[CallRecord], Value]


class Field(Fact, frozen=True):
    """One field: its type, how it is read, and the only texts that it may be, where these are few."""

    name: str
    kind: str
    read: Read
    values: tuple[str, ...] = ()


def _of_call() -> Iterator[Field]:
    yield Field("id", TEXT, lambda c: c.id)
    yield Field("pod", TEXT, lambda c: c.pod)
    yield Field("namespace", TEXT, lambda c: c.pod.partition("/")[0] if c.pod else None)
    yield Field("client.ip", TEXT, lambda c: c.client.ip)
    yield Field("client.port", NUMBER, lambda c: c.client.port)
    yield Field("server.ip", TEXT, lambda c: c.server.ip)
    yield Field("server.port", NUMBER, lambda c: c.server.port)
    yield Field("port", NUMBER, lambda c: c.server.port)
    yield Field("server_pod", TEXT, lambda c: c.server_pod)
    yield Field("request", NUMBER, lambda c: c.request)
    yield Field("protocol", TEXT, lambda c: c.protocol, ("http/1.0", "http/1.1", "h2", "tls", "tcp"))
    yield Field("host", TEXT, lambda c: c.host)
    yield Field("method", TEXT, lambda c: c.method)
    yield Field("path", TEXT, lambda c: c.path)
    yield Field("sni", TEXT, lambda c: c.sni)
    yield Field("alpn", TEXTS, lambda c: c.alpn)
    yield Field("captures", TEXTS, lambda c: c.captures)
    yield Field("first_ns", NUMBER, lambda c: c.first_ns)
    yield Field("duration_ms", NUMBER, lambda c: (c.last_ns - c.first_ns) / 1_000_000)
    yield Field("uid", TEXT, lambda c: c.uid)
    yield Field("community_id", TEXT, lambda c: c.community_id)
    yield Field("conn_state", TEXT, lambda c: c.conn_state)
    yield Field("history", TEXT, lambda c: c.history)


def _of_decision() -> Iterator[Field]:
    yield Field("verdict", TEXT, lambda c: c.decision.verdict, VERDICTS)
    yield Field("reason", TEXT, lambda c: c.decision.reason)
    yield Field("undetermined", TEXTS, lambda c: c.decision.undetermined)
    yield Field("yaml", TEXTS, lambda c: tuple(p.file_line for step in c.decision.steps for p in step.yaml))
    yield from _of_proxy("outbound", lambda d: d.outbound)
    yield from _of_proxy("gateway", lambda d: d.gateway)
    yield Field("gateway.pod", TEXT, lambda c: c.decision.gateway.pod if c.decision.gateway else None)
    yield from _of_inbound()


def _of_proxy(side: str, of: Callable[[Decision], Outbound | None]) -> Iterator[Field]:
    def name(read: Callable[[Outbound], str | None]) -> Read:
        return lambda c: read(found) if (found := of(c.decision)) else None

    yield Field(f"{side}.listener", TEXT, name(lambda o: o.listener))
    yield Field(f"{side}.filter_chain", TEXT, name(lambda o: o.filter_chain))
    yield Field(f"{side}.route_config", TEXT, name(lambda o: o.route_config))
    yield Field(f"{side}.virtual_host", TEXT, name(lambda o: o.virtual_host))
    yield Field(f"{side}.route", TEXT, name(lambda o: o.route))
    yield Field(f"{side}.cluster", TEXT, name(lambda o: o.cluster))
    yield Field(
        f"{side}.clusters", TEXTS, lambda c: tuple(w.cluster for w in o.clusters) if (o := of(c.decision)) else ()
    )
    yield from _of_response(side, lambda c: o.response if (o := of(c.decision)) else None)


def _of_inbound() -> Iterator[Field]:
    def of(read: Callable[[Inbound], str | bool | None]) -> Read:
        return lambda c: read(c.decision.inbound) if c.decision.inbound else None

    yield Field("inbound.pod", TEXT, of(lambda i: i.pod))
    yield Field("inbound.filter_chain", TEXT, of(lambda i: i.filter_chain))
    yield Field("inbound.cluster", TEXT, of(lambda i: i.cluster))
    yield Field("inbound.mtls", BOOLEAN, of(lambda i: i.mtls))
    yield from _of_response("inbound", lambda c: c.decision.inbound.response if c.decision.inbound else None)


def _of_response(side: str, of: Callable[[CallRecord], LocalResponse | None]) -> Iterator[Field]:
    yield Field(f"{side}.response.code", NUMBER, lambda c: r.code if (r := of(c)) else None)
    yield Field(f"{side}.response.flag", TEXT, lambda c: r.flag if (r := of(c)) else None)


def _of_observed() -> Iterator[Field]:
    yield Field("observed.status", NUMBER, lambda c: c.observed.status)
    yield Field("observed.answered_by", TEXT, lambda c: c.observed.answered_by, ("app", "envoy"))
    yield Field("observed.closed_by", TEXT, lambda c: c.observed.closed_by)
    yield Field("observed.tls_alert", TEXT, lambda c: c.observed.tls_alert)
    yield Field("observed.grpc_status", NUMBER, lambda c: c.observed.grpc_status)
    yield Field("observed.outcome", TEXT, lambda c: c.observed.outcome)
    yield Field("observed.agrees", BOOLEAN, lambda c: c.observed.agrees)


FIELDS: Mapping[str, Field] = MappingProxyType(
    {field.name: field for fields in (_of_call(), _of_decision(), _of_observed()) for field in fields}
)
