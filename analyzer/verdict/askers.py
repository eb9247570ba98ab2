"""Who asks, of many calls at once: of clients that iptables treat alike whatever they call, each is looked at once."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from analyzer.base.fact import Fact
from analyzer.base.table import I64, by_appearance
from analyzer.flow.connection import Endpoint
from analyzer.flow.connections import Connections
from analyzer.flow.tuples import number_rows
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.redirect import is_loopback, ports_apart
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.answers import Desk
from analyzer.verdict.call_table import CallTable
from analyzer.verdict.exemplars import Asker, DeskKey, Exemplars, Talk
from analyzer.verdict.likeness import class_anywhere, class_of_client, own_steps


class _Client(Fact, frozen=True):
    """A pod that asks, with numbers of the classes of clients that it is of, -1 where it is of none.

    ``apart`` is as ``ports_apart`` has it.
    """

    pod: Pod
    anywhere: int
    near: int
    apart: frozenset[int] | None

    def treats_alike(self, server: Endpoint) -> bool:
        """Whether its iptables hand what it sends to a server to the sidecar, as what it sends to most others."""
        if self.apart is None or server.port in self.apart:
            return False
        return server.ip not in self.pod.ips and not is_loopback(server.ip)


@dataclass(frozen=True, slots=True)
class AskedBy:
    """Who asks the calls of a table, ``(N,)``: each ``askers[asker]``, None where nobody answers.

    ``classes`` ``(2, A)`` numbers the classes of askers, the wider one first: those of one class are told the same by
    one ``Model``, if they ask the same of ``server``, which stands for an address, a port and what was said before.
    Classes have the same numbers in all tables.
    """

    askers: list[Asker | None]
    asker: I64
    classes: I64
    server: I64


class Askers:
    """Finds who asks."""

    def __init__(self, mesh: MeshSnapshot, exemplars: Exemplars) -> None:
        self._mesh = mesh
        self._exemplars = exemplars
        self._numbers: dict[Hashable, int] = {}
        self._clients: dict[str, _Client | None] = {}
        self._usual: dict[str, Asker] = {}

    def of(self, calls: CallTable, connections: Connections) -> AskedBy:
        """Who asks the calls of a table."""
        which = calls.connection
        ends, silent = connections.end_table.at(which), connections.extents["client_bytes"][which] == 0
        client = number_rows(np.stack([*ends.client[:2], ends.version]))
        server, _ = by_appearance(number_rows(np.stack([*ends.server, ends.version, silent, calls.talk])))
        pair, firsts = by_appearance(number_rows(np.stack([client, server])))
        talks = [Talk.of(talk) for talk in calls.talks]
        columns = which[firsts], server[firsts], silent[firsts], calls.talk[firsts]
        found: dict[Hashable, tuple[int, Asker | None, tuple[int, int]]] = {}
        of_pairs = []
        for index, number, none, talk in zip(*(column.tolist() for column in columns), strict=True):
            ip, asked = connections.columns["client"][index].ip, connections.columns["server"][index]
            known = self._client(ip)
            if known is not None and known.treats_alike(asked):
                if ip not in found:
                    found[ip] = len(found), self._usual_asker(known, asked), (known.anywhere, known.near)
                of_pairs.append(found[ip][0])
                continue
            desk = self._exemplars.desk(DeskKey(ip, asked, none, talks[talk]), calls.talks[talk]) if known else None
            asker = Asker(known.pod, desk.own) if known and desk else None
            found[ip, number] = len(found), asker, _classes(known, desk)
            of_pairs.append(found[ip, number][0])
        askers = [asker for _, asker, _ in found.values()]
        classes = np.array([each for _, _, each in found.values()], np.int64).reshape(-1, 2).T
        return AskedBy(askers, np.array(of_pairs, np.int64)[pair], classes, server)

    def _client(self, ip: str) -> _Client | None:
        if ip not in self._clients:
            pod = self._mesh.pod_at(ip)
            self._clients[ip] = self._client_of(pod) if pod else None
        return self._clients[ip]

    def _client_of(self, pod: Pod) -> _Client:
        anywhere, near = class_anywhere(self._mesh, pod), class_of_client(self._mesh, pod)
        return _Client(pod, self._number(anywhere), self._number(near), ports_apart(self._mesh, pod))

    def _number(self, kind: Hashable | None) -> int:
        return -1 if kind is None else self._numbers.setdefault(kind, len(self._numbers))

    def _usual_asker(self, client: _Client, server: Endpoint) -> Asker:
        name = client.pod.full_name
        if name not in self._usual:
            own = own_steps(self._mesh, client.pod, server.ip, server.port) if client.near >= 0 else None
            self._usual[name] = Asker(client.pod, own, server)
        return self._usual[name]


def _classes(client: _Client | None, desk: Desk | None) -> tuple[int, int]:
    """The classes of whoever asks at a desk."""
    shared = len(desk.models) if desk else 0
    return (client.anywhere if shared > 1 else -1, client.near if shared else -1) if client else (-1, -1)
