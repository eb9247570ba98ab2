"""A table of plain calls gives for each what reading its connection gives, though few are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.mesh.load import load_mesh
from analyzer.verdict.answers import quotes
from made.lo import Lo, calls_over_lo, get, hello, ok, server_hello
from made.lo_busy import busy
from made.lo_heard import hear
from made.lo_tables import Reader, by_connection, check

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
CLIENTS = ["10.9.0.1", "10.9.0.2", "10.9.0.3", "10.9.0.9", "10.9.0.8", "fd00::1", "fd00::2", "10.9.7.7"]
WEB, SHOW = "10.8.0.1:80", "10.8.0.2:80"
SERVERS = [
    (WEB, "http", "web"), (WEB, "http", "web.shop"), (WEB, "http", "show"), (SHOW, "http", "show"),
    (SHOW, "http", "db"), ("[fd00::8]:80", "http", "wide"), ("1.2.3.4:80", "http", "out.example"),
]  # fmt: skip
SEALED, CACHE = "10.8.0.1:443", "10.8.0.1:6379"
WHOLE = [
    (SEALED, "tls", "web"), (SEALED, "tls", "web.shop"), ("10.8.0.2:443", "tls", "show"), (CACHE, "tcp", ""),
    ("[fd00::8]:443", "tls", "wide"), (SEALED, "tcp", ""), ("1.2.3.4:443", "tls", "out.example"),
]  # fmt: skip


@pytest.fixture
def mesh(town):
    """Clients of two namespaces, one that is a server too, one without a sidecar; routes by path and by header."""
    town.pod("shop/a-0", "10.9.0.1").pod("shop/b-0", "10.9.0.2").pod("lab/c-0", "10.9.0.3")
    town.pod("shop/web-0", "10.9.0.9").pod("shop/old-0", "10.9.0.8", sidecar=False)
    town.pod("shop/six-0", "fd00::1").pod("lab/six-1", "fd00::2").pod("shop/show-0").pod("shop/db-0")
    ports = ("http:80:8080", "tls:443:8443", "tcp:6379:6379")
    town.service("shop/web", "10.8.0.1", ports).service("shop/show", "10.8.0.2", ports[:2])
    town.service("shop/wide", "fd00::8", ports, selector={"app": "web"}).service("shop/db", headless=True)
    to_web, to_show = ([{"destination": {"host": host}}] for host in ("web", "show"))
    beta = [{"headers": {"x-beta": {"exact": "1"}}, "uri": {"prefix": "/b"}}]
    town.rule("VirtualService", "shop/web", hosts=["web"], http=[{"match": beta, "route": to_web}, {"route": to_web}])
    orders, regex = [{"uri": {"prefix": "/orders/"}}], [{"uri": {"regex": "/a.*z"}}]
    http = [{"match": orders, "route": to_show}, {"match": regex, "route": to_show}, {"route": to_show}]
    town.rule("VirtualService", "shop/show", hosts=["show"], http=http)
    return town.mesh()


def call(lo: Lo, asked: bytes = b"", answered: bytes = b"", *, client: str = "10.9.0.1", server: str = WEB) -> None:
    lo.talk(f"{client}:{40_000 + len(lo.records)}", server).open().ask(asked or get()).answer(answered or ok()).close()


def kinds_of(mesh, lo: Lo) -> list:
    """The exemplar of each call; held against what reading gives."""
    found = check(Reader(mesh), hear(lo.data))
    return [each.exemplar for calls in found.values() for each in calls or ()]


@pytest.mark.parametrize("seed", range(5))
def test_rows_are_what_reading_gives(mesh, seed) -> None:
    found = check(Reader(mesh), hear(busy(CLIENTS, SERVERS, seed=seed).data))

    assert len(found) > 40
    assert 0 < sum(calls is None for calls in found.values()) < len(found) / 2


@pytest.mark.parametrize("pods", sorted(CAPTURES.glob("*/pods")), ids=lambda pods: pods.parent.name)
def test_rows_of_recorded_calls_are_what_reading_gives(pods) -> None:
    check(Reader(load_mesh([pods.parent / "mesh"])), hear(calls_over_lo(sorted(pods.glob("*.any.pcap")))))


def test_tables_of_one_reader_are_what_reading_gives(mesh) -> None:
    reader = Reader(mesh)
    for seed in range(4):
        assert check(reader, hear(busy(CLIENTS, SERVERS, seed=seed, connections=30).data))


@pytest.mark.parametrize("whole", [False, True])
def test_what_stood_for_calls_stands_for_those_of_the_next_table_unread(mesh, whole) -> None:
    reader, read = Reader(mesh), []
    alike = reader.exemplars.alike
    reader.exemplars.alike = lambda *spoken: read.append(spoken) or alike(*spoken)
    counts = []
    for number in range(3):
        lo = Lo()
        for server in (SEALED, CACHE) if whole else (WEB, SHOW):
            asked, answered = (hello("web"), server_hello()) if whole else (get(f"/{number}"), ok())
            call(lo, asked, answered, client=f"10.9.0.{1 + number % 2}", server=server)
        check(reader, hear(lo.data), whole=whole)
        counts.append(len(read))

    assert 0 < counts[0] == counts[2]


def test_only_calls_of_the_table_have_rows(mesh) -> None:
    lo = Lo()
    for _ in range(4):
        call(lo)

    assert by_connection(Reader(mesh).rows(hear(lo.data), (1, 2))).keys() == {1, 2}


def test_no_calls_are_no_rows(mesh) -> None:
    rows = Reader(mesh).rows(hear(Lo().data))

    assert (len(rows), rows.kinds, rows.askers, rows.targets) == (0, [], [], [])


def test_calls_that_are_asked_and_answered_alike_have_one_exemplar(mesh) -> None:
    lo = Lo()
    for path in ("/x", "/y", "/x?z"):
        call(lo, get(path))

    assert len(set(map(id, kinds_of(mesh, lo)))) == 1


def test_clients_of_one_model_share_an_exemplar_and_each_asks_for_itself(mesh) -> None:
    lo = Lo()
    for client in ("10.9.0.1", "10.9.0.2", "10.9.0.1"):
        call(lo, client=client)
    rows = Reader(mesh).rows(hear(lo.data))

    assert len({id(rows.kinds[kind]) for kind in rows.kind.tolist()}) == 1
    assert rows.kinds[rows.kind[0]].model is not None
    assert [rows.askers[asker].pod.full_name for asker in rows.asker.tolist()] == ["shop/a-0", "shop/b-0", "shop/a-0"]


def test_clients_of_all_namespaces_share_what_means_the_same_to_them(mesh) -> None:
    lo = Lo()
    for client in ("10.9.0.1", "10.9.0.3"):
        call(lo, get(host="show.shop"), client=client, server=SHOW)

    one, other = kinds_of(mesh, lo)

    assert one is other


def test_clients_whom_the_mesh_tells_apart_share_none(mesh) -> None:
    lo = Lo()
    for client in ("10.9.0.1", "10.9.0.9"):
        call(lo, client=client, server=SHOW)

    one, other = kinds_of(mesh, lo)

    assert one is not other


@pytest.mark.parametrize(
    ("asked", "server"),
    [
        (get("/x", "web.shop"), WEB),
        (get("/x", method="POST"), WEB),
        (get("/b", x_beta="1"), WEB),
        (get("/x", "show"), WEB),
        (get("/x", "web"), SHOW),
    ],
)
def test_what_a_line_shows_or_a_rule_asks_for_makes_another_exemplar(mesh, asked, server) -> None:
    lo = Lo()
    call(lo, get("/x"))
    call(lo, asked, server=server)

    one, other = kinds_of(mesh, lo)

    assert one is not other


def test_another_answer_makes_another_exemplar(mesh) -> None:
    lo = Lo()
    call(lo)
    call(lo, answered=ok(status="201 Created"))

    assert [each.record.observed.status for each in kinds_of(mesh, lo)] == [200, 201]


# Decisions that quote their target.


@pytest.mark.parametrize("first", ["/", "/1", "/web", "/orders/", "/a-z", "/show.shop"])
@pytest.mark.parametrize("host", ["web", "show"])
@pytest.mark.parametrize("clients", [("10.9.0.1",), ("10.9.0.1", "10.9.0.2", "10.9.0.3")])
def test_whichever_target_comes_first_all_are_what_reading_gives(mesh, first, host, clients) -> None:
    lo = Lo()
    for path in (first, "/other", "/", "/orders/17", "/1", first, "/other", "/a/z", "/orders/", "/b", "/web"):
        for client in clients:
            call(lo, get(path, host), client=client, server=SHOW)

    assert len(kinds_of(mesh, lo)) >= 11


def test_a_decision_that_quotes_its_target_is_for_that_target_alone(mesh) -> None:
    lo = Lo()
    for path in ("/", "/web", "/"):
        call(lo, get(path))

    exemplars = kinds_of(mesh, lo)

    assert all(quotes(each.record.decision, "/web") for each in exemplars)
    assert [each.record.path for each in exemplars] == ["/", "/web", "/"]


def test_a_longer_target_stands_for_one_that_a_sentence_has_by_chance(mesh) -> None:
    lo = Lo()
    for path in ("/", "/xyz", "/"):
        call(lo, get(path))

    assert [each.record.path for each in kinds_of(mesh, lo)] == ["/xyz"] * 3


@pytest.mark.parametrize(
    "make",
    [
        lambda lo: call(lo, client="10.9.7.7"),
        lambda lo: call(lo, get(host="out.example"), server="1.2.3.4:80"),
        lambda lo: call(lo, answered=ok(passed_on=False)),
        lambda lo: call(lo, get(host="nobody.shop")),
    ],
)
def test_what_a_person_may_have_to_look_at_is_like_nothing(mesh, make) -> None:
    lo = Lo()
    make(lo)
    call(lo)
    make(lo)

    assert [calls is None for calls in check(Reader(mesh), hear(lo.data)).values()] == [True, False, True]


def test_a_connection_of_which_one_call_is_for_the_whole_judge_is_not_told_by_a_table(mesh) -> None:
    lo = Lo()
    call(lo, get("/z"))
    talk = lo.talk("10.9.0.1:1", WEB).open().ask(get("/x")).answer(ok())
    talk.ask(get("/y")).answer(ok(passed_on=False)).close()
    call(lo, get("/z"))

    rows = Reader(mesh).rows(hear(lo.data))

    assert [calls is None for calls in by_connection(rows).values()] == [False, True, False]


def test_connections_are_read_once_however_many_of_their_calls_are_the_first_of_a_class(mesh) -> None:
    lo = Lo()
    talk = lo.talk("10.9.0.1:1", WEB).open()
    for method in ("GET", "POST", "PUT", "PATCH"):
        talk.ask(get("/x", method=method)).answer(ok())
    talk.close()
    reader, read = Reader(mesh), []
    alike = reader.exemplars.alike
    reader.exemplars.alike = lambda *spoken: read.append(spoken) or alike(*spoken)

    rows = reader.rows(hear(lo.data))

    assert len({id(rows.kinds[kind]) for kind in rows.kind.tolist()}) == 4
    assert len(read) == 1


def seal(lo: Lo, sni: str, alpn: tuple[str, ...] = (), *, client: str = "10.9.0.1", server: str = SEALED) -> None:
    call(lo, hello(sni, alpn), server_hello(), client=client, server=server)


@pytest.mark.parametrize("seed", range(5))
def test_rows_of_whole_connections_are_what_reading_gives(mesh, seed) -> None:
    found = check(Reader(mesh), hear(busy(CLIENTS, WHOLE, seed=seed).data), whole=True)

    assert len(found) > 60
    assert 0 < sum(calls is None for calls in found.values()) < len(found) / 2


@pytest.mark.parametrize("pods", sorted(CAPTURES.glob("*/pods")), ids=lambda pods: pods.parent.name)
def test_rows_of_recorded_whole_connections_are_what_reading_gives(pods) -> None:
    heard = hear(calls_over_lo(sorted(pods.glob("*.any.pcap"))))

    check(Reader(load_mesh([pods.parent / "mesh"])), heard, whole=True)


def test_tables_of_both_kinds_may_come_in_turn(mesh) -> None:
    reader = Reader(mesh)
    for seed in range(3):
        heard = hear(busy(CLIENTS, [*WHOLE, *SERVERS], seed=seed, connections=60).data)
        for whole in (True, False):
            assert check(reader, heard, whole=whole)


def test_whole_connections_that_say_and_show_the_same_have_one_exemplar(mesh) -> None:
    lo = Lo()
    for client in ("10.9.0.1", "10.9.0.2", "10.9.0.1"):
        seal(lo, "web.shop", client=client)

    rows = Reader(mesh).rows(hear(lo.data), whole=True)

    assert len({id(rows.kinds[kind]) for kind in rows.kind.tolist()}) == 1
    assert [rows.askers[asker].pod.full_name for asker in rows.asker.tolist()] == ["shop/a-0", "shop/b-0", "shop/a-0"]


@pytest.mark.parametrize(
    "other",
    [
        lambda lo: seal(lo, "web"),
        lambda lo: seal(lo, "web.shop", ("h2",)),
        lambda lo: seal(lo, "web.shop", server="10.8.0.2:443"),
        lambda lo: call(lo, b"PING\r\n", b"+PONG\r\n", server=SEALED),
        lambda lo: lo.talk("10.9.0.1:1", SEALED).open().ask(hello("web.shop")).answer(server_hello()).reset(),
    ],
)
def test_whole_connections_that_say_or_show_something_else_have_another_exemplar(mesh, other) -> None:
    lo = Lo()
    seal(lo, "web.shop")
    other(lo)

    one, another = check(Reader(mesh), hear(lo.data), whole=True).values()

    assert another is None or another[0].exemplar is not one[0].exemplar


def test_a_client_that_says_nothing_is_like_none_that_speaks(mesh) -> None:
    lo = Lo()
    call(lo, b"PING\r\n", b"+PONG\r\n", server=CACHE)
    lo.talk("10.9.0.1:1", CACHE).open().close()
    lo.talk("10.9.0.1:2", CACHE).open().answer(b"220 hello\r\n").close()

    found = check(Reader(mesh), hear(lo.data), whole=True)

    assert len(found) == 3
    assert len({id(calls[0].exemplar) for calls in found.values() if calls}) == sum(map(bool, found.values()))


def test_a_connection_that_ends_badly_is_like_nothing(mesh) -> None:
    lo = Lo()
    seal(lo, "web.shop")
    lo.talk("10.9.0.1:1", SEALED).open().ask(hello("web.shop")).reset()
    seal(lo, "web.shop")

    found = check(Reader(mesh), hear(lo.data), whole=True)

    assert [calls is None for calls in found.values()] == [False, True, False]
