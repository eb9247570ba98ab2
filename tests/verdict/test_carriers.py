"""Wires are found by address and time, each capture by its own clock."""

from __future__ import annotations

import pytest

from analyzer.verdict.carriers import Carriers
from analyzer.verdict.roles import Role

ADDRESS = "10.244.1.10"
SNI = "outbound_.9080_._.reviews.shop.svc.cluster.local"


def at(begin, end):
    """The same span on every clock, in milliseconds."""
    return lambda _capture: (int(begin * 1e6), int(end * 1e6))


def carriers(*talks):
    return Carriers((t.client.ip, t.said(Role.UPSTREAM)) for t in talks)


def ports(found):
    return [said.wire.client.port for said in found]


@pytest.fixture
def three(upstream):
    return carriers(*(upstream(f"{ADDRESS}:{port}", at=port) for port in (30, 10, 20)))


@pytest.mark.parametrize(
    ("begin", "end", "found"),
    [(0, 9, []), (0, 99, [10, 20, 30]), (10, 20, [10, 20]), (11, 19, []), (31, 99, []), (20, 20, [20])],
)
def test_wires_are_found_by_when_they_opened(three, begin, end, found) -> None:
    assert ports(three.opened([ADDRESS], at(begin, end))) == found


def test_an_address_that_no_wire_has_finds_none(three) -> None:
    assert ports(three.opened(["10.244.9.9"], at(0, 99))) == []


def test_several_addresses_may_be_asked_for(upstream) -> None:
    two = carriers(upstream("10.0.0.1:1"), upstream("10.0.0.2:2"))

    assert ports(two.opened(["10.0.0.2", "10.0.0.1"], at(0, 9))) == [2, 1]


def test_requests_of_all_wires_are_found_in_the_order_in_which_they_were_asked(upstream) -> None:
    one = upstream(f"{ADDRESS}:1").ask("/a", at=5).answer().ask("/d", at=40)
    two = upstream(f"{ADDRESS}:2").ask("/b", at=10).answer().ask("/c", at=20)

    found = carriers(one, two).asked([ADDRESS], at(5, 20))

    assert [exchange.request.target for _, exchange in found] == ["/a", "/b", "/c"]


def test_a_reply_without_request_is_not_asked(upstream) -> None:
    assert list(carriers(upstream().answer(at=5)).asked([ADDRESS], at(0, 99))) == []


def test_every_capture_has_its_own_clock(upstream) -> None:
    here, there = upstream(f"{ADDRESS}:1", at=5, capture="a"), upstream(f"{ADDRESS}:2", at=5005, capture="b")

    found = carriers(here, there).opened([ADDRESS], {"a": (0, 9_000_000), "b": (5_000_000_000, 5_009_000_000)}.get)

    assert ports(found) == [1, 2]


def test_a_sealed_wire_is_found_with_the_first_time_at_which_it_spoke(upstream, alpn) -> None:
    one = upstream(f"{ADDRESS}:1").hello(SNI, alpn["http"], at=1).send(b"x", at=12).send(b"x", at=13)
    two = upstream(f"{ADDRESS}:2").hello(SNI, alpn["h2"], at=11)
    idle = upstream(f"{ADDRESS}:3").hello(SNI, alpn["http"], at=1)

    found = carriers(one, two, idle).spoke([ADDRESS], at(10, 20))

    assert [(moment // 1_000_000, said.wire.client.port) for moment, said in found] == [(12, 1), (11, 2)]


def test_only_wires_that_may_have_http_inside_tls_are_found_by_speaking(upstream, alpn) -> None:
    opaque = upstream(f"{ADDRESS}:1").hello(SNI, alpn["tcp"], at=11)
    plain = upstream(f"{ADDRESS}:2").ask(at=11)
    late = upstream(f"{ADDRESS}:3", opened=False).midstream_tls(at=11)

    found = carriers(opaque, plain, late).spoke([ADDRESS], at(10, 20))

    assert ports(said for _, said in found) == [3]
