"""Lots of a capture, each read by itself, have the connections of the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.fact import replace
from analyzer.base.table import PacketTable
from analyzer.flow.census import Census
from analyzer.flow.connection import Connection
from analyzer.flow.connections import connections
from analyzer.flow.lots import Lots, part_in_lots

APP = "10.0.0.1"
SIDECAR = "127.0.0.1:15001"


def lots_of(wire, most: int = 1) -> Lots:
    census = Census()
    census.add(wire.packets(), wire.records())
    return part_in_lots(census.finish(), most)


def read(wire, rows: np.ndarray) -> list[Connection]:
    packets = wire.packets()
    chosen = PacketTable(**{name: getattr(packets, name)[rows] for name in PacketTable.__struct_fields__})
    return connections("test.pcap", memoryview(bytes(wire.buffer)), wire.records().part(rows), chosen)


def told(found: list[Connection]) -> list[tuple]:
    """Connections as values, whatever table they were read from."""
    plain = sorted(found, key=lambda c: c.first_packet)
    return [
        (
            replace(c, index=0, from_client=None, from_server=None),
            *(
                (list(s.starts), list(s.lengths), list(s.packets), list(s.times_ns), s.length, s.end, s.end_packet)
                for s in (c.from_client, c.from_server)
            ),
        )
        for c in plain
    ]


def redirected(wire, port: int, service: str = "10.96.0.1:80", **how):
    return wire.talk(f"{APP}:{port}", service, towards=SIDECAR, **how)


def finish(*talks, **at) -> None:
    for talk in talks:
        talk.ask(b"GET / HTTP/1.1\r\n\r\n", **at).answer(b"HTTP/1.1 200 OK\r\n\r\n", **at).close(**at)


def test_halves_of_a_connection_are_in_one_lot(wire) -> None:
    talks = [redirected(wire, 40000 + n, isn=(100 * n, 100 * n + 50)).open() for n in range(3)]
    finish(*talks)

    lots = lots_of(wire)

    assert [len(read(wire, lots.rows(lot))) for lot in range(lots.count)] == [1, 1, 1]


def test_lots_have_about_so_many_packets(wire) -> None:
    for n in range(6):
        finish(redirected(wire, 40000 + n, isn=(100 * n, 100 * n + 50)).open())

    lots = lots_of(wire, 16)

    assert [len(lots.rows(lot)) for lot in range(lots.count)] == [16, 16, 16]
    assert lots.largest == 16


def test_a_sidecars_connection_is_with_the_calls_that_it_may_carry(wire) -> None:
    early = redirected(wire, 40000).open(at_ms=0)
    early.close(at_ms=1)
    call, upstream = redirected(wire, 40001, isn=(7, 9)), wire.talk(f"{APP}:50000", "10.0.0.2:8080", isn=(70, 90))
    call.open(at_ms=10_000)
    upstream.open(at_ms=10_001)
    finish(upstream, call, at_ms=10_002)

    lots = lots_of(wire)

    assert [{c.client.port for c in read(wire, lots.rows(lot))} for lot in range(lots.count)] == [
        {40000},
        {40001, 50000},
    ]


def asked_only(wire, port: int, isn: int):
    """A client's half: a SYN that nobody answers."""
    return redirected(wire, port, isn=(isn, 0)).send(0, "S", b"")


def answered_only(wire, port: int, isn: int):
    """A server's half: a SYN-ACK to a SYN that was not captured."""
    return redirected(wire, port, isn=(isn, 50)).send(0, "S", b"", skip=True).send(1, "SA", b"")


def test_calls_near_one_that_nobody_answers_are_not_kept_together_for_that(wire) -> None:
    finish(*(redirected(wire, 40000 + n, isn=(100 * n, 100 * n + 50)).open() for n in range(3)))
    for n in range(3):
        asked_only(wire, 41000 + n, 9000 + n)

    lots = lots_of(wire)

    assert lots.sizes.tolist() == [8, 8, 8, 1, 1, 1]


@pytest.mark.parametrize(("answered", "together"), [(7000, True), (8000, True), (None, False)])
def test_halves_of_one_client_without_another_are_together_where_one_answers(wire, answered, together) -> None:
    """The port that a client has behind the redirect may be another than it uses itself."""
    asked_only(wire, 40000, 5000)
    if answered:
        answered_only(wire, 40000, answered)
    asked_only(wire, 41000, 7000)

    lots = lots_of(wire)

    assert (lots.count == 1) is together
    found = [c for lot in range(lots.count) for c in read(wire, lots.rows(lot))]
    assert told(found) == told(wire.connections())


def test_answers_alone_are_with_the_calls_that_they_may_carry(wire) -> None:
    """A port that is used again: whose answers these are was not captured, so a sidecar may have got them."""
    finish(redirected(wire, 40000, isn=(100, 150)).open())
    answered_only(wire, 40000, 900_000)
    finish(redirected(wire, 41000, isn=(200, 250)).open())

    assert lots_of(wire).count == 1


def test_a_half_that_two_answer_is_together_with_all_without_another(wire) -> None:
    asked_only(wire, 40000, 5000)
    for server in ("10.96.0.1:80", "10.96.0.2:80"):
        wire.talk(f"{APP}:40000", server, towards=SIDECAR, isn=(5000, 50)).send(0, "S", b"", skip=True).send(
            1, "SA", b""
        )
    asked_only(wire, 41000, 5000)

    lots = lots_of(wire)

    assert lots.count == 1
    assert told(read(wire, lots.rows(0))) == told(wire.connections())


def test_what_lots_are_told_of_each_other(wire) -> None:
    finish(redirected(wire, 40000).open(), redirected(wire, 40001, "10.96.0.2:80", isn=(7, 9)).open())

    lots = lots_of(wire)

    assert lots.apps.shape == (3, 1)
    assert lots.connections.tolist() == [2]
    assert lots.servers.shape == (3, 2)
    assert lots.shows_lo


@pytest.mark.parametrize(
    ("other", "narrow"),
    [
        (("10.0.0.1:40001", "10.0.0.2:80"), True),
        (("10.0.0.1:40001", "10.0.0.3:80"), True),
        (("10.0.0.2:40001", "10.0.0.1:81"), True),
        (("10.0.0.1:40001", "10.0.0.3:81"), False),
    ],
)
def test_a_capture_is_narrow_where_all_its_tuples_share_a_port_or_both_hosts(wire, other, narrow) -> None:
    wire.packet("10.0.0.1:40000", "10.0.0.2:80")
    wire.packet("10.0.0.2:80", "10.0.0.1:40000")
    wire.packet(*other)

    assert lots_of(wire).narrow is narrow


@pytest.mark.parametrize(
    ("answer", "narrow"), [(("10.0.0.3:81", "10.0.0.1:40000"), False), (("10.0.0.3:81", "10.0.0.1:40001"), True)]
)
def test_a_capture_in_which_nobody_is_answered_is_narrow(wire, answer, narrow) -> None:
    wire.packet("10.0.0.1:40000", "127.0.0.1:15001")
    wire.packet("10.0.0.2:50000", "10.0.0.4:82")
    wire.packet(*answer)

    assert lots_of(wire).narrow is narrow


@pytest.mark.parametrize("packets", [0, 1])
def test_a_capture_with_next_to_nothing_has_next_to_no_lots(wire, packets) -> None:
    for _ in range(packets):
        wire.packet("10.0.0.1:1", "10.0.0.2:2")

    lots = lots_of(wire)

    assert lots.count == packets
    assert not lots.shows_lo


# What may happen on a connection: who (of few ports, so that they are used again), where to, what of it is seen, and
# whether it has numbers that others have.
TALKS = st.lists(
    st.tuples(
        st.integers(40000, 40003),
        st.sampled_from(["10.96.0.1:80", "10.96.0.2:80", "10.0.0.9:8080", "127.0.0.1:9000"]),
        st.sampled_from(["outbound", "inbound", "plain", "inside"]),
        st.integers(0, 9),
        st.sampled_from(["whole", "midstream", "silent-server", "silent-client", "unfinished"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)
CLIENTS = {"outbound": APP, "inbound": "10.0.0.9", "plain": APP, "inside": "127.0.0.1"}
TOWARDS = {"outbound": SIDECAR, "inbound": "127.0.0.1:15006", "plain": None, "inside": None}


@settings(max_examples=60, deadline=None)
@given(talks=TALKS, gap_ms=st.sampled_from([0, 1, 3000]), most=st.sampled_from([1, 10, 40]))
def test_lots_have_the_connections_of_the_whole(new_wire, talks, gap_ms, most) -> None:
    wire, now = new_wire(), 0.0
    for number, (port, server, kind, salt, shown, shared) in enumerate(talks):
        isn = (5000, 9000) if shared else (100_000 * (number + 1) + salt, 7_000_000 + 100_000 * number)
        talk = wire.talk(f"{CLIENTS[kind]}:{port}", server, towards=TOWARDS[kind], isn=isn)
        mute = {"silent-client": 0, "silent-server": 1}.get(shown)
        steps = [(0, "S", b""), (1, "SA", b""), (0, "A", b""), (0, "PA", b"ask"), (1, "PA", b"answer"), (0, "FA", b"")]
        for place, (side, flags, data) in enumerate(steps):
            hidden = side == mute or (shown == "midstream" and place < 3) or (shown == "unfinished" and place > 2)
            talk.send(side, flags, data, skip=hidden, at_ms=now)
            now += 0.1
        now += gap_ms
    if not wire.rows:
        return

    lots = lots_of(wire, most)
    rows = [lots.rows(lot) for lot in range(lots.count)]

    assert sorted(np.concatenate(rows).tolist()) == list(range(len(wire.rows)))
    assert told([c for some in rows for c in read(wire, some)]) == told(wire.connections())
