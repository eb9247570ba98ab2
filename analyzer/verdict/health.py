"""What a capture is: where in the pod it was taken, whose pod it was, and how well it can be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from analyzer.base.table import FATE_NAMES, PacketTable
from analyzer.capture.capture import Capture
from analyzer.flow.connection import Connection
from analyzer.flow.udp import UdpFlow
from analyzer.verdict.record import CaptureRecord
from analyzer.verdict.roles import DELIVERY_ADDRESSES, OUTBOUND_PORT, is_loopback

if TYPE_CHECKING:
    from analyzer.mesh.snapshot import MeshSnapshot


def capture_record(
    capture: Capture,
    packets: PacketTable,
    connections: Sequence[Connection],
    *,
    link_names: Sequence[str],
    udp: Sequence[UdpFlow] = (),
) -> CaptureRecord:
    """The facts of one capture; ``pod``, ``calls`` and ``oddities`` are filled in when they are known."""
    times = capture.records.time_ns
    counts = np.bincount(packets.fate, minlength=len(FATE_NAMES))
    return CaptureRecord(
        name=capture.name,
        format=capture.format,
        pod=None,
        vantage=vantage_of(connections),
        link_types=tuple(link_names),
        records=len(capture.records),
        bytes=int(capture.records.captured_len.sum(dtype=np.int64)),
        first_ns=int(times.min()) if len(times) else 0,
        last_ns=int(times.max()) if len(times) else 0,
        connections=len(connections),
        calls=0,
        fates=tuple((FATE_NAMES[i], int(n)) for i, n in enumerate(counts) if n),
        complete=capture.complete,
        oddities=(),
        error=capture.error,
        udp=tuple(udp),
    )


def vantage_of(connections: Sequence[Connection]) -> str:
    """Which interfaces of a pod the connections show, in a person's words."""
    inside = any(_on_loopback(c) for c in connections)
    outside = any(not _on_loopback(c) for c in connections)
    if inside and outside:
        return "lo and eth0: both sides of the sidecar"
    if inside:
        return "lo only: the application's side of the sidecar"
    if outside:
        return "eth0 only: the wire's side, or a pod without a sidecar"
    return "no TCP connections"


def _on_loopback(connection: Connection) -> bool:
    client, server = connection.client.ip, connection.server.ip
    if connection.redirect_port or client in DELIVERY_ADDRESSES or client == server:
        return True
    return is_loopback(client) or is_loopback(server)


def pod_of(connections: Sequence[Connection], hint: str | None, mesh: MeshSnapshot | None) -> str | None:
    """Whose pod it is: by what happens only inside one, else by who is on every connection, else by the name."""
    if mesh is not None:
        inner = Counter(ip for c in connections for ip in _inner_addresses(c))
        outer = [{c.client.ip, c.server.ip} for c in connections if not _on_loopback(c)]
        everywhere = set.intersection(*outer) if outer else set[str]()
        for ip in [*(ip for ip, _ in inner.most_common()), *sorted(everywhere)]:
            pod = mesh.pod_at(ip)
            if pod is not None and (inner or len(everywhere) == 1):
                return str(pod.full_name)
    return hint


def _inner_addresses(connection: Connection) -> tuple[str, ...]:
    if connection.redirect_port == OUTBOUND_PORT:
        return (connection.client.ip,)
    if connection.client.ip in DELIVERY_ADDRESSES:
        return (connection.server.ip,)
    return ()
