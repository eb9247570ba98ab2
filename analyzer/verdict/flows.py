"""Connections as Zeek's conn.log would list them, each with the worst verdict of its calls."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from analyzer.verdict.decision import VERDICTS
from analyzer.verdict.record import CallRecord, FlowRecord
from analyzer.verdict.wires import Sighting, Wire

_WORST_FIRST = VERDICTS[::-1]


# The verdicts of the calls on each connection, by its uid.
Verdicts = Mapping[str, Sequence[str | None]]


def flow_records(
    wires: Sequence[Wire], protocols: Mapping[int, str] | Sequence[str], verdicts: Verdicts
) -> tuple[FlowRecord, ...]:
    """One record for every sighting, in the order of the wires; ``protocols`` says by position what each speaks."""
    return tuple(
        _record(sighting, protocols[position], verdicts.get(wire.connection.uid, ()))
        for position, wire in enumerate(wires)
        for sighting in wire.sightings
    )


def verdicts_by_uid(calls: Iterable[CallRecord]) -> dict[str, list[str | None]]:
    """The verdicts of calls by their connections."""
    found: dict[str, list[str | None]] = {}
    for call in calls:
        found.setdefault(call.uid, []).append(call.decision.verdict)
    return found


def worst_verdict(calls: Iterable[CallRecord]) -> str | None:
    """Dropped before passthrough before headless-matched before service-matched; None where none is decided."""
    return _worst({call.decision.verdict for call in calls})


def _worst(verdicts: Collection[str | None]) -> str | None:
    return next((verdict for verdict in _WORST_FIRST if verdict in verdicts), None)


def _record(sighting: Sighting, protocol: str, verdicts: Sequence[str | None]) -> FlowRecord:
    c = sighting.connection
    return FlowRecord(
        uid=c.uid,
        community_id=c.community_id,
        capture=sighting.capture,
        client=c.client,
        server=c.server,
        protocol=protocol,
        verdict=_worst(verdicts),
        calls=len(verdicts),
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
