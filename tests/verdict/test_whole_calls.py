"""Connections of TLS and opaque TCP as columns say of each what the whole parser and the teller say."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from analyzer.base.fact import replace
from analyzer.protocol.facts import Conversation
from analyzer.verdict.call import calls_of
from analyzer.verdict.call_table import CallTable
from analyzer.verdict.handshake import handshake_of
from analyzer.verdict.observed import observe
from analyzer.verdict.roles import Role, Said
from analyzer.verdict.telling import asked_packet, packets_of
from analyzer.verdict.whole_calls import WholeCalls
from made.lo import ACK, FIN, SYN, Lo, calls_over_lo, get, hello, ok, server_hello
from made.lo_alone import connections_in, table_in
from made.lo_busy import busy, damaged
from made.lo_heard import Heard, hear

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
SEALED, CACHE = "10.8.0.1:443", "10.8.0.1:6379"
SERVERS = [
    (SEALED, "tls", "web"), (SEALED, "tls", "web.shop"), ("10.8.0.2:443", "tls", "api"), (CACHE, "tcp", ""),
    ("10.8.0.1:80", "http", "web"),
]  # fmt: skip
CLIENTS = ["10.9.0.1", "10.9.0.2"]
ALERT = b"\x15\x03\x03\x00\x02\x02\x28"


def table_of(heard: Heard, chosen: Sequence[int] | None = None) -> CallTable:
    connections = connections_in(heard)
    which = np.arange(len(connections)) if chosen is None else np.array(chosen, np.int64)
    return table_in(WholeCalls(), heard, connections, which)


def without_places(said: Conversation) -> Conversation:
    """What was said but for where in the streams it stands."""
    tls = said.tls
    if tls is None:
        return said
    client_hello = tls.client_hello and replace(tls.client_hello, start=0, end=0)
    return replace(
        said, tls=replace(tls, client_hello=client_hello, alerts=tuple(replace(a, offset=0) for a in tls.alerts))
    )


def check(heard: Heard) -> int:
    """Hold every call against the whole parser's; gives how many there are."""
    table = table_of(heard)
    spoken = {wire.connection.index: (wire, conversation) for wire, conversation in heard.spoken}
    shown: dict[tuple[int, int], object] = {}
    for row, index in enumerate(table.connection.tolist()):
        wire, conversation = spoken[index]
        (call,) = calls_of(Said(wire, conversation, Role.APP))
        own = (table.ordinal, table.first, table.last, table.asked_packet, table.begin_ns, table.end_ns)
        assert tuple(int(column[row]) for column in own) == (
            call.ordinal, *packets_of(call), asked_packet(call), call.begin_ns, call.end_ns,
        )  # fmt: skip
        talk = int(table.talk[row])
        assert without_places(table.talks[talk]) == without_places(conversation)
        assert table.said[talk] in (None, conversation)
        assert (conversation.exchanges, conversation.oddities, conversation.missing) == ((), (), ())
        alike = int(table.asked[row]), int(table.answered[row])
        assert shown.setdefault(alike, (observe(call), signs_of(call))) == (observe(call), signs_of(call))
    return len(table)


def signs_of(call) -> tuple:
    """What else of a connection what it proves goes by."""
    connection = call.said.wire.connection
    numbers = (connection.client_bytes, connection.server_bytes, connection.server_packets, connection.missed_bytes)
    return (handshake_of(connection.history), connection.conn_state, *(number > 0 for number in numbers))


def one_of_two(make, other) -> tuple[bool, bool]:
    """Whether two connections are asked alike, and answered alike."""
    lo = Lo()
    for number, each in enumerate((make, other), 1):
        each(lo.talk(f"10.9.0.1:{number}", SEALED))
    table = table_of(hear(lo.data))
    assert len(table) == 2
    return tuple(bool(column[0] == column[1]) for column in (table.asked, table.answered))


def sealed(talk, sni: str = "web", alpn: tuple[str, ...] = ()) -> None:
    talk.open().ask(hello(sni, alpn)).answer(server_hello()).close()


# What the whole parser says.


@pytest.mark.parametrize("seed", range(5))
def test_what_is_made_is_told_as_the_whole_parser_tells_it(seed) -> None:
    assert check(hear(busy(CLIENTS, SERVERS, seed=seed).data)) > 50


@pytest.mark.parametrize("seed", range(5))
def test_what_is_damaged_is_told_as_the_whole_parser_tells_it(seed) -> None:
    assert check(hear(damaged(busy(CLIENTS, SERVERS, seed=seed).data, random.Random(seed), 0.03))) > 10


@pytest.mark.parametrize("pods", sorted(CAPTURES.glob("*/pods")), ids=lambda pods: pods.parent.name)
def test_what_was_recorded_is_told_as_the_whole_parser_tells_it(pods) -> None:
    check(hear(calls_over_lo(sorted(pods.glob("*.any.pcap")))))


# Alike.


def test_connections_that_say_the_same_are_alike() -> None:
    assert one_of_two(sealed, sealed) == (True, True)


@pytest.mark.parametrize(
    "other",
    [
        lambda talk: sealed(talk, "web.shop"),
        lambda talk: sealed(talk, "web", ("h2",)),
        lambda talk: talk.open().ask(b"PING\r\n").answer(server_hello()).close(),
        lambda talk: talk.open().answer(b"220 hello\r\n").close(),
        lambda talk: talk.open().close(),
    ],
)
def test_connections_that_say_something_else_are_asked_apart(other) -> None:
    asked, _ = one_of_two(sealed, other)

    assert not asked


@pytest.mark.parametrize(
    "other",
    [
        lambda talk: talk.open().ask(hello("web")).answer(server_hello()),
        lambda talk: talk.open().ask(hello("web")).answer(server_hello()).reset(),
        lambda talk: talk.open().ask(hello("web")).answer(server_hello()).reset(by_client=True),
        lambda talk: talk.open().ask(hello("web")).answer(server_hello()).send(False, FIN | ACK).send(True, FIN | ACK),
        lambda talk: talk.open().ask(hello("web")).close(),
    ],
)
def test_connections_that_end_otherwise_are_answered_apart(other) -> None:
    _, answered = one_of_two(sealed, other)

    assert not answered


def test_an_alert_makes_a_difference() -> None:
    assert one_of_two(sealed, lambda talk: talk.open().ask(hello("web")).answer(ALERT).close()) != (True, True)


def test_how_much_is_sent_under_way_makes_no_difference() -> None:
    def lengthy(times: int):
        data = b"\x17\x03\x03\x00\x05abcde" * times
        return lambda talk: talk.open().ask(hello("web")).answer(server_hello()).ask(data).answer(data).close()

    assert one_of_two(lengthy(1), lengthy(3)) == (True, True)


def test_what_was_sent_twice_makes_no_difference() -> None:
    def again(talk) -> None:
        said = server_hello()
        talk.open().ask(hello("web")).answer(said).answer(said, back=len(said)).close()

    assert one_of_two(sealed, again) == (True, True)


# What is there.


def test_each_talk_is_there_once() -> None:
    lo = Lo()
    for number, sni in enumerate(("web", "api", "web", "web", "api")):
        sealed(lo.talk(f"10.9.0.1:{number}", SEALED), sni)

    table = table_of(hear(lo.data))

    assert [talk.tls.client_hello.sni for talk in table.talks] == ["web", "api"]
    assert table.talk.tolist() == [0, 1, 0, 0, 1]


def test_only_what_was_chosen_is_there_by_the_index_that_it_has_among_all() -> None:
    lo = Lo()
    for number in range(5):
        sealed(lo.talk(f"10.9.0.1:{number}", SEALED))

    assert table_of(hear(lo.data), [1, 4]).connection.tolist() == [1, 4]


def test_a_connection_is_one_call_without_a_target() -> None:
    lo = Lo()
    sealed(lo.talk("10.9.0.1:1", SEALED))

    table = table_of(hear(lo.data))

    assert (table.ordinal.tolist(), table.target.tolist(), list(table.targets)) == ([1], [-1], [])


@pytest.mark.parametrize(
    "make",
    [
        lambda talk: talk.open().ask(get()).answer(ok()).close(),
        lambda talk: talk.ask(b"PING\r\n").answer(b"+PONG\r\n").close(),
        lambda talk: talk.open().ask(b"PING\r\n", skip=True).answer(b"+PONG\r\n").close(),
        lambda talk: talk.open().ask(hello("web"), skip=True).answer(server_hello()).close(),
        lambda talk: talk.open().ask(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9)).close(),
    ],
)
def test_what_has_to_be_read_by_itself_is_not_there(make) -> None:
    lo = Lo()
    make(lo.talk("10.9.0.1:1", SEALED))

    assert len(table_of(hear(lo.data))) == 0


def test_a_client_that_heard_nothing_is_there() -> None:
    lo = Lo()
    lo.talk("10.9.0.1:1", SEALED).send(True, SYN)

    check(hear(lo.data))


def test_of_nothing_there_are_no_calls() -> None:
    table = table_of(hear(Lo().data))

    assert (len(table), list(table.talks), list(table.targets)) == (0, [], [])


def test_more_talks_than_are_read_at_once_are_all_there(monkeypatch) -> None:
    monkeypatch.setattr("analyzer.verdict.whole_calls.READ_AT_ONCE", 2)
    lo = Lo()
    for number in range(7):
        sealed(lo.talk(f"10.9.0.1:{number}", SEALED), f"web-{number}")

    table = table_of(hear(lo.data))

    assert [talk.tls.client_hello.sni for talk in table.talks] == [f"web-{number}" for number in range(7)]
