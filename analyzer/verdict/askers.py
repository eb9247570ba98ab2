"""Who asks, of many calls at once: of clients that iptables treat alike whatever they call, each is looked at once."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from analyzer.base.fact import Fact
from analyzer.base.table import I64, by_appearance, distinct, numbered
from analyzer.flow.connection import Endpoint
from analyzer.flow.connections import Connections
from analyzer.flow.fields import Endpoints
from analyzer.flow.traffic import Bools
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


class AskedBy(Fact, frozen=True):
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
        which, clients, servers = calls.connection, connections.clients, connections.servers
        silent = connections.extents["client_bytes"][which] == 0
        server = np.stack([servers.ips.codes[which], servers.ports[which], silent, calls.talk])
        server, _ = by_appearance(number_rows(server))
        usual = self._are_usual(which, clients, servers)
        pair, firsts = by_appearance(number_rows(np.stack([clients.ips.codes[which], np.where(usual, -1, server)])))
        talks = [Talk.of(talk) for talk in calls.talks]
        askers, classes = list[Asker | None](), []
        for row in firsts.tolist():
            index, talk = int(which[row]), int(calls.talk[row])
            ip, asked = clients.ips[index], servers[index]
            known = self._client(ip)
            if known and usual[row]:
                askers.append(self._usual_asker(known, asked))
                classes.append((known.anywhere, known.near))
                continue
            key = DeskKey(ip, asked, bool(silent[row]), talks[talk])
            desk = self._exemplars.desk(key, calls.talks[talk]) if known else None
            askers.append(Asker(known.pod, desk.own) if known and desk else None)
            classes.append(_classes(known, desk))
        return AskedBy(askers, pair, np.array(classes, np.int64).reshape(-1, 2).T, server)

    def _are_usual(self, which: I64, clients: Endpoints, servers: Endpoints) -> Bools:
        """Of which connections iptables hand to the sidecar what the client sends, as what it sends to most others."""
        client, address, port = clients.ips.codes[which], servers.ips.codes[which], servers.ports[which]
        ips = {ip: code for code, ip in enumerate(servers.ips.values)}
        of_clients = {code: self._client(clients.ips.values[code]) for code in distinct(client).tolist()}
        of_pods = [(code, ip) for code, known in of_clients.items() if known for ip in known.pod.ips]
        own = [code * len(ips) + ips[ip] for code, ip in of_pods if ip in ips]
        loopback = np.array([is_loopback(ip) for ip in ips], np.bool_)
        # Most clients set the same ports apart.
        sets, of_sets = numbered(known.apart if known else None for known in of_clients.values())
        ports = distinct(port)
        alike = [each is not None and number not in each for each in sets for number in ports.tolist()]
        client_at, port_at = np.searchsorted(list(of_clients), client), np.searchsorted(ports, port)
        found: Bools = np.array(alike, np.bool_)[of_sets[client_at] * len(ports) + port_at]
        return found & ~loopback[address] & ~np.isin(client * len(ips) + address, own)

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
