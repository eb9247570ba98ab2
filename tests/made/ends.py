"""Who talks with whom, looked at one connection after the other: what is told of columns must be the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, product
from pathlib import Path

import numpy as np

from analyzer.base.fact import replace
from analyzer.base.table import numbered
from analyzer.capture.reader import read_capture
from analyzer.flow.connection import Connection, swap_ends
from analyzer.flow.connections import Connections
from analyzer.flow.facts import EndAddresses
from analyzer.flow.orientation import CLIENT_BY, GUESSED
from analyzer.opening import read_packets
from analyzer.verdict.roles import DELIVERY_ADDRESSES, OUTBOUND_PORT, is_loopback

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
# The addresses of client and server, and the redirect port.
Who = tuple[str, str, int]
SAID = [
    "10.0.0.1", "10.0.0.2", "127.0.0.1", "127.0.0.6", "127.9.9.9", "128.0.0.1", "::1", "::6", "::ffff:127.0.0.1",
    "::ffff:127.0.0.6", "fd00::1",
]  # fmt: skip
ANY: list[Who] = list(product(SAID, SAID, (0, 15001, 15006)))


def whos(ends: EndAddresses) -> list[Who]:
    columns = ends.client.tolist(), ends.server.tolist(), ends.redirect_port.tolist()
    return [(ends.texts[client], ends.texts[server], port) for client, server, port in zip(*columns, strict=True)]


def whos_of(connections: Sequence[Connection]) -> list[Who]:
    return [(each.client.ip, each.server.ip, each.redirect_port) for each in connections]


def may_be_leg(client: str, server: str, redirect_port: int) -> bool:
    if client in DELIVERY_ADDRESSES:
        return True
    if redirect_port:
        return redirect_port != OUTBOUND_PORT
    return client != server and not is_loopback(client)


def meets_no_call(client: str, server: str, redirect_port: int) -> bool:
    if redirect_port == OUTBOUND_PORT:
        return client not in DELIVERY_ADDRESSES
    inside = client == server or (is_loopback(client) and is_loopback(server))
    return inside and not redirect_port and DELIVERY_ADDRESSES.isdisjoint((client, server))


def sights(all_of: Sequence[Who]) -> tuple:
    """``inner`` in its order, ``inside`` and ``everywhere`` of ``Sights``."""
    inner: Counter[str] = Counter()
    outside = []
    for client, server, port in all_of:
        if port == OUTBOUND_PORT:
            inner[client] += 1
        elif client in DELIVERY_ADDRESSES:
            inner[server] += 1
        elif not port and client != server and not is_loopback(client) and not is_loopback(server):
            outside.append(frozenset((client, server)))
    everywhere = frozenset.intersection(*outside) if outside else None
    return list(inner.items()), len(outside) < len(all_of), everywhere


def ends_of(all_of: Sequence[Who]) -> EndAddresses:
    """The ends of connections that are so."""
    texts, numbers = numbered(chain.from_iterable((client, server) for client, server, _ in all_of))
    return EndAddresses(texts, numbers[::2], numbers[1::2], np.array([port for _, _, port in all_of], np.int64))


def swapped(connection: Connection) -> Connection:
    """Who changes only what is a guess."""
    return swap_ends(connection) if connection.client_by == CLIENT_BY[GUESSED] else connection


def recorded() -> Iterator[Connections]:
    """The connections of all recorded captures: of whole ones, and from the middle on, where some clients are a guess.

    Those are as they are, and swapped.
    """
    for path in sorted(CAPTURES.rglob("*.pcap")):
        capture = read_capture(path, name=path.name)
        for begin in (0, len(capture.records) // 2):
            part = replace(capture, records=capture.records.part(slice(begin, None)))
            traffic = read_packets(part).traffic
            yield Connections(part.name, part.buffer, traffic)
            yield Connections(part.name, part.buffer, traffic, swapped)
