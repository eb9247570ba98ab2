"""Calls as columns say of each what the calls themselves say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from analyzer.base.fact import replace
from analyzer.verdict.alone_rows import AloneRows, rows_of
from analyzer.verdict.answers import Answers
from analyzer.verdict.decision import VERDICTS
from analyzer.verdict.exemplars import Alike, Exemplars
from analyzer.verdict.parting import kinds_of
from analyzer.verdict.record import CallRecord
from analyzer.verdict.rights import RightLog
from made.counted import counted, taken
from made.lo import Lo, get, hello, ok, server_hello
from made.lo_busy import busy
from made.lo_heard import Heard, hear

CLIENTS = ["10.9.0.1", "10.9.0.2", "10.9.0.3"]
WEB, CACHE = "10.8.0.1:80", "10.8.0.1:6379"
SERVERS = [(WEB, "http", "web"), (WEB, "http", "web.shop"), ("10.8.0.1:443", "tls", "web"), (CACHE, "tcp", "")]
Calls = list[tuple[int, Sequence[Alike]]]


@pytest.fixture
def mesh(town):
    """Two pods of one workload and one of another namespace, that call a service and a headless one."""
    town.pod("shop/a-7c9f8d6b5-x2x4z", "10.9.0.1").pod("shop/a-7c9f8d6b5-bbbbb", "10.9.0.2").pod("lab/c-0", "10.9.0.3")
    town.pod("shop/web-0").service("shop/web", "10.8.0.1", ("http:80:8080", "tls:443:8443", "tcp:6379:6379"))
    return town.pod("shop/db-0").service("shop/db", headless=True).mesh()


def alike_in(heard: Heard, mesh) -> tuple[Calls, list[CallRecord]]:
    """The calls of connections all of which are like others, and the judge's records of them."""
    exemplars, calls, records = Exemplars(mesh, Answers(mesh)), [], []
    for wire, conversation, own in heard.judged(mesh):
        alike = exemplars.alike(wire, conversation)
        if alike:
            calls.append((wire.connection.index, alike))
            records += own
    return calls, records


def told(rows: AloneRows) -> list[tuple]:
    """Each row as its connection and its call."""
    columns = (rows.kind, rows.asker, rows.target, rows.connection, rows.ordinal, rows.first, rows.last, rows.asked,
               rows.begin_ns, rows.end_ns)  # fmt: skip
    return [
        (index, Alike(rows.kinds[kind], rows.askers[asker], ordinal, None if to < 0 else rows.targets[to], *others))
        for kind, asker, to, index, ordinal, *others in zip(*(column.tolist() for column in columns), strict=True)
    ]


def call(lo: Lo, asked: bytes = b"", *, client: str = "10.9.0.1:1", server: str = WEB, answered: bytes = b"") -> None:
    lo.talk(client, server).open().ask(asked or get()).answer(answered or ok()).close()


# Columns.


def test_rows_have_all_that_calls_have(mesh) -> None:
    calls, _ = alike_in(hear(busy(CLIENTS, SERVERS).data), mesh)

    rows = rows_of(calls)

    assert told(rows) == [(index, each) for index, alike in calls for each in alike]
    assert len(rows) == sum(len(alike) for _, alike in calls) > 30


def test_what_calls_share_is_there_once(mesh) -> None:
    rows = rows_of(alike_in(hear(busy(CLIENTS, SERVERS).data), mesh)[0])

    for shared in (rows.kinds, rows.askers):
        assert len(set(map(id, shared))) == len(shared) > 1
    assert len(set(rows.targets)) == len(rows.targets) > 1


def test_a_call_without_a_request_has_no_target(mesh) -> None:
    lo = Lo()
    call(lo, b"PING\r\n", server=CACHE, answered=b"+PONG\r\n")
    call(lo, hello("web"), client="10.9.0.1:2", server="10.8.0.1:443", answered=server_hello())

    rows = rows_of(alike_in(hear(lo.data), mesh)[0])

    assert (rows.target.tolist(), rows.targets) == ([-1, -1], [])


@pytest.mark.parametrize("calls", [[], [(3, ())]])
def test_no_calls_are_no_rows(calls) -> None:
    rows, rights = rows_of(calls), RightLog()
    rows.count(rights)

    assert (len(rows), told(rows), rows.verdict.tolist(), taken(rights)) == (0, [], [], {})


def test_rows_without_some_connections_are_those_of_the_others(mesh) -> None:
    calls, _ = alike_in(hear(busy(CLIENTS, SERVERS).data), mesh)
    (gone, _), *_, (last, _) = calls

    rows = rows_of(calls).without(np.array([last, gone, gone, 10_000]))

    assert told(rows) == told(rows_of(calls[1:-1]))


def test_rows_without_nothing_are_all(mesh) -> None:
    rows = rows_of(alike_in(hear(busy(CLIENTS, SERVERS).data), mesh)[0])

    assert told(rows.without(np.empty(0, np.int64))) == told(rows)


def test_verdicts_are_those_of_the_records(mesh) -> None:
    lo = Lo()
    talk = lo.talk("10.9.0.1:1", WEB).open()
    for host in ("web", "db", "db", "web"):
        talk.ask(get(host=host)).answer(ok())
    talk.close()
    calls, records = alike_in(hear(lo.data), mesh)

    verdicts = [VERDICTS[place] for place in rows_of(calls).verdict.tolist()]

    assert verdicts == [record.decision.verdict for record in records]
    assert set(verdicts) == {"service-matched", "headless-matched"}


def test_a_call_that_is_like_none_has_a_verdict_that_nobody_counts(mesh) -> None:
    lo = Lo()
    call(lo)
    rows = replace_kinds(rows_of(alike_in(hear(lo.data), mesh)[0]), [None])

    assert rows.verdict.tolist() == [0]


def replace_kinds(rows: AloneRows, kinds: list) -> AloneRows:
    return AloneRows(kinds, *(getattr(rows, name) for name in AloneRows.__struct_fields__ if name != "kinds"))


# Counts.


@pytest.mark.parametrize("seed", range(5))
def test_calls_are_counted_as_their_records_are(mesh, seed) -> None:
    calls, records = alike_in(hear(busy(CLIENTS, SERVERS, seed=seed).data), mesh)
    rights = RightLog()

    rows_of(calls).count(rights)

    assert taken(rights) == counted(kinds_of(records)) != {}


def test_pods_of_one_workload_and_paths_of_one_kind_are_counted_together(mesh) -> None:
    lo = Lo()
    for number, client in enumerate(("10.9.0.1", "10.9.0.2", "10.9.0.1"), 1):
        call(lo, get(f"/orders/{number}?page={number}"), client=f"{client}:{number}")
    rights = RightLog()

    rows_of(alike_in(hear(lo.data), mesh)[0]).count(rights)

    ((key, (count, first_ns, last_ns)),) = taken(rights).items()
    assert (key.path, count) == ("/orders/*", 3)
    assert first_ns < last_ns


@pytest.mark.parametrize(
    "other",
    [
        {"asked": get("/b")},
        {"asked": get("/a", "web.shop")},
        {"asked": get("/a", method="POST")},
        {"asked": get("/a"), "client": "10.9.0.3:2", "server": WEB},
        {"asked": b"PING\r\n", "server": CACHE, "answered": b"+PONG\r\n"},
    ],
)
def test_who_calls_what_counts(mesh, other) -> None:
    lo = Lo()
    call(lo, get("/a", "web.shop" if "client" in other else "web"))
    if "client" in other:
        other = {**other, "asked": get("/a", "web.shop")}
    call(lo, **{"client": "10.9.0.1:2", **other})
    rights = RightLog()

    rows_of(alike_in(hear(lo.data), mesh)[0]).count(rights)

    assert [count for count, *_ in taken(rights).values()] == [1, 1]


def test_the_first_and_the_last_moment_are_those_of_all_calls_of_a_kind(mesh) -> None:
    calls, records = alike_in(hear(busy(["10.9.0.1"], [(WEB, "http", "web")]).data), mesh)
    mixed = sorted(calls, key=lambda each: each[0] * 7 % 31)
    rights = RightLog()

    rows_of(mixed).count(rights)

    assert taken(rights) == counted(kinds_of(records))


def test_what_was_counted_before_is_counted_on(mesh) -> None:
    calls, records = alike_in(hear(busy(CLIENTS, SERVERS).data), mesh)
    rights = RightLog()
    for half in (calls[::2], calls[1::2]):
        rows_of(half).count(rights)

    assert taken(rights) == counted(kinds_of(records))


def test_calls_that_the_packets_do_not_agree_with_are_not_counted(mesh) -> None:
    lo = Lo()
    call(lo)
    rows = rows_of(alike_in(hear(lo.data), mesh)[0])
    (exemplar,) = rows.kinds
    rights = RightLog()
    for agrees in (False, None):
        record = replace(exemplar.record, observed=replace(exemplar.record.observed, agrees=agrees))
        replace_kinds(rows, [replace(exemplar, record=record)]).count(rights)
    replace_kinds(rows, [None]).count(rights)

    assert taken(rights) == {}
