"""The connections of a capture, put together."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.address import parse_address
from analyzer.base.fact import replace
from analyzer.base.oddity import Oddity
from analyzer.flow.connection import Connection
from analyzer.flow.connections import Connections
from analyzer.flow.oddities import GAP
from analyzer.flow.orientation import CLIENT_BY
from made.ends import recorded, swapped, whos, whos_of

NAME = "test.pcap"
C, S = 0, 1


def test_a_capture_without_packets_has_no_connections(wire) -> None:
    assert wire.connections() == []


def test_connections_are_numbered_by_their_first_packet(wire) -> None:
    for port in (3, 1, 2):
        wire.talk(f"10.0.0.1:{port}").open()

    assert [(c.index, c.client.port) for c in wire.connections()] == [(0, 3), (1, 1), (2, 2)]


def test_streams_belong_to_their_connection_and_direction(wire) -> None:
    a, b = wire.talk("10.0.0.1:1").open(), wire.talk("10.0.0.1:2").open()
    b.ask(b"b asks")
    a.ask(b"a asks").answer(b"a hears")

    texts = [(c.from_client.read(0, 9), c.from_server.read(0, 9)) for c in wire.connections()]

    assert texts == [(b"a asks", b"a hears"), (b"b asks", b"")]


def test_the_streams_of_a_redirected_connection_come_from_both_halves(wire) -> None:
    wire.talk("10.0.0.1:1", "10.96.0.1:80", towards="127.0.0.1:15001").open().ask(b"ping").answer(b"pong")

    found = wire.connection()

    assert (found.from_client.read(0, 9), found.from_server.read(0, 9)) == (b"ping", b"pong")


def test_a_half_of_answers_tells_how_much_was_asked(wire) -> None:
    wire.talk("10.0.0.1:1", "10.96.0.1:80").send(C, "S", skip=True).send(S, "SA").ask(b"ping", skip=True).send(S, "A")

    found = wire.connection()

    assert (found.client_bytes, found.from_client.captured) == (4, 0)


def test_a_packet_that_was_captured_twice_counts_once(wire) -> None:
    for interface in (1, 2):
        wire.talk(columns={"ifindex": interface}).open().ask(b"ping")

    found = wire.connection()

    assert (found.client_packets, found.history, found.ifindexes) == (3, "ShAD", (1, 2))


def test_connections_of_one_tuple_have_uids_of_their_own(wire) -> None:
    wire.talk().open().close()
    wire.talk(isn=(900_000, 70)).open()

    first, second = wire.connections()

    assert first.uid != second.uid
    assert first.community_id == second.community_id


def test_other_connections_change_nothing_about_one(new_wire) -> None:
    alone, together = new_wire(), new_wire()
    alone.talk().open(at_ms=5).ask(b"ping", at_ms=6)
    together.talk().open(at_ms=5).ask(b"ping", at_ms=6)
    together.talk("10.0.0.9:9").open()

    assert together.connections()[0] == alone.connection()


flags = st.text("FSRPAU", max_size=3).map(lambda text: "".join(sorted(set(text))))
ends = st.sampled_from(["10.0.0.1:1", "10.0.0.2:80", "127.0.0.1:15001", "[::1]:15006", "[fd00::1]:9"])
numbers = st.one_of(st.integers(0, 40), st.integers(0, 2**32 - 1))
packet = st.fixed_dictionaries(
    {"src": ends, "dst": ends, "flags": flags, "seq": numbers, "ack": numbers, "data": st.binary(max_size=5)},
    optional={
        "wire_len": st.integers(5, 70_000),
        "at_ms": st.integers(-(10**6), 10**6),
        "stamp": st.tuples(st.integers(0, 3), st.integers(0, 3)),
        "ifindex": st.integers(0, 2),
        "window": st.integers(0, 1),
    },
)


@given(packets=st.lists(packet, max_size=30))
@settings(max_examples=100, deadline=None)
def test_any_packets_give_connections_that_add_up(new_wire, packets) -> None:
    wire = new_wire()
    for fields in packets:
        wire.packet(**fields)

    found = wire.connections()

    assert sum(c.client_packets + c.server_packets for c in found) <= len(packets)
    for c in found:
        assert c.first_packet <= c.last_packet
        assert c.first_ns <= c.last_ns
        assert re.fullmatch(r"\^?[SHADFRIQTWGshadfriqtwg]*", c.history)
        assert c.missed_bytes == c.client_bytes + c.server_bytes - c.from_client.captured - c.from_server.captured
        for stream in (c.from_client, c.from_server):
            bounds = [0]
            for start, length in zip(stream.starts, stream.lengths, strict=True):
                bounds += [start, start + length]
            assert sorted(bounds) == bounds
            assert bounds[-1] <= stream.length


# Made when they are asked for.


def lazily(wire, amend: Callable[[Connection], Connection] | None = None) -> Connections:
    more = () if amend is None else (amend,)
    return Connections(NAME, memoryview(bytes(wire.buffer)), wire.traffic(), *more)


def shown(found: Connection) -> tuple:
    """All that a connection has; streams as their bytes and ends."""
    fields = {name: getattr(found, name) for name in Connection.__struct_fields__ if name != "said"}
    for name in ("from_client", "from_server"):
        stream = fields[name]
        fields[name] = (stream.read(0, stream.length), stream.end, list(stream.packets), stream.heard)
    return tuple(fields.items())


@pytest.fixture
def several(wire):
    """Five connections: redirected, with lost bytes, of IPv6, with a client that is a guess, with a contradiction."""
    wire.talk("10.0.0.1:1", "10.96.0.1:80", towards="127.0.0.1:15001").open().ask(b"ping").answer(b"pong").close()
    wire.talk("10.0.0.1:40002").open().ask(b"lost", skip=True).ask(b"more").answer(b"fine").send(S, "RA")
    wire.talk("[fd00::1]:3", "[fd00::2]:80").open().ask(b"six")
    wire.talk("10.0.0.4:40004", "10.0.0.5:90").send(S, "PA", b"late").send(C, "A")
    talk = wire.talk("10.0.0.1:5").open().ask(b"good")
    talk.send(C, "A", b"evil", seq=1001)
    return wire


@pytest.mark.parametrize("amend", [None, swapped])
def test_each_is_the_one_that_is_made_with_all_others(several, amend) -> None:
    found, all_of = lazily(several, amend), several.connections()
    expected = [shown(amend(each) if amend else each) for each in all_of]

    assert list(map(shown, found)) == expected
    assert [shown(found[index]) for index in range(-5, 5)] == expected + expected
    assert [c.client_by == "port" for c in all_of] == [False, False, False, True, False]


def test_they_are_found_as_in_any_sequence(several) -> None:
    found = lazily(several)
    expected = list(map(shown, found))

    assert len(found) == 5
    assert [shown(each) for each in found[1:4:2]] == expected[1:4:2]
    assert [shown(each) for each in found[::-1]] == expected[::-1]
    assert found[7:] == []
    assert [shown(each) for each in found.at([3, 0, 3])] == [expected[3], expected[0], expected[3]]
    assert list(found.at([])) == []


@pytest.mark.parametrize("index", [5, -6])
def test_an_index_that_none_has_is_an_index_error(several, index) -> None:
    found = lazily(several)

    with pytest.raises(IndexError):
        found[index]


def test_each_is_at_its_index(several) -> None:
    found = lazily(several)

    assert [each.index for each in found] == [0, 1, 2, 3, 4]
    assert found[-2].index == 3


def test_columns_and_extents_have_what_connections_have(several) -> None:
    found = lazily(several)
    all_of = list(found)

    fields = {"client": found.clients, "server": found.servers, **found.coded, **found.names}
    for name, column in fields.items():
        assert [column[each.index] for each in all_of] == [getattr(each, name) for each in all_of]
    for name, numbers in found.extents.items():
        assert numbers.tolist() == [getattr(each, name) for each in all_of]
    assert {"uid", "history", "first_ns", "missed_bytes"} <= {*fields, *found.extents}


def test_the_table_of_ends_has_what_connections_have(several) -> None:
    table, all_of = (found := lazily(several)).end_table, list(found)

    assert [CLIENT_BY[by] for by in table.client_by.tolist()] == [each.client_by for each in all_of]
    assert table.redirect_port.tolist() == [each.redirect_port for each in all_of]
    assert table.joined.tolist() == [each.joined for each in all_of]
    for halves, name in ((table.client, "client"), (table.server, "server")):
        told = zip(*(column.tolist() for column in halves), strict=True)
        ends = [getattr(each, name) for each in all_of]
        assert list(told) == [(*parse_address(end.ip), end.port) for end in ends]


def test_oddities_are_those_of_the_connections_that_have_any(several) -> None:
    found = lazily(several)

    oddities = {index: tuple(each) for index, each in found.oddities.items()}

    assert oddities == {each.index: each.oddities for each in found if each.oddities}
    assert 4 in oddities


def test_oddities_are_those_that_were_amended(several) -> None:
    odd = Oddity(GAP, NAME)

    def amend(connection: Connection) -> Connection:
        return replace(connection, oddities=(odd,)) if connection.client_by == "port" else connection

    assert tuple(lazily(several, amend).oddities[3]) == (odd,)


def test_ends_that_are_a_guess_are_told_as_they_are_amended(wire) -> None:
    for port in (40_001, 40_002):
        wire.talk(f"10.0.0.4:{port}", "10.0.0.5:90").send(S, "PA", b"late").send(C, "A")
    wire.talk("10.0.0.4:3", "10.0.0.5:90").open()

    assert whos(lazily(wire, swapped).addresses) == [
        ("10.0.0.5", "10.0.0.4", 0),
        ("10.0.0.5", "10.0.0.4", 0),
        ("10.0.0.4", "10.0.0.5", 0),
    ]


def test_addresses_are_those_of_recorded_connections() -> None:
    for found in recorded():
        assert whos(found.addresses) == whos_of(list(found))


def test_who_looks_at_columns_makes_no_connection(several) -> None:
    made: list[int] = []

    def amend(connection: Connection) -> Connection:
        made.append(connection.index)
        return connection

    found = lazily(several, amend)
    assert len(found.clients) == len(found.extents["first_ns"]) == 5
    assert made == []

    assert (len(found.addresses), len(found.oddities)) == (5, 3)
    assert made == [3]


def test_of_no_packets_there_are_none(wire) -> None:
    found = lazily(wire)

    assert (len(found), list(found), len(found.addresses), dict(found.oddities)) == (0, [], 0, {})


@given(packets=st.lists(packet, max_size=20))
@settings(max_examples=60, deadline=None)
def test_whatever_was_captured_each_is_the_one_that_is_made_with_all_others(new_wire, packets) -> None:
    wire = new_wire()
    for fields in packets:
        wire.packet(**fields)
    found = lazily(wire)
    expected = list(map(shown, wire.connections()))

    assert [shown(found[index]) for index in range(len(found))] == expected
    oddities = {index: tuple(each) for index, each in found.oddities.items()}
    assert oddities == {each.index: each.oddities for each in found if each.oddities}
    assert whos(found.addresses) == whos_of(list(found))
