"""What every record is as a JSON object.

Fields are the documented record of ``-o jsonl``; the builders return plain dictionaries, in the order of that page, so
that other answers (``route``, ``whatif``) can reuse them. Absent: ``host``, ``method``, ``path``, ``sni``, ``alpn``
where there is none. Encoded text is inert: no control, bidi or invisible character stands raw in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from analyzer.base.escape import inert_json, without_surrogates
from analyzer.base.place import PacketPlace, YamlPlace
from analyzer.flow.connection import Endpoint
from analyzer.flow.udp import UdpFlow
from analyzer.report.display_filter import display_filter
from analyzer.report.wording import format_time
from analyzer.verdict.decision import VERDICTS, Candidate, Decision, Inbound, LocalResponse, Outbound, Step
from analyzer.verdict.record import (
    Analysis,
    CallRecord,
    CaptureRecord,
    Finding,
    FlowRecord,
    InsideRequest,
    Leg,
    MeshRecord,
    Observed,
)

Object = dict[str, Any]

# Of the record as a whole; grows by a number when a field changes its meaning, never when one is added.
SCHEMA = "meshverdict/1"

_ENCODER = msgspec.json.Encoder()


def encode(value: object) -> bytes:
    """``value`` as one line of inert JSON without its newline; text that UTF-8 cannot carry is made visible."""
    try:
        return inert_json(_ENCODER.encode(value))
    except UnicodeEncodeError:
        return inert_json(_ENCODER.encode(without_surrogates(value)))


def run_object(analysis: Analysis) -> Object:
    """The totals of a run: calls by verdict (``null`` as ``undetermined``), the mesh input, and the limits hit."""
    counts = Counter(call.decision.verdict for call in analysis.calls)
    return totals_object(analysis, counts, flows=len(analysis.flows))


def totals_object(analysis: Analysis, counts: Mapping[str | None, int], *, flows: int) -> Object:
    """As ``run_object``, of a run whose calls and flows were counted before."""
    return {
        "schema": SCHEMA,
        "calls": sum(counts.values()),
        "verdicts": {verdict: counts.get(verdict, 0) for verdict in VERDICTS},
        "undetermined": counts.get(None, 0),
        "flows": flows,
        "findings": len(analysis.findings),
        "captures": len(analysis.captures),
        "mesh": mesh_object(analysis.mesh) if analysis.mesh else None,
        "limits": list(analysis.limits),
    }


def mesh_object(mesh: MeshRecord) -> Object:
    """What the mesh input held."""
    return {
        "sources": list(mesh.sources),
        "kinds": dict(mesh.kinds),
        "ignored": dict(mesh.ignored),
        "oddities": list(mesh.oddities),
        "errors": list(mesh.errors),
    }


def capture_object(capture: CaptureRecord) -> Object:
    """One capture; ``error`` is null when it could be read to its end."""
    return {
        "name": capture.name,
        "format": capture.format,
        "pod": capture.pod,
        "vantage": capture.vantage,
        "link_types": capture.link_types,
        "records": capture.records,
        "bytes": capture.bytes,
        "first_ns": capture.first_ns,
        "last_ns": capture.last_ns,
        "connections": capture.connections,
        "calls": capture.calls,
        "fates": dict(capture.fates),
        "complete": capture.complete,
        "oddities": capture.oddities,
        "error": capture.error,
        "udp": [_udp_object(flow) for flow in capture.udp],
    }


def _udp_object(flow: UdpFlow) -> Object:
    return {
        "client": _endpoint_object(flow.client),
        "server": _endpoint_object(flow.server),
        "protocol": flow.protocol,
        "sni": flow.sni,
        "alpn": flow.alpn,
        "packets": flow.packets,
        "payload_bytes": flow.payload_bytes,
        "first_packet": flow.first_packet,
        "last_packet": flow.last_packet,
        "first_ns": flow.first_ns,
        "last_ns": flow.last_ns,
    }


def call_object(call: CallRecord) -> Object:
    """One call with its decision, what was observed, its legs and its evidence."""
    said: Object = {
        "id": call.id,
        "captures": call.captures,
        "packets": {capture: (first, last) for capture, first, last in call.packets},
        "pod": call.pod,
        "client": _endpoint_object(call.client),
        "server": _endpoint_object(call.server),
        "server_pod": call.server_pod,
        "request": call.request,
        "protocol": call.protocol,
    }
    for name, value in (("host", call.host), ("method", call.method), ("path", call.path), ("sni", call.sni)):
        if value is not None:
            said[name] = value
    if call.alpn:
        said["alpn"] = call.alpn
    said.update(decided_object(call.decision))
    said["observed"] = observed_object(call.observed)
    said["legs"] = [leg_object(leg) for leg in call.legs]
    said["evidence"] = [step_object(step) for step in call.steps]
    said["time"] = format_time(call.first_ns)
    said["first_ns"] = call.first_ns
    said["last_ns"] = call.last_ns
    said["uid"] = call.uid
    said["community_id"] = call.community_id
    said["conn_state"] = call.conn_state
    said["history"] = call.history
    said["display_filter"] = display_filter(call.legs)
    if call.inside:
        said["inside"] = inside_object(call.inside)
    return said


def inside_object(inside: Iterable[InsideRequest]) -> list[Object]:
    """What a key log shows inside a call's TLS."""
    return [{"method": each.method, "host": each.host, "path": each.path, "status": each.status} for each in inside]


def flow_object(flow: FlowRecord) -> Object:
    """One connection of one capture in the words of Zeek's conn.log.

    Its ends are not called ``client`` and ``server``: who looks for a call by its client must not find a flow.
    """
    return {
        "uid": flow.uid,
        "community_id": flow.community_id,
        "capture": flow.capture,
        "orig_h": flow.client.ip,
        "orig_p": flow.client.port,
        "resp_h": flow.server.ip,
        "resp_p": flow.server.port,
        "protocol": flow.protocol,
        "verdict": flow.verdict,
        "calls": flow.calls,
        "first_ns": flow.first_ns,
        "last_ns": flow.last_ns,
        "client_packets": flow.client_packets,
        "server_packets": flow.server_packets,
        "client_bytes": flow.client_bytes,
        "server_bytes": flow.server_bytes,
        "missed_bytes": flow.missed_bytes,
        "conn_state": flow.conn_state,
        "history": flow.history,
    }


def finding_object(finding: Finding) -> Object:
    """One finding; ``calls`` are ids."""
    return {
        "code": finding.code.name,
        "level": finding.code.level.value,
        "sentence": finding.sentence,
        "calls": finding.calls,
        "packets": _packets_object(finding.packets),
        "yaml": _yaml_list(finding.yaml),
        "advice": finding.advice or finding.code.advice,
        "first_ns": finding.first_ns,
    }


def decision_object(decision: Decision) -> Object:
    """A decision with its ``evidence``: what one line of ``route`` says after its name."""
    return {**decided_object(decision), "evidence": [step_object(step) for step in decision.steps]}


def decided_object(decision: Decision) -> Object:
    """A decision without its evidence."""
    return {
        "verdict": decision.verdict,
        "reason": decision.reason,
        "undetermined": decision.undetermined,
        "outbound": _outbound_object(decision.outbound),
        "gateway": _gateway_object(decision.gateway),
        "inbound": _inbound_object(decision.inbound),
    }


def _outbound_object(outbound: Outbound | None) -> Object | None:
    if outbound is None:
        return None
    said: Object = {
        "listener": outbound.listener,
        "filter_chain": outbound.filter_chain,
        "route_config": outbound.route_config,
        "virtual_host": outbound.virtual_host,
        "route": outbound.route,
        "cluster": outbound.cluster,
    }
    if outbound.clusters:
        said["clusters"] = [{"cluster": choice.cluster, "weight": choice.weight} for choice in outbound.clusters]
    said["response"] = _response_object(outbound.response)
    return said


def _gateway_object(gateway: Outbound | None) -> Object | None:
    fields = _outbound_object(gateway)
    return {"pod": gateway.pod, **fields} if gateway and fields else None


def _inbound_object(inbound: Inbound | None) -> Object | None:
    if inbound is None:
        return None
    return {
        "pod": inbound.pod,
        "filter_chain": inbound.filter_chain,
        "cluster": inbound.cluster,
        "mtls": inbound.mtls,
        "response": _response_object(inbound.response),
    }


def _response_object(response: LocalResponse | None) -> Object | None:
    return {"code": response.code, "flag": response.flag} if response else None


def observed_object(observed: Observed) -> Object:
    """What the packets show."""
    said: Object = {
        "status": observed.status,
        "answered_by": observed.answered_by,
        "closed_by": observed.closed_by,
        "tls_alert": observed.tls_alert,
        "outcome": observed.outcome,
        "agrees": observed.agrees,
    }
    if observed.grpc_status is not None:
        said["grpc_status"] = observed.grpc_status
    if observed.why:
        said["why"] = observed.why
    return said


def leg_object(leg: Leg) -> Object:
    """A connection that carried a call."""
    said: Object = {
        "role": leg.role,
        "capture": leg.capture,
        "client": _endpoint_object(leg.client),
        "server": _endpoint_object(leg.server),
        "packets": (leg.first_packet, leg.last_packet),
        "certain": leg.certain,
    }
    if leg.sni is not None:
        said["sni"] = leg.sni
    if leg.uid:
        said["uid"] = leg.uid
    return said


def step_object(step: Step) -> Object:
    """A step of the chain."""
    said: Object = {
        "sentence": step.sentence,
        "packets": _packets_object(step.packets),
        "yaml": _yaml_list(step.yaml),
    }
    if step.lost:
        said["lost"] = [_candidate_object(candidate) for candidate in step.lost]
    return said


def _candidate_object(candidate: Candidate) -> Object:
    return {"name": candidate.name, "why": candidate.why, "yaml": _yaml_list(candidate.yaml)}


def _packets_object(places: Iterable[PacketPlace]) -> Mapping[str, list[int]]:
    packets: dict[str, list[int]] = {}
    for place in places:
        packets.setdefault(place.capture, []).append(place.packet)
    return packets


def _yaml_list(places: Iterable[YamlPlace]) -> list[str]:
    return [f"{place.file}:{place.line}" for place in places]


def _endpoint_object(endpoint: Endpoint) -> Object:
    return {"ip": endpoint.ip, "port": endpoint.port}
