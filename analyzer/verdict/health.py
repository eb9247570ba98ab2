"""What a capture is: where in the pod it was taken, whose pod it was, and how well it can be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from analyzer.base.table import FATE_NAMES, I64, PacketTable, by_appearance, count_fates
from analyzer.capture.capture import Capture
from analyzer.flow.connection import Connection
from analyzer.flow.facts import EndAddresses, addresses_in
from analyzer.flow.traffic import Bools
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
    counts = count_fates(packets)
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


def sights_of(connections: Sequence[Connection]) -> Sights:
    """What connections show of where they were captured."""
    return Sights.of(addresses_in(connections))


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
    def of(cls, ends: EndAddresses) -> Sights:
        """Those of connections by who talks with whom."""
        inner = _inner_addresses(ends)
        numbers, firsts = by_appearance(inner)
        texts = [ends.texts[index] for index in inner[firsts].tolist()]
        sights = cls(dict(zip(texts, np.bincount(numbers).tolist(), strict=True)))
        outside = ~_on_loopback(ends)
        client, server = ends.client[outside], ends.server[outside]
        sights.inside = len(client) < len(ends)
        if len(client):
            common = [each for each in (client[0], server[0]) if ((client == each) | (server == each)).all()]
            sights.everywhere = frozenset(ends.texts[each] for each in common)
        return sights

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


def pod_of(connections: Sequence[Connection], hint: str | None, mesh: MeshSnapshot | None) -> str | None:
    """Whose pod it is, by connections; as ``Sights.pod``."""
    return sights_of(connections).pod(hint, mesh)


def _on_loopback(ends: EndAddresses) -> Bools:
    """Which connections only the inside of a pod shows, ``(C,)``."""
    inside: Bools = (ends.redirect_port != 0) | (ends.client == ends.server)
    inside |= ends.clients(is_loopback) | ends.servers(is_loopback)
    return inside | ends.clients(DELIVERY_ADDRESSES.__contains__)


def _inner_addresses(ends: EndAddresses) -> I64:
    """The pod's own address on each connection that tells it, as an index of texts."""
    redirected = ends.redirect_port == OUTBOUND_PORT
    delivered = ends.clients(DELIVERY_ADDRESSES.__contains__)
    addresses: I64 = np.where(redirected, ends.client, ends.server)[redirected | delivered]
    return addresses
