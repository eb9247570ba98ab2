"""Which wires of a run can be judged without the others.

Calls and the legs that carry them meet by addresses: whatever is looked up for a call is looked up at its client, or at
a server that it reached. Wires that share none of the addresses of legs, and no client, have nothing to do with each
other.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import pairwise

from analyzer.base.pages import letting_go
from analyzer.flow.facts import EndAddresses, addresses_in
from analyzer.flow.traffic import Bools
from analyzer.mesh.kinds.mesh_config import LOCALHOST
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.roles import DELIVERY_ADDRESSES, OUTBOUND_PORT, is_loopback
from analyzer.verdict.wires import WIRES_AT_ONCE, Wire, buffers_of

# The first bytes of TLS are a name too: an application's hello is known again on the wire of a sidecar.
_HELLO_LEN = 64
# How much more than the others the process can do that need not send what it finds.
FIRST_SHARE = 1.2


def shards_of(wires: Sequence[Wire], mesh: MeshSnapshot | None, count: int) -> list[list[int]]:
    """The positions of ``wires`` in at most ``count`` groups, each in ascending order.

    All take about as long: the first one is for this process, the others' results must be sent to it.
    Clients of one namespace stay together where they can: they are told the same, which is found out once.
    Where sidecars deliver to 127.0.0.1 addresses do not say whose delivery it is, and all stay together.
    """
    if mesh is not None and mesh.config.inbound_policy == LOCALHOST:
        return [list(range(len(wires)))] if wires else []
    groups = _groups(wires)
    order = sorted(groups.values(), key=lambda group: (_namespace_of(wires[group[0]], mesh), group[0]))
    shards: list[list[int]] = [[] for _ in range(min(count, len(order)))]
    filled, shard = 0, 0
    first = len(wires) * FIRST_SHARE / (FIRST_SHARE + len(shards) - 1) if shards else 0.0
    for group in order:
        if shard < len(shards) - 1 and filled + len(group) / 2 > first * (1 + shard / FIRST_SHARE):
            shard += 1
        shards[shard] += group
        filled += len(group)
    return [sorted(shard) for shard in shards if shard]


def _groups(wires: Sequence[Wire]) -> dict[Hashable, list[int]]:
    """The positions of the wires that may meet, by a name that they share."""
    legs = may_be_legs(addresses_in([wire.connection for wire in wires])).tolist()
    met = {address for wire, leg in zip(wires, legs, strict=True) if leg for address in _addresses(wire)}
    links = _Links()
    names: list[Hashable] = []
    for wire, leg in zip(letting_go(wires, buffers_of(wires), every=WIRES_AT_ONCE), legs, strict=True):
        own: list[Hashable] = [wire.client.ip, *(ip for ip in _addresses(wire) if leg or ip in met)]
        if met:
            own.append(_hello_of(wire) or wire.client.ip)
        for one, other in pairwise(own):
            links.join(one, other)
        names.append(wire.client.ip)
    groups: dict[Hashable, list[int]] = {}
    for position, name in enumerate(names):
        groups.setdefault(links.root(name), []).append(position)
    return groups


def may_be_legs(ends: EndAddresses) -> Bools:
    """Which connections may be a sidecar's, whatever was said on them, ``(C,)``; as ``roles`` has it."""
    legs: Bools = (ends.redirect_port != 0) & (ends.redirect_port != OUTBOUND_PORT)
    legs |= (ends.redirect_port == 0) & (ends.client != ends.server) & ~ends.clients(is_loopback)
    return legs | ends.clients(DELIVERY_ADDRESSES.__contains__)


def meet_no_call(ends: EndAddresses) -> Bools:
    """Which connections certainly carry no call onwards, whichever of their ends is the client, ``(C,)``."""
    none: Bools = (ends.client == ends.server) | (ends.clients(is_loopback) & ends.servers(is_loopback))
    none &= (ends.redirect_port == 0) & ~ends.servers(DELIVERY_ADDRESSES.__contains__)
    none |= ends.redirect_port == OUTBOUND_PORT
    return none & ~ends.clients(DELIVERY_ADDRESSES.__contains__)


def _hello_of(wire: Wire) -> bytes:
    """What TLS may begin with, and a preamble before it; empty where the wire begins with words, as HTTP does."""
    begin = wire.connection.from_client.read(0, _HELLO_LEN)
    return b"" if begin[:1].isalpha() and not begin.startswith(b"PROXY ") else begin


def _addresses(wire: Wire) -> tuple[str, ...]:
    return (wire.client.ip, *(server.ip for server in wire.servers))


def _namespace_of(wire: Wire, mesh: MeshSnapshot | None) -> str:
    pod = mesh.pod_at(wire.client.ip) if mesh else None
    return pod.namespace if pod else ""


class _Links:
    """Names that belong together (union-find)."""

    def __init__(self) -> None:
        self._parents: dict[Hashable, Hashable] = {}

    def root(self, name: Hashable) -> Hashable:
        """The name that stands for all that belong to ``name``."""
        root = name
        while (parent := self._parents.get(root, root)) != root:
            root = parent
        while (parent := self._parents.get(name, name)) != root:
            self._parents[name] = root
            name = parent
        return root

    def join(self, one: Hashable, other: Hashable) -> None:
        """Let two names belong together."""
        self._parents[self.root(one)] = self.root(other)
