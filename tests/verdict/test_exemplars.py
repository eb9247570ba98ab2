"""Calls have one exemplar where they differ in nothing but what is their own."""

from __future__ import annotations

import pytest

from analyzer.verdict.answers import Answers
from analyzer.verdict.exemplars import Exemplar, Exemplars
from analyzer.verdict.findings import is_worth_a_word
from analyzer.verdict.plain_calls import PlainCalls
from made.lo import SYN, Lo, get, hello, ok, server_hello
from made.lo_busy import busy
from made.lo_heard import Heard, hear

WEB, SEALED, CACHE = "10.8.0.1:80", "10.8.0.1:443", "10.8.0.1:6379"
SERVERS = [(WEB, "http", "web"), (WEB, "http", "web.shop"), (SEALED, "tls", "web"), (CACHE, "tcp", "")]
CONNECT = b"CONNECT web:80 HTTP/1.1\r\nHost: web:80\r\n\r\n"


@pytest.fixture
def mesh(town):
    """Three clients, of which the last is the server too; a header that a route asks for."""
    town.pod("shop/a-0", "10.9.0.1").pod("shop/b-0", "10.9.0.2").pod("lab/c-0", "10.9.0.3")
    town.pod("shop/web-0", "10.9.0.9").service("shop/web", "10.8.0.1", ("http:80:8080", "tls:443:8443", "tcp:6379:1"))
    town.pod("shop/old-0", "10.9.0.8", sidecar=False)
    match = [{"headers": {"x-beta": {"exact": "1"}}, "uri": {"prefix": "/b"}}]
    to = [{"destination": {"host": "web"}}]
    town.rule("VirtualService", "shop/web", hosts=["web"], http=[{"match": match, "route": to}, {"route": to}])
    return town.mesh()


@pytest.fixture
def found(mesh):
    """A function: the exemplars of the calls of each wire, None of one for the whole judge."""

    def look(lo: Lo) -> list[list[Exemplar] | None]:
        exemplars = Exemplars(mesh, Answers(mesh))
        every = [exemplars.alike(wire, conversation) for wire, conversation in hear(lo.data).spoken]
        return [alike and [each.exemplar for each in alike] for alike in every]

    return look


def call(lo: Lo, asked: bytes = b"", answered: bytes = b"", *, client: str = "10.9.0.1", server: str = WEB):
    port = 40_000 + len(lo.records)
    return lo.talk(f"{client}:{port}", server).open().ask(asked or get()).answer(answered or ok()).close()


def two(found, *ways: tuple[bytes, str]) -> tuple[Exemplar, Exemplar]:
    lo = Lo()
    for asked, client in ways:
        call(lo, asked, client=client)
    (one,), (other,) = found(lo)
    return one, other


# Alike.


@pytest.mark.parametrize("asked", [get("/a"), get("/?token=1"), get("/x", x_request_id="7"), get("/x", accept="*")])
def test_what_no_rule_asks_for_makes_no_difference(found, asked) -> None:
    one, other = two(found, (get("/x"), "10.9.0.1"), (asked, "10.9.0.1"))

    assert one is other


def test_clients_that_the_mesh_cannot_tell_apart_share_an_exemplar_and_have_steps_of_their_own(mesh) -> None:
    lo = Lo()
    call(lo)
    call(lo, client="10.9.0.2")
    exemplars = Exemplars(mesh, Answers(mesh))

    (one,), (other,) = (exemplars.alike(*spoken) for spoken in hear(lo.data).spoken)

    assert one.exemplar is other.exemplar
    assert one.exemplar.place is not None
    assert ["a-0" in one.own.told.sentence, "b-0" in other.own.told.sentence] == [True, True]


@pytest.mark.parametrize(
    ("asked", "client"),
    [
        (get(host="web.shop"), "10.9.0.1"),
        (get(method="POST"), "10.9.0.1"),
        (get("/b", x_beta="1"), "10.9.0.1"),
        (get(), "10.9.0.3"),
        (get(), "10.9.0.9"),
    ],
)
def test_what_a_line_shows_or_a_rule_asks_for_makes_a_difference(found, asked, client) -> None:
    lo = Lo()
    call(lo)
    call(lo, asked, client=client)
    (one,), other = found(lo)

    assert other is None or other[0] is not one


def test_an_answer_makes_a_difference(found) -> None:
    lo = Lo()
    call(lo)
    call(lo, answered=ok(status="201 Created"))
    (one,), (other,) = found(lo)

    assert [each.record.observed.status for each in (one, other)] == [200, 201]


# For the whole judge.


@pytest.mark.parametrize(
    "make",
    [
        lambda lo: call(lo, client="10.9.7.7"),
        lambda lo: call(lo, get(host="out.example"), server="1.2.3.4:80"),
        lambda lo: call(lo, answered=ok(passed_on=False)),
        lambda lo: call(lo, CONNECT, b"HTTP/1.1 200 OK\r\n\r\n").ask(hello("web")).answer(server_hello()),
        lambda lo: lo.talk("10.9.0.1:1", WEB, redirect=15006).open().ask(get()).answer(ok()).close(),
        lambda lo: lo.talk("10.9.0.1:1", WEB, redirect=0).open().ask(get()).answer(ok()).close(),
        lambda lo: lo.talk("10.9.0.1:1", WEB).send(True, SYN),
        lambda lo: lo.talk("10.9.0.1:1", WEB).open().close(),
        lambda lo: lo.talk("10.9.0.1:1", WEB).open().ask(get()).close(),
        lambda lo: lo.talk("10.9.0.1:1", WEB).open().ask(get()[:-9]).answer(ok()).close(),
        lambda lo: lo.talk("10.9.0.1:1", CACHE).open(),
        lambda lo: lo.talk("10.9.0.1:1", CACHE).ask(b"x").answer(b"y").close(),
        lambda lo: lo.talk("10.9.0.1:1", WEB).open().ask(get()).answer(ok()).ask(get("/2")).reset(),
    ],
)
def test_what_a_person_may_have_to_look_at_is_for_the_whole_judge(found, make) -> None:
    lo = Lo()
    make(lo)

    assert found(lo)[0] is None


def test_no_exemplar_is_one_that_a_finding_may_be_about(found) -> None:
    every = found(busy(["10.9.0.1", "10.9.0.2", "10.9.0.3"], SERVERS, connections=300))

    known = {id(each): each for alike in every for each in alike or ()}
    assert {each.record.protocol for each in known.values()} == {"http/1.1", "tls", "tcp"}
    assert not any(is_worth_a_word(each.record) for each in known.values())


# By a table.


def by_table(mesh, heard: Heard) -> tuple[list, list]:
    """What a table gives for each wire that it has, and what was said on these."""
    exemplars = Exemplars(mesh, Answers(mesh))
    table = PlainCalls(heard.buffer, heard.read.traffic, mesh)
    plain = [exemplars.plain(wire, table) for wire, _ in heard.spoken]
    said = [exemplars.alike(wire, conversation) for wire, conversation in heard.spoken]
    return zip(*((a, b) for a, b in zip(plain, said, strict=True) if a is not None), strict=True)


def shown(every) -> list:
    """All that lines show of calls: which of several calls that are alike came first does not matter."""
    return [
        (*each[1:], r.decision, r.observed, r.server, r.host, r.method, r.protocol, r.server_pod, r.sni, r.alpn)
        for alike in every
        for each in alike
        for r in [each.exemplar.record]
    ]


@pytest.mark.parametrize("seed", range(3))
def test_a_table_gives_what_was_said(mesh, seed) -> None:
    plain, said = by_table(mesh, hear(busy(["10.9.0.1", "10.9.0.2", "10.9.0.3"], SERVERS, seed=seed).data))

    assert len(plain) > 20
    assert shown(plain) == shown(said)


@pytest.mark.parametrize("client", ["10.9.7.7", "10.9.0.1"])
def test_a_table_gives_nothing_about_who_is_not_known_or_what_is_worth_a_look(mesh, client) -> None:
    lo = Lo()
    call(lo, answered=ok(passed_on=client != "10.9.0.1"), client=client)
    heard = hear(lo.data)

    table = PlainCalls(heard.buffer, heard.read.traffic, mesh)

    assert Exemplars(mesh, Answers(mesh)).plain(heard.spoken[0][0], table) is None


def test_classes_of_one_table_say_nothing_about_those_of_the_next(mesh) -> None:
    exemplars, given = Exemplars(mesh, Answers(mesh)), []
    for host in ("web", "web.shop"):
        lo = Lo()
        call(lo, get(host=host))
        heard = hear(lo.data)
        given += exemplars.plain(heard.spoken[0][0], PlainCalls(heard.buffer, heard.read.traffic, mesh))

    assert [each.exemplar.record.host for each in given] == ["web", "web.shop"]
