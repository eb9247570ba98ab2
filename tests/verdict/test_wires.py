"""One TCP connection is one wire, however many captures saw it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.verdict.wires import buffers_of, gather_wires


def sighted(*talks):
    return gather_wires(t.sighting for t in talks)


def captures(wire):
    return [s.capture for s in wire.sightings]


def test_nothing_seen_is_no_wire() -> None:
    assert gather_wires([]) == []


def test_a_connection_that_one_capture_saw_is_one_wire(talk) -> None:
    only = talk().send(b"PING").reply(b"PONG")

    (wire,) = sighted(only)

    assert wire.connection == only.connection
    assert wire.client == only.client


def test_the_upstream_leg_at_the_caller_is_the_inbound_leg_at_the_callee_although_the_node_rewrote_the_address(
    talk,
) -> None:
    caller = talk("10.244.4.3:43856", "10.96.0.11:9080", capture="prometheus").send(b"GET / HTTP/1.1\r\n\r\n")
    callee = talk("10.244.4.3:43856", "10.244.1.11:9080", capture="frontend", at=1).send(b"GET / HTTP/1.1\r\n\r\n")

    (wire,) = sighted(callee, caller)

    assert captures(wire) == ["prometheus", "frontend"]
    assert [str(server) for server in wire.servers] == ["10.96.0.11:9080", "10.244.1.11:9080"]


def test_wires_are_read_from_one_buffer_for_each_capture_that_saw_any(talk) -> None:
    talks = talk(capture="a").send(b"x"), talk(capture="b").send(b"x"), talk("10.244.1.9:4000", capture="c").send(b"y")
    sightings = [each.sighting for each in talks]

    found = buffers_of(gather_wires(sightings))

    assert {id(buffer) for buffer in found} == {id(each.connection.from_client.buffer) for each in sightings}
    assert len(found) == 3


def test_clocks_of_two_pods_may_be_hours_apart(talk) -> None:
    caller = talk(capture="a").send(b"x")
    callee = talk(server="10.244.1.11:9080", capture="b", at=7_200_000).send(b"x")

    assert len(sighted(caller, callee)) == 1


@pytest.mark.parametrize("other", [{"seq": 2000}, {"tsval": 78, "at": 60_000}, {"client": "10.244.1.10:48173"}])
def test_another_sequence_number_timestamp_or_port_is_another_connection(talk, other) -> None:
    assert len(sighted(talk(capture="a"), talk(capture="b", **other))) == 2


def test_the_applications_half_and_the_sidecars_connection_from_one_port_stay_apart(talk, app) -> None:
    own = app("10.244.1.10:33894", "10.244.1.12:9080")
    sidecars = talk("10.244.1.10:33894", "10.244.1.21:8080")

    assert len(sighted(own, sidecars)) == 2


def test_one_capture_never_saw_a_connection_twice(talk) -> None:
    first, again = talk(capture="a", index=0), talk(capture="a", at=60_000, index=1)

    wires = sighted(first, again)

    assert [wire.first_ns for wire in wires] == [0, 60_000_000_000]


def test_a_capture_of_several_places_has_a_connection_once_by_each_address_of_its_server(talk) -> None:
    """As on a node, or after mergecap: before the address is rewritten, and after."""
    caller = talk("10.244.4.3:43856", "10.96.0.11:9080", capture="merged", index=0).send(b"GET / HTTP/1.1\r\n\r\n")
    callee = talk("10.244.4.3:43856", "10.244.1.11:9080", capture="merged", at=1, index=1).send(b"GET / HTTP/1.1\r\n")

    (wire,) = sighted(caller, callee)

    assert [str(server) for server in wire.servers] == ["10.96.0.11:9080", "10.244.1.11:9080"]


def test_where_timestamps_were_cut_off_addresses_seen_at_once_are_of_one_connection(talk) -> None:
    caller = talk(server="10.96.0.11:9080", tsval=None, index=0)
    callee = talk(server="10.244.1.11:9080", tsval=None, at=1, index=1)

    assert len(sighted(caller, callee)) == 1


def test_a_syn_that_was_sent_again_is_of_the_same_connection(talk) -> None:
    """The first SYN of one sighting was lost, so that its timestamps and its time begin later."""
    caller = talk("10.244.1.10:48172", "10.96.0.11:9080", capture="a", at=1000, tsval=1077, index=1)
    callee = talk("10.244.1.10:48172", "10.244.1.10:9080", capture="a", tsval=77, index=0)

    (wire,) = sighted(caller, callee)

    assert len(wire.servers) == 2


def test_without_timestamps_one_capture_may_see_a_sequence_number_again_at_another_server(talk) -> None:
    first = talk(server="10.96.0.11:9080", tsval=None, index=0)
    again = talk(server="10.96.0.12:9080", tsval=None, at=60_000, index=1)

    assert len(sighted(first, again)) == 2


def test_a_mid_stream_sighting_joins_the_wire_of_the_same_ends(talk) -> None:
    whole = talk(capture="a").send(b"one").send(b"two")
    late = talk(capture="b", opened=False, at=1).send(b"two")

    (wire,) = sighted(late, whole)

    assert captures(wire) == ["a", "b"]


def test_a_mid_stream_sighting_behind_a_rewritten_address_joins_by_the_bytes_it_carries(talk) -> None:
    payload = bytes(range(200))
    caller = talk(capture="a").send(b"unseen by the other").send(payload)
    callee = talk(server="10.244.1.11:9080", capture="b", opened=False, at=1).send(payload)

    assert len(sighted(caller, callee)) == 1


def test_two_mid_stream_sightings_join_whichever_began_earlier(talk) -> None:
    payload = bytes(range(200))
    early = talk(capture="b", opened=False).send(b"before").send(payload)
    late = talk(server="10.244.1.11:9080", capture="a", opened=False, at=2).send(payload)

    assert len(sighted(early, late)) == 1
    assert len(sighted(late, early)) == 1


def test_few_bytes_in_common_prove_nothing(talk) -> None:
    caller = talk(capture="a").send(b"PING")
    callee = talk(server="10.244.1.11:9080", capture="b", opened=False).send(b"PING")

    assert len(sighted(caller, callee)) == 2


def test_mid_stream_sightings_of_one_capture_stay_apart(talk) -> None:
    payload = bytes(range(200))
    one = talk(capture="a", opened=False).send(payload)
    other = talk(server="10.244.1.11:9080", capture="a", opened=False).send(payload)

    assert len(sighted(one, other)) == 2


def test_mid_stream_sightings_that_never_were_at_the_same_time_stay_apart(talk) -> None:
    early = talk(capture="a", opened=False).send(b"x", at=5)
    late = talk(capture="b", opened=False, at=60_000).send(b"x")

    assert len(sighted(early, late)) == 2


def test_a_mid_stream_half_towards_the_sidecar_is_not_the_sidecars_own_connection(talk, app) -> None:
    own = app(capture="a", opened=False).send(b"x")
    sidecars = talk(capture="b", opened=False).send(b"x")

    assert len(sighted(own, sidecars)) == 2


def test_the_sighting_that_shows_most_is_the_main_one(talk) -> None:
    cut = talk(capture="a").send(b"x")
    whole = talk(capture="b", at=1).send(b"x").reply(b"y")

    (wire,) = sighted(cut, whole)

    assert wire.main.capture == "b"
    assert (wire.first_ns, wire.last_ns) == (0, 3_000_000)


def test_a_joined_sighting_is_better_than_a_longer_half(app) -> None:
    half = app(server="127.0.0.1:15001", capture="a", joined=False).send(b"x" * 500)
    joined = app(capture="b").send(b"x" * 10)

    (wire,) = sighted(half, joined)

    assert wire.main.capture == "b"


def test_wires_come_in_the_order_of_their_first_packet(talk) -> None:
    late, early = talk(at=9, seq=1), talk(at=3, seq=2)

    assert [wire.first_ns for wire in sighted(late, early)] == [3_000_000, 9_000_000]


@settings(max_examples=40, deadline=None)
@given(order=st.permutations(range(8)))
def test_the_order_in_which_captures_are_read_changes_nothing(order, talk) -> None:
    sightings = several_sightings(talk)

    wires = gather_wires(sightings[i] for i in order)

    assert wires == gather_wires(sightings)


def several_sightings(talk):
    """Two connections seen by several captures, one by a single capture, and one without SYN by two."""
    payload = bytes(range(100))
    talks = [
        talk(server="10.96.0.11:9080", capture="a", seq=1, at=0, index=0),
        talk(server="10.244.1.11:9080", capture="b", seq=1, at=1, index=0),
        talk(server="10.244.1.11:9080", capture="c", opened=False, at=1, index=0),
        talk(server="10.96.0.12:80", capture="a", seq=2, at=3, index=1),
        talk(server="10.244.1.12:80", capture="b", seq=2, at=3, index=1),
        talk(server="10.96.0.13:81", capture="d", seq=3, at=3, index=0),
        talk("10.244.1.10:5", "10.96.0.14:81", capture="a", opened=False, at=3, index=2),
        talk("10.244.1.10:5", "10.244.1.14:81", capture="b", opened=False, at=3, index=2),
    ]
    return [each.send(payload).sighting for each in talks]


@pytest.mark.parametrize("ahead", [-40_000, -5, 0, 5, 40_000])
@pytest.mark.parametrize("end", ["answered", "refused"])
def test_whatever_the_clocks_who_waits_longest_for_the_answer_is_nearest_to_the_client(ahead, end, talk) -> None:
    def seen(capture, server, at, answer):
        told = talk(server=server, at=at, capture=capture)
        return told.reply(b"+PONG", at=answer) if end == "answered" else told.close("server", reset=True, at=answer)

    there = seen("client.pcap", "10.96.0.11:9080", 100 + ahead, 102 + ahead)
    here = seen("a-server.pcap", "10.244.1.11:9080", 100.5, 101.5)

    (wire,) = gather_wires([here.sighting, there.sighting])

    assert [str(server) for server in wire.servers] == ["10.96.0.11:9080", "10.244.1.11:9080"]
    assert wire.main.capture == "client.pcap"


def test_without_an_answer_the_clocks_say_who_is_nearest(talk) -> None:
    late = talk(capture="a.pcap", at=5).send(b"PING")
    early = talk(capture="b.pcap", at=1).send(b"PING", at=6)

    (wire,) = gather_wires([late.sighting, early.sighting])

    assert [sighting.capture for sighting in wire.sightings] == ["b.pcap", "a.pcap"]


def test_mid_stream_sightings_join_on_clocks_that_another_connection_shows_to_be_apart(talk) -> None:
    whole = [talk(capture=capture, at=at).send(b"PING") for capture, at in (("a", 0), ("b", 40_000))]
    late = [
        talk("10.244.1.10:9", capture=capture, at=at, opened=False).send(b"x" * 64, at=at + 5)
        for capture, at in (("a", 20), ("b", 40_020))
    ]

    wires = gather_wires(each.sighting for each in (*whole, *late))

    assert [len(wire.sightings) for wire in wires] == [2, 2]
