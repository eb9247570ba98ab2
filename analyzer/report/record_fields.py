"""What every field of every JSON Lines record means: the source of the reference page, held against real output.

A name with a dot is a field of the object before the dot; ``[]`` stands for each element of a list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analyzer.base.fact import Fact


class Field(Fact, frozen=True):
    """A field: its JSON type (``?`` where it may be null, ``-`` where it may be absent), and what it means."""

    name: str
    type: str
    meaning: str


class RecordKind(Fact, frozen=True):
    """A kind of record: what it is, which command writes it, and its fields in their order."""

    about: str
    written_by: str
    fields: tuple[Field, ...]


def _fields(*rows: tuple[str, str, str]) -> tuple[Field, ...]:
    return tuple(Field(*row) for row in rows)


def _endpoint(name: str, meaning: str) -> tuple[tuple[str, str, str], ...]:
    return (
        (name, "object", meaning),
        (f"{name}.ip", "string", "its address"),
        (f"{name}.port", "number", "its port"),
    )


_TIMES = (
    ("first_ns", "number", "when it began: nanoseconds since the epoch, by the capture's clock"),
    ("last_ns", "number", "when it ended, likewise"),
)
_ZEEK = (
    ("uid", "string", "the connection's id, as Zeek would give one; a call shares it with its flow"),
    ("community_id", "string", "Community ID v1 of the connection, to join other tools' records"),
    ("conn_state", "string", "how the connection went, in Zeek's words: `SF` normal, `RSTO` reset by the client, …"),
    ("history", "string", "its flags and data in order, in Zeek's letters; capitals are the client's"),
)
_RESPONSE = "what Envoy itself answers: null where it does not answer by itself"


def _outbound(side: str, about: str, *more: tuple[str, str, str]) -> tuple[tuple[str, str, str], ...]:
    return (
        (side, "object?", about),
        *more,
        (f"{side}.listener", "string?", "the listener that took it: `0.0.0.0_9080`, `virtualOutbound`"),
        (f"{side}.filter_chain", "string?", "the filter chain in it, where it has a name"),
        (f"{side}.route_config", "string?", "the route configuration, of HTTP"),
        (f"{side}.virtual_host", "string?", "the virtual host that the Host header chose"),
        (f"{side}.route", "string?", "the route that took the request"),
        (f"{side}.cluster", "string?", "`outbound|80||reviews.shop.svc.cluster.local`, `PassthroughCluster`"),
        (f"{side}.clusters", "array-", "where weights choose: `{cluster, weight}` of each; `cluster` is then null"),
        (f"{side}.response", "object?", _RESPONSE),
        (f"{side}.response.code", "number?", "the status, null where it closes the connection"),
        (f"{side}.response.flag", "string?", "the response flag of its access log: `NR`, `NC`, `UH`, …"),
    )  # fmt: skip


_CALL = _fields(
    ("id", "string", "the call's number in the run, by its first packet; the same in every run on the same input"),
    ("captures", "array", "the captures that saw it"),
    ("packets", "object", "its first and last packet by capture, as Wireshark counts"),
    ("pod", "string?", "`namespace/name` of the client"),
    *_endpoint("client", "the application's own end, before any sidecar"),
    *_endpoint("server", "where the client meant to connect: the original destination"),
    ("server_pod", "string?", "`namespace/name` of the pod at that address"),
    ("request", "number", "its place on its connection, 1 for the first request; 1 for TLS and TCP"),
    ("protocol", "string", "`http/1.0`, `http/1.1`, `h2` (also gRPC), `tls`, `tcp`"),
    ("host", "string-", "Host or `:authority` as sent, secrets hidden"),
    ("method", "string-", "the HTTP method"),
    ("path", "string-", "the request's target as sent, secrets hidden"),
    ("sni", "string-", "the server name of the ClientHello"),
    ("alpn", "array-", "the protocols that the ClientHello offers"),
    ("verdict", "string?", "`service-matched`, `headless-matched`, `passthrough`, `dropped`, or null"),
    ("reason", "string?", "the code of the reason; `meshverdict codes CODE` explains it"),
    ("undetermined", "array", "where `verdict` is null: the codes of what is missing"),
    *_outbound("outbound", "the client's sidecar; null where it has none or is bypassed"),
    *_outbound("gateway", "the gateway on the way; null where there is none",
               ("gateway.pod", "string?", "`namespace/name` of the gateway's pod")),
    ("inbound", "object?", "the server's sidecar; null where there is none"),
    ("inbound.pod", "string?", "`namespace/name` of its pod"),
    ("inbound.filter_chain", "string?", "the filter chain that takes it; null where none does"),
    ("inbound.cluster", "string?", "`inbound|9080||`, `InboundPassthroughCluster`"),
    ("inbound.mtls", "boolean?", "whether Istio's mutual TLS arrives"),
    ("inbound.response", "object?", _RESPONSE),
    ("inbound.response.code", "number?", "the status, null where it closes the connection"),
    ("inbound.response.flag", "string?", "the response flag"),
    ("observed", "object", "what the packets show"),
    ("observed.status", "number?", "the HTTP status"),
    ("observed.grpc_status", "number-", "the gRPC status, where it is gRPC"),
    ("observed.answered_by", "string?", "`app` or `envoy`; null where it cannot be told"),
    ("observed.closed_by", "string?", "`client` or `server`: who ended the connection"),
    ("observed.tls_alert", "string?", "the TLS alert that ended it"),
    ("observed.outcome", "string", "`answered`, `local-reply`, `reset`, `closed`, `refused`, `no-answer`, …"),
    ("observed.agrees", "boolean?", "whether the packets bear the decision out; null where they cannot tell"),
    ("observed.why", "string-", "where they do not: how they differ"),
    ("legs", "array", "the connections on the wire that carried it, in their order"),
    ("legs[].role", "string", "`app-to-sidecar`, `sidecar-to-upstream`, `sidecar-to-app`, `direct`"),
    ("legs[].capture", "string", "the capture that shows it so"),
    *_endpoint("legs[].client", "the end that opened it"),
    *_endpoint("legs[].server", "the other end"),
    ("legs[].packets", "array", "its first and last packet"),
    ("legs[].certain", "boolean", "false where only addresses and times suggest that it carried this call"),
    ("legs[].uid", "string", "the `uid` of its flow"),
    ("legs[].sni", "string-", "the server name on it"),
    ("evidence", "array", "the chain: steps in the order in which things happened"),
    ("evidence[].sentence", "string", "what the step says"),
    ("evidence[].packets", "object", "packets that it stands on, by capture"),
    ("evidence[].yaml", "array", "lines that it stands on, `file:line`"),
    ("evidence[].lost", "array-", "candidates that lost, where there were any"),
    ("evidence[].lost[].name", "string", "the candidate"),
    ("evidence[].lost[].why", "string", "why it lost"),
    ("evidence[].lost[].yaml", "array", "the lines where it stands"),
    ("time", "string", "when it began, RFC 3339 in UTC"),
    *_TIMES,
    *_ZEEK,
    ("display_filter", "string", "a Wireshark filter for its packets on all legs"),
    ("inside", "array-", "requests inside its TLS, where a key log opens it: evidence that decided nothing"),
    ("inside[].method", "string", "the method"),
    ("inside[].host", "string?", "Host or `:authority`"),
    ("inside[].path", "string", "the target"),
    ("inside[].status", "number?", "the status of its answer"),
)  # fmt: skip

_CAPTURE = _fields(
    ("name", "string", "its file"),
    ("format", "string", "`pcap`, `pcapng`, with what it was compressed by"),
    ("pod", "string?", "`namespace/name` of the pod in whose network it was taken"),
    ("vantage", "string", "what it can see: which interfaces, which side of the sidecar"),
    ("link_types", "array", "the link types of its interfaces"),
    ("records", "number", "how many packets it has"),
    ("bytes", "number", "how large it is"),
    *_TIMES,
    ("connections", "number", "TCP connections in it"),
    ("calls", "number", "calls that it saw"),
    ("fates", "object", "its packets by how far they were understood"),
    ("complete", "boolean", "false where it breaks off"),
    ("oddities", "array", "what is strange in it, as sentences"),
    ("error", "string?", "why it could not be read on"),
    ("udp", "array", "UDP conversations, which the mesh's redirection leaves alone"),
    *_endpoint("udp[].client", "the end that sent first"),
    *_endpoint("udp[].server", "the other end"),
    ("udp[].protocol", "string", "`quic`, `dns`, `udp`, …"),
    ("udp[].sni", "string?", "the server name of a QUIC Initial packet, with the extra `crypto`"),
    ("udp[].alpn", "array", "the protocols that it offers"),
    ("udp[].packets", "number", "how many packets"),
    ("udp[].payload_bytes", "number", "how many bytes of payload"),
    ("udp[].first_packet", "number", "its first packet"),
    ("udp[].last_packet", "number", "its last packet"),
    ("udp[].first_ns", "number", "when it began"),
    ("udp[].last_ns", "number", "when it ended"),
)

_FLOW = _fields(
    *_ZEEK[:2],
    ("capture", "string", "the capture that shows it"),
    ("orig_h", "string", "the client's address, by Zeek's name"),
    ("orig_p", "number", "the client's port"),
    ("resp_h", "string", "the address that was meant"),
    ("resp_p", "number", "the port that was meant"),
    ("protocol", "string", "as of a call"),
    ("verdict", "string?", "the worst verdict of its calls: dropped, passthrough, headless-matched, service-matched"),
    ("calls", "number", "how many calls it carried as the application's own connection"),
    *_TIMES,
    ("client_packets", "number", "packets of the client"),
    ("server_packets", "number", "packets of the server"),
    ("client_bytes", "number", "payload that the client sent"),
    ("server_bytes", "number", "payload that the server sent"),
    ("missed_bytes", "number", "bytes that were sent and are not in the capture"),
    *_ZEEK[2:],
)

_RUN = _fields(
    ("schema", "string", "`meshverdict/1`; the number grows when a field changes its meaning"),
    ("calls", "number", "calls in the run"),
    ("verdicts", "object", "calls by verdict"),
    ("undetermined", "number", "calls without one"),
    ("flows", "number", "connections"),
    ("findings", "number", "findings"),
    ("captures", "number", "captures"),
    ("mesh", "object?", "the mesh input; null without `-m`"),
    ("mesh.sources", "array", "the files that were read"),
    ("mesh.kinds", "object", "resources that count, by kind"),
    ("mesh.ignored", "object", "resources that do not, by kind"),
    ("mesh.oddities", "array", "what is strange in it"),
    ("mesh.errors", "array", "what could not be used"),
    ("limits", "array", "limits that were hit; the exit code is then 6"),
)

_FINDING = _fields(
    ("code", "string", "its kind; `meshverdict codes CODE` explains it"),
    ("level", "string", "`error`, `warning`, `info`"),
    ("sentence", "string", "who, what, and what decided it"),
    ("calls", "array", "the ids of its calls"),
    ("packets", "object", "some of their first packets, by capture"),
    ("yaml", "array", "the lines that decided, `file:line`"),
    ("advice", "string", "what to change"),
    ("first_ns", "number", "when the first of its calls began"),
)

_EVENT = _fields(
    ("event", "string", "`change`, `restart`, `first-failure`, `burst`, `reset`, `gap`"),
    ("time", "string", "when, RFC 3339 in UTC"),
    ("time_ns", "number", "when, nanoseconds since the epoch"),
    ("sentence", "string", "what happened"),
    ("calls", "array", "the ids of its calls"),
    ("packets", "array", "`capture:packet` to look at"),
)

_PASSAGE = _fields(
    ("call", "string", "the call's id"),
    ("pod", "string?", "the client's pod"),
    ("target", "string", "what was called"),
    ("request_id", "string?", "its `x-request-id`, wherever a leg shows it"),
    ("reference", "string", "the capture whose clock counts"),
    ("skews", "object", "by capture: `offset_ns` beyond that clock, `error_ns`, by how many `connections`; or null"),
    ("moments", "array", "when each capture saw the request or the reply begin, in the order of time"),
    ("moments[].time_ns", "number", "on the clock of `reference`"),
    ("moments[].seen_ns", "number", "as the capture has it"),
    ("moments[].what", "string", "`request` or `reply`"),
    ("moments[].role", "string", "the leg, as of a call"),
    *_endpoint("moments[].client", "the end that opened the leg"),
    *_endpoint("moments[].server", "the other end"),
    ("moments[].capture", "string", "the capture"),
    ("moments[].packet", "number", "the packet"),
    ("moments[].sealed", "boolean", "whether it is inside TLS, its place told by time"),
    ("moments[].certain", "boolean", "false where another call's leg is not excluded"),
)

_NAME = _fields(
    ("workload", "string", "`namespace/name` of what owns the calling pod"),
    ("name", "string?", "the name of what was called; null where nothing names it"),
    ("named_by", "string?", "`host`, `sni`, `dns`"),
    ("port", "number", "the port"),
    ("protocol", "string", "as of a call"),
    ("cluster", "string", "`PassthroughCluster`, `BlackHoleCluster`, `block_all`"),
    ("addresses", "array", "the addresses that were dialled"),
    ("known", "boolean", "whether it belongs to the mesh: no ServiceEntry is wanted"),
    ("calls", "array", "the ids of the calls"),
    ("packets", "array", "`capture:packet` of the calls and of the DNS answers that name them"),
    ("time", "string", "the first call, RFC 3339 in UTC"),
    ("first_ns", "number", "the same in nanoseconds since the epoch"),
)

_EDGE = _fields(
    ("client", "string", "`namespace/name` of the client's pod, or an address"),
    ("server", "string", "the same of the server's"),
    ("port", "number", "the server's port"),
    ("inside", "boolean", "whether the server is a pod or Service of the mesh"),
    ("istio_mtls", "number", "connections with Istio's mutual TLS"),
    ("other_tls", "number", "connections with other TLS"),
    ("plaintext", "number", "connections in plaintext"),
    ("unknown", "number", "connections whose beginning is in no capture"),
    ("share", "number", "percent that is Istio's mutual TLS"),
    ("packets", "object", "`capture:packet` that show it, by the names above"),
)

RECORDS: Mapping[str, RecordKind] = {
    "run": RecordKind("The totals of a run.", "analyze", _RUN),
    "capture": RecordKind("A capture and its health.", "analyze", _CAPTURE),
    "call": RecordKind("One thing that an Envoy has to decide about.", "analyze", _CALL),
    "flow": RecordKind("A connection of one capture, as Zeek's conn.log would tell it.", "analyze", _FLOW),
    "finding": RecordKind("Something that a person should look at.", "analyze", _FINDING),
    "event": RecordKind("Something that changed.", "timeline", _EVENT),
    "passage": RecordKind("One request across captures and sidecars.", "journey", _PASSAGE),
    "name": RecordKind("Who stands behind PassthroughCluster or BlackHoleCluster.", "names", _NAME),
    "edge": RecordKind("How connections of one client to one port were secured.", "mtls", _EDGE),
}


def fields_page() -> Iterator[str]:
    """The reference page of all records, in Markdown."""
    yield "# Fields"
    yield ""
    yield (
        "What `-o jsonl` writes: one object per line, whose `kind` says what the line is. `?` marks a field that may "
        "be null, `-` one that may be absent. Fields are added freely and never renamed; `meshverdict/1` is the schema."
    )
    for kind, record in RECORDS.items():
        yield ""
        yield f"## `{kind}`"
        yield ""
        yield f"{record.about} Written by `meshverdict {record.written_by}`."
        yield ""
        yield "| field | type | meaning |"
        yield "|---|---|---|"
        for field in record.fields:
            meaning = field.meaning.replace("|", "\\|")
            yield f"| `{field.name}` | {field.type} | {meaning} |"
