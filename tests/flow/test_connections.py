"""The connections of a capture, put together."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

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
