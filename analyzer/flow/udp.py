"""The UDP in a capture, by who talks with whom: iptables redirects TCP alone, so that all of it passes the mesh by.

QUIC shows its server name in the first packets, which needs the extra ``crypto``; DNS goes to the agent's proxy where
the mesh captures it, and is told by its port.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from analyzer.base.address import format_address
from analyzer.base.fact import Fact
from analyzer.base.oddity import Code, Family, Level, Oddity
from analyzer.base.ranks import stable_order
from analyzer.base.table import I64, PROTOCOL_UDP, PacketTable, RecordTable, decoded_as
from analyzer.flow.connection import Endpoint
from analyzer.flow.tuples import canonical_tuples, number_rows

QUIC_SEALED = Code(
    "quic-sealed",
    Family.CAPTURE,
    Level.INFO,
    "the server names of {flows} QUIC flows were not read",
    "The first packets of QUIC are sealed with keys that stand in them; opening them takes the package cryptography.",
    "Install it with: pip install 'meshverdict[crypto]'",
)
TOO_MANY_UDP_FLOWS = Code(
    "udp-flows-limit",
    Family.LIMIT,
    Level.WARNING,
    "more than {limit} UDP flows; those that began later are not listed",
    "UDP passes the mesh by; what is listed of it is bounded.",
)

QUIC, DNS, UDP = "quic", "dns", "udp"
# DNS, the agent's DNS proxy that iptables redirects to (istio/tools, ISTIO_AGENT_DNS_LISTENER_PORT), multicast DNS.
_DNS_PORTS = frozenset({53, 15053, 5353})
# Ports below are servers' (RFC 6335 section 6), where a capture begins with an answer.
_SYSTEM_PORTS = 1024
MAX_FLOWS = 10_000
# A hello of many key shares takes two or three datagrams; losses repeat them.
_READ_DATAGRAMS = 16


class UdpFlow(Fact, frozen=True):
    """Datagrams between two ends; ``client`` sent the first, or has the higher port where only answers were seen.

    ``protocol`` is ``quic``, ``dns`` (by port) or ``udp``; ``sni`` and ``alpn`` are those of QUIC's ClientHello.
    ``payload_bytes`` is what was on the wire. ``first_packet`` and ``last_packet`` are 1-based.
    """

    client: Endpoint
    server: Endpoint
    protocol: str
    packets: int
    payload_bytes: int
    first_packet: int
    last_packet: int
    first_ns: int
    last_ns: int
    sni: str | None = None
    alpn: tuple[str, ...] = ()


def udp_flows(
    buffer: memoryview, packets: PacketTable, records: RecordTable, *, most: int = MAX_FLOWS
) -> tuple[list[UdpFlow], list[Oddity]]:
    """The UDP flows of a capture in the order of their first packet, and what is to be said about all of them."""
    rows = np.flatnonzero(decoded_as(packets, PROTOCOL_UDP))
    if not len(rows):
        return [], []
    groups = _groups(packets, rows)
    flows, sealed = [], 0
    for members in groups[:most]:
        flow, was_sealed = _flow(buffer, packets, records, members)
        flows.append(flow)
        sealed += was_sealed
    odd = [Oddity(QUIC_SEALED, values={"flows": sealed})] if sealed else []
    if len(groups) > most:
        odd.append(Oddity(TOO_MANY_UDP_FLOWS, values={"limit": most}))
    return flows, odd


def _groups(packets: PacketTable, rows: I64) -> list[I64]:
    """The rows of each flow, flows in the order of their first row."""
    numbers = number_rows(canonical_tuples(packets, rows)[0])
    order = stable_order(numbers)
    bounds = np.flatnonzero(np.diff(numbers[order])) + 1
    return sorted(np.split(rows[order], bounds), key=lambda members: int(members[0]))


def _flow(buffer: memoryview, packets: PacketTable, records: RecordTable, members: I64) -> tuple[UdpFlow, bool]:
    first, last = int(members[0]), int(members[-1])
    sender, receiver = _ends(packets, first)
    swapped = sender.port < _SYSTEM_PORTS <= receiver.port
    client, server = (receiver, sender) if swapped else (sender, receiver)
    sent = (packets.src_port[members] == client.port) & (packets.dst_port[members] == server.port)
    if server.port in _DNS_PORTS:
        said = _Said(DNS)
    else:
        said = _read_quic(list(_payloads(buffer, packets, members[sent][:_READ_DATAGRAMS])))
    first_packet, last_packet = records.numbers_at(members[[0, -1]]).tolist()
    flow = UdpFlow(
        client,
        server,
        said.protocol,
        len(members),
        int(packets.payload_wire_len[members].sum(dtype=np.int64)),
        first_packet,
        last_packet,
        int(records.time_ns[first]),
        int(records.time_ns[last]),
        said.sni,
        said.alpn,
    )
    return flow, said.sealed


def _ends(packets: PacketTable, row: int) -> tuple[Endpoint, Endpoint]:
    version = int(packets.ip_version[row])
    src = format_address(int(packets.src_hi[row]), int(packets.src_lo[row]), version=version)
    dst = format_address(int(packets.dst_hi[row]), int(packets.dst_lo[row]), version=version)
    return Endpoint(src, int(packets.src_port[row])), Endpoint(dst, int(packets.dst_port[row]))


def _payloads(buffer: memoryview, packets: PacketTable, rows: I64) -> Iterator[bytes]:
    for row in rows.tolist():
        begin = int(packets.payload_off[row])
        yield bytes(buffer[begin : begin + int(packets.payload_len[row])])


class _Said(NamedTuple):
    """What a client said; ``sealed``: it is QUIC that could not be opened."""

    protocol: str
    sni: str | None = None
    alpn: tuple[str, ...] = ()
    sealed: bool = False


def _read_quic(datagrams: list[bytes]) -> _Said:
    # Most UDP is no QUIC, and a capture without any must not pay for it.
    if not any(data and data[0] & 0xC0 == 0xC0 for data in datagrams):
        return _Said(UDP)
    from analyzer.protocol.crypto import can_open
    from analyzer.protocol.quic import is_quic, quic_hello

    if not any(map(is_quic, datagrams)):
        return _Said(UDP)
    if not can_open():
        return _Said(QUIC, sealed=True)
    hello = quic_hello(datagrams)
    return _Said(QUIC, hello.sni, hello.alpn) if hello else _Said(QUIC)
