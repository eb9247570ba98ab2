"""What a capture is: where in the pod it was taken, whose pod it was, and how well it can be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from analyzer.base.table import FATE_NAMES, PacketTable
from analyzer.capture.capture import Capture
from analyzer.flow.connection import Connection
from analyzer.flow.facts import EndKind, Ends
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
    return sights_of(connections).vantage


def sights_of(connections: Iterable[Connection | Ends]) -> Sights:
    """What connections show of where they were captured."""
    sights = Sights()
    sights.add(connections)
    return sights


class Sights:
    """Where a capture was taken, as far as the connections say that were added so far.

    ``inner`` counts the connections of addresses that only the inside of their pod shows, the first one first;
    ``everywhere`` are the addresses that all other connections have in common.
    """

    __slots__ = ("everywhere", "inner", "inside")

    def __init__(self, inner: Mapping[str, int] = MappingProxyType({})) -> None:
        self.inner = Counter(inner)
        self.inside = False
        self.everywhere: frozenset[str] | None = None

    @classmethod
    def of(cls, kinds: Iterable[EndKind]) -> Sights:
        """Those of connections by who talks with whom."""
        sights = cls()
        for kind in kinds:
            sights._look(kind.ends, kind.number)
        return sights

    def add(self, connections: Iterable[Connection | Ends]) -> None:
        """Look at more connections."""
        for connection in connections:
            self._look(connection, 1)

    def _look(self, ends: Connection | Ends, count: int) -> None:
        if _on_loopback(ends):
            self.inside = True
            for address in _inner_addresses(ends):
                self.inner[address] += count
        else:
            self._add_ends(frozenset((ends.client.ip, ends.server.ip)))

    def join(self, others: Sights) -> None:
        """Take what others saw."""
        self.inside |= others.inside
        self.inner.update(others.inner)
        if others.everywhere is not None:
            self._add_ends(others.everywhere)

    def _add_ends(self, ends: frozenset[str]) -> None:
        self.everywhere = ends if self.everywhere is None else self.everywhere & ends

    @property
    def vantage(self) -> str:
        """Which interfaces of a pod they show, in a person's words."""
        outside = self.everywhere is not None
        if self.inside and outside:
            return "lo and eth0: both sides of the sidecar"
        if self.inside:
            return "lo only: the application's side of the sidecar"
        return "eth0 only: the wire's side, or a pod without a sidecar" if outside else "no TCP connections"

    def pod(self, hint: str | None, mesh: MeshSnapshot | None) -> str | None:
        """Whose pod it is: by what happens only inside one, by who is on every connection, else by the name."""
        everywhere = self.everywhere or frozenset()
        for ip in [*(ip for ip, _ in self.inner.most_common()), *sorted(everywhere)] if mesh else ():
            pod = mesh.pod_at(ip) if mesh else None
            if pod is not None and (self.inner or len(everywhere) == 1):
                return str(pod.full_name)
        return hint


def _on_loopback(connection: Connection | Ends) -> bool:
    client, server = connection.client.ip, connection.server.ip
    if connection.redirect_port or client in DELIVERY_ADDRESSES or client == server:
        return True
    return is_loopback(client) or is_loopback(server)


def pod_of(connections: Sequence[Connection], hint: str | None, mesh: MeshSnapshot | None) -> str | None:
    """Whose pod it is, by connections; as ``Sights.pod``."""
    return sights_of(connections).pod(hint, mesh)


def _inner_addresses(connection: Connection | Ends) -> tuple[str, ...]:
    if connection.redirect_port == OUTBOUND_PORT:
        return (connection.client.ip,)
    if connection.client.ip in DELIVERY_ADDRESSES:
        return (connection.server.ip,)
    return ()
