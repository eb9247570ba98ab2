"""Wires that may meet are in one shard; others need not be."""

import pytest

from analyzer.verdict.shards import may_be_legs, meet_no_call, shards_of
from analyzer.verdict.wires import gather_wires
from made.ends import ANY, ends_of, may_be_leg, meets_no_call, recorded, whos_of

HELLO = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"


def shards(*talks, count=2, mesh=None):
    return shards_of(gather_wires(told.sighting for told in talks), mesh, count)


def test_no_wires_make_no_shards() -> None:
    assert shards() == []


def test_clients_are_independent_where_no_sidecar_is_seen(app) -> None:
    assert shards(app("10.0.0.1:1"), app("10.0.0.2:1", at=1)) == [[0], [1]]


def test_the_calls_of_one_client_stay_together(app) -> None:
    assert shards(app("10.0.0.1:1"), app("10.0.0.1:2", at=1)) == [[0, 1]]


def test_there_are_no_more_shards_than_asked_for(app) -> None:
    found = shards(*(app(f"10.0.0.{n}:1", at=n) for n in range(9)), count=3)

    assert [len(shard) for shard in found] == [3, 3, 3]


def test_the_first_shard_is_a_little_larger(app) -> None:
    found = shards(*(app(f"10.0.0.{n}:1", at=n) for n in range(220)))

    assert [len(shard) for shard in found] == [120, 100]


def test_a_leg_goes_with_the_calls_of_its_pod(app, upstream) -> None:
    calls = app("10.0.0.1:1"), app("10.0.0.2:1", at=1)
    leg = upstream("10.0.0.1:9", "10.0.0.3:80", at=2)

    assert shards(*calls, leg) == [[0, 2], [1]]


def test_a_sidecars_connection_to_its_own_pod_is_a_leg(upstream) -> None:
    (wire,) = gather_wires([upstream("10.0.0.1:9", "10.0.0.1:80", redirect=15006).sighting])

    assert may_be_legs(ends_of(whos_of([wire.connection]))).all()


def test_a_delivery_goes_with_those_who_reached_its_pod(app, upstream, delivery) -> None:
    call, other = app("10.0.0.1:1"), app("10.0.0.2:1", at=1)
    leg, last = upstream("10.0.0.1:9", "10.0.0.3:80", at=2), delivery(server="10.0.0.3:80", at=3)

    assert shards(call, other, leg, last) == [[0, 2, 3], [1]]


def test_a_hello_is_known_again_on_any_leg(app, upstream) -> None:
    first = app("10.0.0.1:1").send(HELLO)
    passed = upstream("10.0.0.2:1", "10.0.0.3:80", at=2).send(HELLO)

    assert shards(first, passed) == [[0, 1]]


def test_equal_requests_do_not_bring_clients_together(app, upstream) -> None:
    leg = upstream("10.0.0.2:1", "10.0.0.3:80", at=2).ask("/healthz")

    assert shards(app("10.0.0.1:1").ask("/healthz"), leg) == [[0], [1]]


def test_clients_of_a_namespace_stay_together(app, shop) -> None:
    mesh = shop()
    names = [("10.244.1.10", 0), ("172.16.0.1", 1), ("172.16.0.2", 2), ("10.244.1.11", 3)]

    found = shards(*(app(f"{ip}:1", at=at) for ip, at in names), mesh=mesh)

    assert sorted(map(tuple, found)) == [(0, 3), (1, 2)]


@pytest.mark.parametrize(
    ("client", "server", "redirect", "leg"),
    [
        ("10.0.0.1:1", "10.0.0.2:80", 15001, False),
        ("10.0.0.1:1", "10.0.0.2:80", 15006, True),
        ("10.0.0.1:1", "10.0.0.2:80", 0, True),
        ("127.0.0.6:1", "10.0.0.2:80", 0, True),
        ("127.0.0.1:1", "127.0.0.1:80", 0, False),
        ("10.0.0.1:1", "10.0.0.1:80", 0, False),
    ],
)
def test_what_may_be_a_leg(talk, client, server, redirect, leg) -> None:
    ends = ends_of(whos_of([talk(client, server, redirect=redirect).connection]))

    assert may_be_legs(ends).tolist() == [leg]


def test_where_sidecars_deliver_to_localhost_all_stay_together(app, town) -> None:
    mesh = town.settings(inboundTrafficPolicy={"mode": "LOCALHOST"}).mesh()

    assert shards(app("10.0.0.1:1"), app("10.0.0.2:1", at=1), mesh=mesh) == [[0, 1]]
    assert shards(mesh=mesh) == []


@pytest.mark.parametrize(
    ("client", "server", "redirect", "meets_none"),
    [
        ("10.0.0.1:1", "10.0.0.2:80", 15001, True),
        ("[fd00::1]:1", "[fd00::2]:80", 15001, True),
        ("127.0.0.1:1", "127.0.0.1:80", 0, True),
        ("[::1]:1", "[::1]:80", 0, True),
        ("10.0.0.1:1", "10.0.0.1:80", 0, True),
        ("10.0.0.1:1", "10.0.0.2:80", 15006, False),
        ("10.0.0.1:1", "10.0.0.1:80", 15006, False),
        ("10.0.0.1:1", "10.0.0.2:80", 0, False),
        ("127.0.0.1:1", "10.0.0.2:80", 0, False),
        ("127.0.0.6:1", "10.0.0.2:80", 0, False),
        ("127.0.0.6:1", "127.0.0.1:80", 0, False),
        ("127.0.0.1:80", "127.0.0.6:1", 0, False),
        ("127.0.0.6:1", "10.0.0.2:80", 15001, False),
        ("[::6]:1", "[::6]:80", 0, False),
    ],
)
def test_what_certainly_meets_no_call(talk, client, server, redirect, meets_none) -> None:
    ends = ends_of(whos_of([talk(client, server, redirect=redirect).connection]))

    assert meet_no_call(ends).tolist() == [meets_none]


def test_what_certainly_meets_no_call_is_no_leg() -> None:
    assert not (meet_no_call(ends_of(ANY)) & may_be_legs(ends_of(ANY))).any()


def test_of_many_connections_each_is_told_what_it_is_by_itself() -> None:
    ends = ends_of(ANY)

    assert may_be_legs(ends).tolist() == [may_be_leg(*who) for who in ANY]
    assert meet_no_call(ends).tolist() == [meets_no_call(*who) for who in ANY]


def test_recorded_connections_are_what_they_are_one_by_one() -> None:
    for found in recorded():
        told = whos_of(list(found))
        assert may_be_legs(found.addresses).tolist() == [may_be_leg(*who) for who in told]
        assert meet_no_call(found.addresses).tolist() == [meets_no_call(*who) for who in told]
