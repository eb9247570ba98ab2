"""Whoever asks is told of in the words that the judge has about each connection."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
import pytest

from analyzer.verdict.answers import Answers, Desk
from analyzer.verdict.askers import AskedBy, Askers
from analyzer.verdict.call_table import CallTable
from analyzer.verdict.exemplars import Asker, DeskKey, Exemplars, Talk
from analyzer.verdict.plain_calls import PlainCalls
from analyzer.verdict.whole_calls import WholeCalls
from made.lo import Lo, get, hello, ok, server_hello
from made.lo_alone import connections_in, table_in
from made.lo_busy import busy
from made.lo_heard import Heard, hear

WEB, API, SEALED, CACHE = "10.8.0.1:80", "10.8.0.2:80", "10.8.0.1:443", "10.8.0.1:6379"
# What the annotations of each client say.
CLIENTS = {
    "10.9.0.1": ("shop/a-0", {}),
    "10.9.0.2": ("shop/b-0", {}),
    "10.9.0.3": ("lab/c-0", {}),
    "10.9.0.4": ("shop/d-0", {"excludeOutboundPorts": "443"}),
    "10.9.0.5": ("shop/e-0", {"includeOutboundPorts": "80"}),
    "10.9.0.6": ("shop/f-0", {"includeOutboundIPRanges": "10.8.0.0/31"}),
    "10.9.0.7": ("shop/g-0", {"excludeInterfaces": "eth0"}),
    "10.9.0.9": ("shop/web-0", {}),
}
SERVERS = [
    (WEB, "http", "web"), (API, "http", "api"), (SEALED, "tls", "web"), (SEALED, "tls", "web.shop"), (CACHE, "tcp", ""),
    ("10.9.0.9:80", "http", "web"),
]  # fmt: skip


@pytest.fixture
def mesh(town):
    """Clients of two namespaces of whom iptables are told several things, one that serves, and one without sidecar."""
    for ip, (name, told) in CLIENTS.items():
        town.pod(name, ip, annotations={f"traffic.sidecar.istio.io/{key}": text for key, text in told.items()})
    town.pod("shop/old-0", "10.9.0.8", sidecar=False).pod("shop/api-0")
    town.service("shop/web", "10.8.0.1", ("http:80:8080", "tls:443:8443", "tcp:6379:6379"))
    return town.service("shop/api", "10.8.0.2").mesh()


class Row(NamedTuple):
    """Who asks a call, with what the judge knows of the connection."""

    index: int
    asker: Asker | None
    classes: tuple[int, int]
    server: int
    desk: Desk | None
    to: str


class Look:
    """Looks at the calls of captures."""

    def __init__(self, mesh) -> None:
        self.mesh = mesh
        self.exemplars = Exemplars(mesh, Answers(mesh))
        self.askers = Askers(mesh, self.exemplars)

    def rows(self, heard: Heard, *, whole: bool = False) -> list[Row]:
        connections = connections_in(heard)
        every = np.arange(len(connections))
        table = table_in(WholeCalls() if whole else PlainCalls(self.mesh), heard, connections, every)
        return self._rows(heard, table, self.askers.of(table, connections))

    def _rows(self, heard: Heard, table: CallTable, asked: AskedBy) -> list[Row]:
        spoken = {wire.connection.index: (wire.connection, said) for wire, said in heard.spoken}
        found = []
        for index, asker, server in zip(
            table.connection.tolist(), asked.asker.tolist(), asked.server.tolist(), strict=True
        ):
            connection, said = spoken[index]
            key = DeskKey(connection.client.ip, connection.server, connection.client_bytes == 0, Talk.of(said))
            classes = tuple(asked.classes[:, asker].tolist())
            desk = self.exemplars.desk(key, said)
            found.append(Row(index, asked.askers[asker], classes, server, desk, str(connection.server)))
        return found


def words(row: Row) -> tuple[str, ...] | None:
    """The client's own steps about a server."""
    if row.asker is None or row.asker.own is None:
        return None
    redirect, told = row.asker.own.redirect.sentence, row.asker.own.told.sentence
    if row.asker.named is not None:
        redirect = redirect.replace(str(row.asker.named), row.to)
    return redirect, told


def desk_words(row: Row) -> tuple[str, ...] | None:
    own = row.desk.own if row.desk else None
    return own and (own.redirect.sentence, own.told.sentence)


def call(lo: Lo, client: int, server: str = WEB, *, host: str = "web") -> None:
    lo.talk(f"10.9.0.{client}:{len(lo.records) + 1}", server).open().ask(get(host=host)).answer(ok()).close()


def seal(lo: Lo, client: int, sni: str) -> None:
    talk = lo.talk(f"10.9.0.{client}:{len(lo.records) + 1}", SEALED).open()
    talk.ask(hello(sni)).answer(server_hello()).close()


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_who_asks_is_told_of_in_the_words_of_the_desk(mesh, seed, whole) -> None:
    clients = [*CLIENTS, "10.9.0.8", "10.9.7.7"]

    rows = Look(mesh).rows(hear(busy(clients, SERVERS, seed=seed, connections=300).data), whole=whole)

    assert len(rows) > 80
    for row in rows:
        assert (row.asker is None) is (row.desk is None)
        if row.asker and row.asker.own:
            assert words(row) == desk_words(row)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_those_of_one_class_who_ask_the_same_server_have_one_model(mesh, seed, whole) -> None:
    rows = Look(mesh).rows(hear(busy(list(CLIENTS), SERVERS, seed=seed, connections=300).data), whole=whole)

    shared = 0
    for one, other in combinations(rows, 2):
        if one.server != other.server or one.asker is other.asker or not (one.desk and other.desk):
            continue
        for wide, classes in enumerate(zip(one.classes, other.classes, strict=True)):
            if classes[0] == classes[1] >= 0 and wide == 1:
                assert one.desk.models[-1] is other.desk.models[-1]
                shared += 1
            far = [model for row in (one, other) for model in row.desk.models if model.is_far]
            if classes[0] == classes[1] >= 0 and wide == 0:
                assert len(set(map(id, far))) <= 1
    assert shared > 0


def test_a_usual_client_is_one_asker_whatever_it_calls(mesh) -> None:
    lo = Lo()
    for server in (WEB, API, WEB):
        call(lo, 1, server)

    rows = Look(mesh).rows(hear(lo.data))

    assert len({id(row.asker) for row in rows}) == 1
    assert [str(row.asker.named) for row in rows] == [WEB] * 3
    assert [row.server for row in rows] == [0, 1, 0]


@pytest.mark.parametrize("client", [5, 6, 7])
def test_a_client_of_whose_servers_iptables_say_something_of_their_own_asks_each_by_itself(mesh, client) -> None:
    lo = Lo()
    for server in (WEB, API, WEB):
        call(lo, client, server)

    one, other, again = (row.asker for row in Look(mesh).rows(hear(lo.data)))

    assert one is again
    assert one is not other
    assert (one.named, other.named) == (None, None)


def test_a_client_asks_its_own_address_by_itself(mesh) -> None:
    lo = Lo()
    call(lo, 9, "10.9.0.9:80")

    (row,) = Look(mesh).rows(hear(lo.data))

    assert row.asker.named is None


def test_what_was_said_before_makes_another_server(mesh) -> None:
    lo = Lo()
    for sni in ("web", "web.shop", "web"):
        seal(lo, 1, sni)

    assert [row.server for row in Look(mesh).rows(hear(lo.data), whole=True)] == [0, 1, 0]


def test_clients_of_two_namespaces_are_of_one_wide_class_and_of_two_others(mesh) -> None:
    lo = Lo()
    for client in (1, 2, 3):
        call(lo, client, host="web.shop")

    (wide, near), *others = (row.classes for row in Look(mesh).rows(hear(lo.data)))

    assert others[0] == (wide, near)
    assert (others[1][0], others[1][1] != near) == (wide, True)
    assert min(wide, near) >= 0


def test_a_client_that_serves_is_of_no_class(mesh) -> None:
    lo = Lo()
    call(lo, 9, API)

    (row,) = Look(mesh).rows(hear(lo.data))

    assert (row.classes, row.asker.own) == ((-1, -1), None)


def test_nobody_is_asked_about_a_client_that_is_not_known(mesh) -> None:
    lo = Lo()
    lo.talk("10.9.7.7:1", WEB).open().ask(get()).answer(ok()).close()

    (row,) = Look(mesh).rows(hear(lo.data))

    assert (row.asker, row.classes) == (None, (-1, -1))


def test_classes_have_the_same_numbers_in_all_lots(mesh) -> None:
    look, found = Look(mesh), []
    for clients in ((1, 3), (3, 1)):
        lo = Lo()
        for client in clients:
            call(lo, client)
        found.append({row.asker.pod.name: row.classes for row in look.rows(hear(lo.data))})

    assert found[0] == found[1]


def test_where_nobody_asks_nobody_is_there(mesh) -> None:
    assert Look(mesh).rows(hear(Lo().data)) == []
