"""The columns of plain calls say what the whole parser and the teller say of each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from analyzer.protocol.facts import Conversation
from analyzer.verdict.call import calls_of
from analyzer.verdict.call_table import CallTable
from analyzer.verdict.plain_calls import PlainCalls
from analyzer.verdict.roles import Role, Said
from analyzer.verdict.telling import asked_packet, packets_of
from made.lo import START_US, Lo, calls_over_lo, get, hello, ok
from made.lo_alone import connections_in, table_in
from made.lo_busy import busy
from made.lo_heard import Heard, hear

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
CLIENTS = ["10.244.1.10", "10.244.1.11"]
SERVERS = [("10.96.0.11:9080", "http", "reviews"), ("10.96.0.11:443", "tls", "reviews"), ("10.0.0.1:6379", "tcp", "")]
BETA = {
    "hosts": ["reviews"],
    "http": [{"match": [{"headers": {"x-beta": {"exact": "1"}}}], "route": [{"destination": {"host": "reviews"}}]}],
}
ADMIN = "type.googleapis.com/envoy.admin.v3."
DUMP = {
    "configs": [
        {"@type": f"{ADMIN}BootstrapConfigDump", "bootstrap": {"node": {"id": "sidecar~10.244.1.10~sleep-0.shop~s"}}},
        *({"@type": f"{ADMIN}{part}ConfigDump"} for part in ("Listeners", "Routes", "Clusters")),
    ]
}


class One(NamedTuple):
    """A row of the table."""

    target: str
    asked: int
    answered: int
    ordinal: int
    first: int
    last: int
    asked_packet: int
    begin_ns: int
    end_ns: int


def table_of(heard: Heard, mesh, chosen: Sequence[int] | None = None, **how: int) -> CallTable:
    connections = connections_in(heard)
    which = np.arange(len(connections)) if chosen is None else np.array(chosen, np.int64)
    return table_in(PlainCalls(mesh), heard, connections, which, **how)


def rows_of(table: CallTable) -> dict[int, list[One]]:
    """The calls of each connection that has any."""
    found: dict[int, list[One]] = {}
    columns = (getattr(table, name).tolist() for name in One._fields[1:])
    for connection, target, *own in zip(table.connection.tolist(), table.target.tolist(), *columns, strict=True):
        found.setdefault(connection, []).append(One(table.targets[target], *own))
    return found


def one(mesh, *exchanges: tuple[bytes, bytes]) -> list[One]:
    """The calls of one connection."""
    talk = Lo().talk("10.244.1.10:40000", "10.96.0.11:9080").open()
    for asked, answered in exchanges:
        talk.ask(asked).answer(answered)
    return rows_of(table_of(hear(talk.close().lo.data), mesh)).get(0, [])


def check(heard: Heard, mesh) -> int:
    """Hold every plain call against the whole parser's; gives how many there are."""
    table, count = table_of(heard, mesh), 0
    rows = rows_of(table)
    for wire, conversation in heard.spoken:
        found = rows.pop(wire.connection.index, [])
        if not found:
            continue
        calls = calls_of(Said(wire, conversation, Role.APP))
        told = [
            (call.request.target, call.ordinal, *packets_of(call), asked_packet(call), call.begin_ns,
             max(call.end_ns, call.begin_ns))
            for call in calls
        ]  # fmt: skip
        assert [(each.target, *each[3:]) for each in found] == told
        assert (conversation.protocol, conversation.oddities) == ("http/1.1", ())
        count += len(found)
    assert (rows, count) == ({}, len(table))
    return count


@pytest.mark.parametrize("seed", range(4))
def test_what_is_made_is_told_as_the_whole_parser_tells_it(shop, seed) -> None:
    assert check(hear(busy(CLIENTS, SERVERS, seed=seed).data), shop()) > 25


@pytest.mark.parametrize("pods", sorted(CAPTURES.glob("*/pods")), ids=lambda pods: pods.parent.name)
def test_what_was_recorded_is_told_as_the_whole_parser_tells_it(shop, pods) -> None:
    check(hear(calls_over_lo(sorted(pods.glob("*.any.pcap")))), shop())


def test_calls_that_are_asked_and_answered_alike_are_of_one_class(shop) -> None:
    first, other = one(shop(), (get("/a"), ok()), (get("/b", x_beta="1"), ok(b"more")))

    assert (first.asked, first.answered) == (other.asked, other.answered)
    assert (first.target, other.target) == ("/a", "/b")


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (get(host="ratings"), ok()),
        (get(method="POST"), ok()),
        (get(x_beta="1"), ok()),
        (get(), ok(server="nginx")),
        (get(), ok(passed_on=False)),
        (get(), ok(status="201 Created")),
    ],
)
def test_calls_that_a_rule_or_a_reader_may_tell_apart_are_not(shop, resource, asked, answered) -> None:
    mesh = shop(resource("networking.istio.io/v1", "VirtualService", "shop/r", BETA))

    first, other = one(mesh, (get(), ok()), (asked, answered))

    assert (first.asked, first.answered) != (other.asked, other.answered)


@pytest.mark.parametrize("target", ["/%20~?a=b%", "/a\"b'c\\", "*", "http://reviews/a"])
def test_a_target_is_there_as_it_was_sent(shop, target) -> None:
    for call in one(shop(), (get(target), ok())):
        assert call.target == target


def test_calls_of_other_protocols_are_not_there(shop) -> None:
    assert one(shop(), (hello("reviews"), ok())) == []


def test_a_connection_whose_last_answer_is_cut_off_is_not_there(shop) -> None:
    assert one(shop(), (get(), ok()), (get(), ok(b"x" * 100)[:-50])) == []


def test_a_connection_whose_beginning_was_not_captured_is_not_there(shop) -> None:
    lo = Lo()
    lo.talk("10.244.1.10:40000", "10.96.0.11:9080").ask(get()).answer(ok()).ask(get()).answer(ok()).close()

    assert rows_of(table_of(hear(lo.data), shop())) == {}


def test_only_what_was_chosen_is_there_by_the_index_that_it_has_among_all(shop) -> None:
    lo = Lo()
    for port in range(1, 6):
        lo.talk(f"10.244.1.10:{port}", "10.96.0.11:9080").open().ask(get(f"/{port}")).answer(ok()).close()
    heard = hear(lo.data)

    table = table_of(heard, shop(), [1, 3])

    assert {index: [each.target for each in calls] for index, calls in rows_of(table).items()} == {1: ["/2"], 3: ["/4"]}
    assert table.targets == ["/2", "/4"]


def test_all_calls_are_of_one_talk_that_tells_no_more_than_the_protocol(shop) -> None:
    table = table_of(hear(busy(CLIENTS, SERVERS).data), shop())

    assert table.talks == (Conversation("http/1.1"),)
    assert table.talk.tolist() == [0] * len(table)


def test_each_target_is_there_once(shop) -> None:
    table_calls = one(shop(), (get("/a"), ok()), (get("/b"), ok()), (get("/a"), ok()))

    assert [call.target for call in table_calls] == ["/a", "/b", "/a"]
    assert [call.ordinal for call in table_calls] == [1, 2, 3]


def test_targets_of_more_connections_than_are_read_at_once_are_all_there(shop) -> None:
    lo = Lo()
    for number in range(7):
        talk = lo.talk(f"10.244.1.10:{40_000 + number}", "10.96.0.11:9080").open()
        for _ in range(1 + number % 2):
            talk.ask(get(f"/{'x' * number}")).answer(ok())
        talk.close()

    calls = rows_of(table_of(hear(lo.data), shop(), at_once=2))

    found = [[call.target for call in calls[index]] for index in range(7)]
    assert found == [[f"/{'x' * number}"] * (1 + number % 2) for number in range(7)]


@pytest.mark.parametrize("connections", [0, 1])
def test_where_nothing_was_asked_there_are_no_calls(shop, connections) -> None:
    lo = Lo()
    for port in range(connections):
        lo.talk(f"10.244.1.10:{port}", "10.96.0.11:9080").open()

    table = table_of(hear(lo.data), shop())

    assert (len(table), table.targets) == (0, [])


def test_a_call_ends_no_earlier_than_it_began(shop) -> None:
    lo = Lo()
    talk = lo.talk("10.244.1.10:1", "10.96.0.11:9080").open().ask(get())
    lo.late_us = -START_US
    talk.answer(ok()).close()

    ((call,),) = rows_of(table_of(hear(lo.data), shop())).values()

    assert call.begin_ns == call.end_ns > 0


def test_where_proxies_tell_themselves_what_they_look_at_nothing_is_plain(shop) -> None:
    assert one(shop("\n" + json.dumps(DUMP)), (get(), ok())) == []
