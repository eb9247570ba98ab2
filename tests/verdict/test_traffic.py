"""All wires of a run: what was lost of them, where calls were led, and which wires are nobody's."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.verdict.beside import NOTHING_BESIDE, Beside
from analyzer.verdict.call import calls_of
from analyzer.verdict.roles import Role
from analyzer.verdict.traffic import Traffic, gateways_of, narrow_captures
from made.said import apps, deliveries, first_call, ups

CLUSTER = "outbound|9080||reviews.shop.svc.cluster.local"


def holed(said):
    """The wire, of which bytes are missing."""
    sighting = replace(said.wire.main, connection=replace(said.wire.connection, missed_bytes=7))
    return replace(said, wire=replace(said.wire, main=sighting, sightings=(sighting,)))


def test_gateways_are_known_by_their_pods(shop) -> None:
    assert gateways_of(shop()) == {"10.244.3.5"}
    assert gateways_of(None) == frozenset()


@pytest.mark.parametrize(("at", "lost"), [(5, True), (500, False)])
def test_what_was_lost_beside_a_wire_is_lost_of_others_of_its_client_at_its_beginning(app, upstream, at, lost) -> None:
    other = holed(*apps(app().send(b"x", at=1).reply(b"y", at=9)))
    (mine,) = ups(upstream(at=at).send(b"z", at=at))

    assert Traffic([other, mine], [], NOTHING_BESIDE).lost_beside(mine) is lost
    assert not Traffic([holed(mine)], [], NOTHING_BESIDE).lost_beside(holed(mine))


@pytest.mark.parametrize(
    ("server", "at", "beside"),
    [
        ("10.244.1.11:9080", 12, True),
        ("10.244.1.11:9999", 12, True),
        ("10.244.2.9:80", 12, False),
        ("10.244.1.11:9080", 30, False),
    ],
)
def test_beside_a_call_that_is_led_to_a_cluster_are_wires_to_its_endpoints(
    app, upstream, shop, server, at, beside
) -> None:
    said = apps(app().ask(at=10).answer(at=20))
    (mine,) = ups(upstream(server=server, at=at).send(b"x", at=at))
    traffic = Traffic([*said, mine], [shop()], NOTHING_BESIDE)

    traffic.leads(first_call(said[0]), CLUSTER)

    assert traffic.led_beside(mine) is beside


def test_a_call_to_a_cluster_without_known_endpoints_is_led_to_whom_it_dialled(app, upstream) -> None:
    said = apps(app(server="203.0.113.9:80").ask(at=10).answer(at=20))
    there, elsewhere = ups(upstream(server="203.0.113.9:80", at=12), upstream(server="203.0.113.10:80", at=12))
    traffic = Traffic([*said, there, elsewhere], [], NOTHING_BESIDE)

    traffic.leads(first_call(said[0]), "PassthroughCluster")

    assert [traffic.led_beside(each) for each in (there, elsewhere)] == [True, False]


def test_calls_are_those_on_applications_own_connections(app, upstream, talk) -> None:
    said = [*apps(app().ask().answer()), *ups(upstream().ask()), talk("192.0.2.1:5").ask().said(Role.DIRECT)]

    assert list(Traffic(said, [], NOTHING_BESIDE).calls()) == [calls_of(said[0])[0], calls_of(said[2])[0]]


def test_a_sidecars_wire_is_nobodys_until_a_call_is_found_that_it_carried(app, upstream) -> None:
    said, legs = apps(app().ask("/a", at=5).answer(at=9)), ups(upstream(at=6).ask("/a", at=6))
    traffic = Traffic([*said, *legs], [], NOTHING_BESIDE)

    assert traffic.lone_upstreams() == legs
    traffic.stitcher.upstream_of(first_call(said[0]), None)
    assert traffic.lone_upstreams() == []


def test_a_delivery_is_nobodys_where_no_capture_shows_that_its_pod_is_called(delivery, talk) -> None:
    (alone,) = deliveries(delivery().ask())
    called = talk("192.0.2.1:5", str(alone.wire.connection.server)).ask().said(Role.DIRECT)

    assert Traffic([alone], [], NOTHING_BESIDE).lone_deliveries() == [alone]
    assert Traffic([alone, called], [], NOTHING_BESIDE).lone_deliveries() == []
    assert Traffic([alone], [], Beside(called=frozenset({alone.wire.connection.server.ip}))).lone_deliveries() == []


@pytest.mark.parametrize(
    ("others", "narrow"),
    [
        ([], True),
        ([("10.244.1.10:2", "10.244.1.12:80")], True),
        ([("10.244.1.10:2", "10.244.1.11:81")], True),
        ([("10.244.1.12:2", "10.244.1.10:80")], True),
        ([("10.244.1.10:2", "10.244.1.12:81")], False),
        ([("10.244.1.10:2", "10.244.1.11:81"), ("10.244.1.10:3", "10.244.1.12:80")], False),
    ],
)
def test_a_capture_is_narrow_where_a_port_or_two_hosts_may_have_chosen_its_connections(talk, others, narrow) -> None:
    ends = [("10.244.1.10:1", "10.244.1.11:80"), *others]
    said = [talk(client, server).said(Role.DIRECT) for client, server in ends]

    assert narrow_captures(each.wire for each in said) == ({"a.pcap"} if narrow else set())
    assert Traffic(said, [], NOTHING_BESIDE).narrow == narrow_captures(each.wire for each in said)
    assert Traffic(said, [], Beside(narrow=frozenset("x"))).narrow == {"x"}


@pytest.mark.parametrize("missing", ["client_packets", "server_packets"])
def test_a_capture_is_narrow_where_nobody_is_answered(talk, missing) -> None:
    ends = ("10.244.1.10:1", "10.244.1.11:80"), ("10.244.1.12:2", "10.244.1.13:81")
    wires = [talk(*each).ask().answer().wire for each in ends]
    halves = [holed_of(wire, missing) for wire in wires]

    assert narrow_captures(wires) == narrow_captures([halves[0], wires[1]]) == frozenset()
    assert narrow_captures(halves) == {"a.pcap"}


def holed_of(wire, missing):
    """The wire, of which no packet of one direction is there."""
    sighting = replace(wire.main, connection=replace(wire.connection, **{missing: 0}))
    return replace(wire, main=sighting, sightings=(sighting,))


def test_answers_alone_show_no_more_of_lo_than_themselves(talk) -> None:
    traffic = Traffic(apps(talk(capture="a.pcap").reply(b"hello")), [], NOTHING_BESIDE)

    assert (traffic.app_addresses, traffic.lo_captures, traffic.lo_of) == (set(), set(), {})


def test_lo_is_shown_by_what_passes_it(app, delivery, talk) -> None:
    said = [
        *apps(app()),
        *deliveries(delivery(capture="b.pcap")),
        talk("192.0.2.1:5", capture="c.pcap").said(Role.DIRECT),
    ]
    traffic = Traffic(said, [], NOTHING_BESIDE)

    assert traffic.lo_captures == {"a.pcap", "b.pcap"}
    assert traffic.lo_addresses == {"10.244.1.10", said[1].wire.connection.server.ip}
