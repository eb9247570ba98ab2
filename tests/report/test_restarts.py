"""Pods that begin anew: at another address, or with every connection gone at once."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.flow.connection import Endpoint
from analyzer.report.restarts import find_restarts

SECOND = 1_000_000_000


@pytest.fixture
def calls(shop):
    """A function that gives calls of one pod: address and second of each."""
    fine = shop.calls[0]
    return lambda *told: [
        replace(fine, id=str(n), pod="shop/web-0", client=Endpoint(ip, 1000 + n), first_ns=at * SECOND)
        for n, (ip, at) in enumerate(told)
    ]


@pytest.fixture
def flows(shop):
    """A function that gives flows of 10.1.0.1: peer, first and last second of each."""
    flow = shop.flows[0]
    return lambda *told: [
        replace(
            flow, client=Endpoint("10.1.0.1", 1000 + n), server=Endpoint(peer, 80), first_ns=int(first * SECOND),
            last_ns=int(last * SECOND),
        )
        for n, (peer, first, last) in enumerate(told)
    ]  # fmt: skip


OWN = ("10.1.0.1", 0)
GONE = (("10.1.0.2", 0, 9), ("10.1.0.3", 1, 9.1), ("10.1.0.3", 2, 9.2))


def test_a_pod_that_calls_from_another_address_began_anew(calls) -> None:
    (found,) = find_restarts(calls(OWN, ("10.1.0.1", 3), ("10.1.0.7", 5), ("10.1.0.7", 8)), [])

    assert (found.time_ns, found.sentence) == (
        5 * SECOND,
        "shop/web-0 calls from 10.1.0.7; until 2.0 s before, from 10.1.0.1",
    )


def test_two_addresses_at_one_time_are_two_families(calls) -> None:
    assert find_restarts(calls(OWN, ("fd00::1", 1), ("10.1.0.1", 3), ("fd00::1", 4)), []) == []


def test_connections_that_all_end_at_once_are_a_restart(calls, flows) -> None:
    (found,) = find_restarts(calls(OWN), flows(*GONE, ("10.1.0.2", 10, 12)))

    assert found.time_ns == 9.2 * SECOND
    assert found.sentence.startswith("shop/web-0 (10.1.0.1): all 3 connections that were open end within 200.0 ms")


@pytest.mark.parametrize(
    "others",
    [
        (),
        (("10.1.0.2", 5, 30),),
        (("10.1.0.2", 8.9, 9.5), ("10.1.0.2", 9.1, 9.9), ("10.1.0.2", 20, 21), ("10.1.0.4", 3, 40)),
    ],
    ids=["nothing follows", "one lives on", "one of another peer lives on"],
)
def test_other_endings_are_none(calls, flows, others) -> None:
    assert find_restarts(calls(OWN), flows(*GONE, *others)) == []


def test_endings_with_one_peer_are_the_peers_doing(calls, flows) -> None:
    alone = [("10.1.0.2", first, last) for _, first, last in GONE]

    assert find_restarts(calls(OWN), flows(*alone, ("10.1.0.2", 10, 12))) == []


def test_short_connections_come_and_go(calls, flows) -> None:
    short = [(peer, 8.5, last) for peer, _, last in GONE]

    assert find_restarts(calls(OWN), flows(*short, ("10.1.0.2", 10, 12))) == []


def test_connections_that_only_fall_silent_are_no_restart(calls, flows) -> None:
    silent = [replace(flow, history="ShADad") for flow in flows(*GONE)]

    assert find_restarts(calls(OWN), [*silent, *flows(("10.1.0.2", 10, 12))]) == []
