"""Connections as Zeek's conn.log would list them, each with the worst verdict of its calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from analyzer.verdict.decision import VERDICTS
from analyzer.verdict.record import CallRecord, FlowRecord
from analyzer.verdict.wires import Sighting, Wire

_WORST_FIRST = VERDICTS[::-1]


def flow_records(
    wires: Sequence[Wire], protocols: Mapping[int, str], calls: Sequence[CallRecord]
) -> tuple[FlowRecord, ...]:
    """One record for every sighting, in the order of the wires; ``protocols`` says by position what each speaks."""
    by_uid: dict[str, list[CallRecord]] = {}
    for call in calls:
        by_uid.setdefault(call.uid, []).append(call)
    return tuple(
        _record(sighting, protocols[position], by_uid.get(wire.connection.uid, []))
        for position, wire in enumerate(wires)
        for sighting in wire.sightings
    )


def worst_verdict(calls: Iterable[CallRecord]) -> str | None:
    """Dropped before passthrough before headless-matched before service-matched; None where none is decided."""
    verdicts = {call.decision.verdict for call in calls}
    return next((verdict for verdict in _WORST_FIRST if verdict in verdicts), None)


def _record(sighting: Sighting, protocol: str, calls: Sequence[CallRecord]) -> FlowRecord:
    c = sighting.connection
    return FlowRecord(
        uid=c.uid,
        community_id=c.community_id,
        capture=sighting.capture,
        client=c.client,
        server=c.server,
        protocol=protocol,
        verdict=worst_verdict(calls),
        calls=len(calls),
        first_ns=c.first_ns,
        last_ns=c.last_ns,
        client_packets=c.client_packets,
        server_packets=c.server_packets,
        client_bytes=c.client_bytes,
        server_bytes=c.server_bytes,
        missed_bytes=c.missed_bytes,
        conn_state=c.conn_state,
        history=c.history,
    )
