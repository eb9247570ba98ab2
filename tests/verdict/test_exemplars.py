"""Calls have one exemplar where they differ in nothing but what is their own."""

from __future__ import annotations

import pytest

from analyzer.verdict.answers import Answers, Desk
from analyzer.verdict.asking import connection_question
from analyzer.verdict.exemplars import DeskKey, Exemplar, Exemplars, Talk
from analyzer.verdict.findings import is_worth_a_word
from analyzer.verdict.roles import Role, Said
from made.lo import START_US, SYN, Lo, LoTalk, get, hello, ok, server_hello
from made.lo_busy import busy
from made.lo_heard import hear

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
    assert [each.asker.pod.full_name for each in (one, other)] == ["shop/a-0", "shop/b-0"]
    sentences = [each.asker.own.told.sentence for each in (one, other)]
    assert ["a-0" in sentences[0], "b-0" in sentences[1]] == [True, True]


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


# Who answers.


def desk_about(exemplars: Exemplars, talk: LoTalk) -> Desk | None:
    """Who answers about the only connection of a capture."""
    ((wire, conversation),) = hear(talk.lo.data).spoken
    connection = wire.connection
    key = DeskKey(connection.client.ip, connection.server, connection.client_bytes == 0, Talk.of(conversation))
    return exemplars.desk(key, conversation)


def test_who_answers_is_found_once_for_all_connections_of_a_client_to_a_server(mesh) -> None:
    exemplars = Exemplars(mesh, Answers(mesh))

    one, other, third = (desk_about(exemplars, call(Lo(), client=f"10.9.0.{n}")) for n in (1, 1, 2))

    assert one is other
    assert [each.connection.pod for each in (one, third)] == ["a-0", "b-0"]


@pytest.mark.parametrize(
    "other",
    [
        lambda lo: call(lo, server="10.8.0.1:8888"),
        lambda lo: call(lo, hello("web"), server_hello(), server=SEALED),
        lambda lo: call(lo, b"x", server=CACHE),
    ],
)
def test_another_server_is_another_desk(mesh, other) -> None:
    exemplars = Exemplars(mesh, Answers(mesh))

    one, another = desk_about(exemplars, call(Lo())), desk_about(exemplars, other(Lo()))

    assert one.connection.pod == another.connection.pod
    assert one is not another


@pytest.mark.parametrize(
    "other",
    [
        lambda lo: call(lo, hello("web.shop"), server_hello(), server=SEALED),
        lambda lo: call(lo, hello("web", ("h2",)), server_hello(), server=SEALED),
        lambda lo: call(lo, get(), server=SEALED),
        lambda lo: call(lo, b"x", b"y", server=SEALED),
        lambda lo: lo.talk("10.9.0.1:1", SEALED).open().answer(b"220 hello").close(),
        lambda lo: lo.talk("10.9.0.1:1", SEALED).open().close(),
    ],
)
def test_what_a_connection_shows_before_any_request_makes_another_desk(mesh, other) -> None:
    exemplars = Exemplars(mesh, Answers(mesh))
    one = desk_about(exemplars, call(Lo(), hello("web"), server_hello(), server=SEALED))

    another = desk_about(exemplars, other(Lo()))

    assert one is not another


@pytest.mark.parametrize("seed", range(3))
def test_who_answers_is_asked_what_the_whole_judge_asks(mesh, seed) -> None:
    answers = Answers(mesh)
    exemplars = Exemplars(mesh, answers)
    for wire, conversation in hear(busy(["10.9.0.1", "10.9.0.3"], SERVERS, seed=seed).data).spoken:
        said = Said(wire, conversation, Role.APP)
        question = connection_question(said, mesh, None)
        key = DeskKey(wire.client.ip, wire.connection.server, not wire.connection.client_bytes, Talk.of(conversation))
        assert exemplars.desk(key, conversation) is answers.about(question)


def test_nobody_answers_about_a_client_that_is_not_known(mesh) -> None:
    assert desk_about(Exemplars(mesh, Answers(mesh)), call(Lo(), client="10.9.7.7")) is None


def test_calls_name_who_asked_and_what_is_their_own(mesh) -> None:
    lo = Lo()
    lo.talk("10.9.0.1:7", WEB).open().ask(get("/a")).answer(ok()).ask(get("/a?x")).answer(ok()).close()
    ((wire, conversation),) = hear(lo.data).spoken
    exemplars = Exemplars(mesh, Answers(mesh))

    one, other = exemplars.alike(wire, conversation)

    assert one.asker is other.asker
    assert (one.asker.pod.full_name, one.asker.named) == ("shop/a-0", None)
    assert [(each.ordinal, each.path, each.first, each.last, each.asked) for each in (one, other)] == [
        (1, "/a", 4, 5, 4), (2, "/a?x", 6, 7, 6),
    ]  # fmt: skip
    assert (one.begin_ns, one.end_ns) == (START_US * 1000 + 3_000_000, START_US * 1000 + 4_000_000)
