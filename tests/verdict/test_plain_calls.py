"""The columns of plain calls say what the whole parser and the teller say of each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analyzer.verdict.call import calls_of
from analyzer.verdict.plain_calls import PLAIN_PROTOCOL, PlainCall, PlainCalls
from analyzer.verdict.roles import Role, Said
from analyzer.verdict.telling import asked_packet, packets_of
from made.lo import Lo, calls_over_lo, get, hello, ok
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


def table_of(heard: Heard, mesh) -> PlainCalls:
    return PlainCalls(heard.buffer, heard.read.traffic, mesh)


def plain(lo: Lo, mesh) -> list[list[PlainCall]]:
    heard = hear(lo.data)
    table = table_of(heard, mesh)
    return [table.of(wire.connection.index) for wire, _ in heard.spoken]


def one(mesh, *exchanges: tuple[bytes, bytes]) -> list[PlainCall]:
    """The calls of one connection."""
    talk = Lo().talk("10.244.1.10:40000", "10.96.0.11:9080").open()
    for asked, answered in exchanges:
        talk.ask(asked).answer(answered)
    (found,) = plain(talk.close().lo, mesh)
    return found


def check(heard: Heard, mesh) -> int:
    """Hold every plain call against the whole parser's; gives how many there are."""
    table, count = table_of(heard, mesh), 0
    for wire, conversation in heard.spoken:
        found = table.of(wire.connection.index)
        if not found:
            continue
        calls = calls_of(Said(wire, conversation, Role.APP))
        told = [(call.request.target, *packets_of(call), asked_packet(call), call.begin_ns, call.end_ns)
                for call in calls]  # fmt: skip
        assert [(each.target, *each[3:]) for each in found] == told
        assert (conversation.protocol, conversation.oddities) == (PLAIN_PROTOCOL, ())
        count += len(found)
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

    assert plain(lo, shop()) == [[]]


def test_an_index_that_no_connection_has_is_that_of_no_calls(shop) -> None:
    heard = hear(Lo().data)

    assert table_of(heard, shop()).of(0) == []


def test_where_proxies_tell_themselves_what_they_look_at_nothing_is_plain(shop) -> None:
    assert one(shop("\n" + json.dumps(DUMP)), (get(), ok())) == []
