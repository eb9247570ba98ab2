"""A Wireshark display filter for the packets of a call (wireshark-filter(4))."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.flow.connection import Endpoint
from analyzer.verdict.record import APP_TO_SIDECAR, SIDECAR_TO_UPSTREAM, Leg
from analyzer.verdict.roles import INBOUND_PORT, OUTBOUND_PORT


def display_filter(legs: Iterable[Leg]) -> str:
    """The filter that shows all ``legs`` of a call, whichever of its captures is open; empty where there are none.

    Of a connection that iptables redirected, what the client sends goes to the sidecar's port: that half is included.
    """
    return " || ".join(dict.fromkeys(clause for leg in legs for clause in _clauses(leg)))


def _clauses(leg: Leg) -> list[str]:
    client, server = leg.client, leg.server
    clauses = [
        f"({_field(client)}.addr == {client.ip} && {_field(server)}.addr == {server.ip} "
        f"&& tcp.port == {client.port} && tcp.port == {server.port})"
    ]
    redirected = _redirected_to(leg)
    if redirected is not None:
        clauses.append(
            f"({_field(client)}.src == {client.ip} && tcp.srcport == {client.port} && tcp.dstport == {redirected})"
        )
    return clauses


def _redirected_to(leg: Leg) -> int | None:
    """The sidecar's port that the client's packets name: of an application's leg, and of a pod's call to itself."""
    if leg.role == APP_TO_SIDECAR:
        return OUTBOUND_PORT
    return INBOUND_PORT if leg.role == SIDECAR_TO_UPSTREAM and leg.client.ip == leg.server.ip else None


def _field(end: Endpoint) -> str:
    return "ipv6" if ":" in end.ip else "ip"
