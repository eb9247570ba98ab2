"""Which wires carried a call onwards, and how surely: HTTP in plaintext."""

from __future__ import annotations

import pytest

from analyzer.verdict.call import calls_of
from analyzer.verdict.stitch import Stitcher
from made.said import apps, first_call, ups

REVIEWS_SNI = "outbound_.9080_._.reviews.shop.svc.cluster.local"
ID = "6a3c1e52-0000-4000-8000-000000000001"


# HTTP in plaintext.


def test_a_plaintext_request_is_carried_by_the_connection_that_says_the_same(app, upstream) -> None:
    asked = app().ask("/a", at=5).answer(at=9)
    carried = upstream(at=6).ask("/a", at=6.5, x_request_id=ID).answer(at=8)
    said = apps(asked)

    onward = Stitcher([*said, *ups(carried)]).upstream_of(first_call(said[0]), None)

    assert onward.said.wire == carried.wire
    assert onward.exchange.request.header("x-request-id") == ID
    assert onward.certain


def test_a_request_is_not_carried_by_a_connection_of_another_pod(app, upstream) -> None:
    asked = app().ask(at=5).answer(at=9)
    other = upstream("10.244.1.99:36714").ask(at=6)
    said = apps(asked)

    assert Stitcher([*said, *ups(other)]).upstream_of(first_call(said[0]), None) is None


def test_requests_on_one_connection_may_leave_by_several(app, upstream) -> None:
    asked = app().ask("/a", at=5).answer(at=9).ask("/a", at=20).answer(at=29)
    first = upstream("10.244.1.10:1").ask("/a", at=6)
    second = upstream("10.244.1.10:2").ask("/a", at=21)
    said = apps(asked)
    stitcher = Stitcher([*said, *ups(first, second)])

    onward = [stitcher.upstream_of(call, None).said.wire.client.port for call in calls_of(said[0])]

    assert onward == [1, 2]


def test_one_connection_may_carry_the_requests_of_several(app, upstream) -> None:
    one = app("10.244.1.10:1").ask("/a", at=5).answer(at=9)
    two = app("10.244.1.10:2", at=10).ask("/b", at=15).answer(at=19)
    pooled = upstream(at=6).ask("/a", at=6).answer(at=8).ask("/b", at=16).answer(at=18)
    said = apps(one, two)
    stitcher = Stitcher([*said, *ups(pooled)])

    onward = [stitcher.upstream_of(first_call(s), None) for s in said]

    assert [o.exchange.ordinal for o in onward] == [1, 2]
    assert all(o.certain for o in onward)


def test_every_request_upstream_carried_one_call(app, upstream) -> None:
    one = app("10.244.1.10:1").ask("/a", at=5).answer(at=19)
    two = app("10.244.1.10:2").ask("/a", at=6).answer(at=19)
    carried = upstream(at=7).ask("/a", at=8)
    said = apps(one, two)
    stitcher = Stitcher([*said, *ups(carried)])

    onward = [stitcher.upstream_of(first_call(s), None) for s in said]

    assert onward[0] is not None
    assert onward[1] is None


def test_two_requests_that_say_the_same_at_once_are_told_apart_by_nothing(app, upstream) -> None:
    asked = app().ask("/a", at=5).answer(at=9)
    same = [upstream(f"10.244.1.10:{port}").ask("/a", at=6) for port in (1, 2)]
    said = apps(asked)

    assert not Stitcher([*said, *ups(*same)]).upstream_of(first_call(said[0]), None).certain


def test_where_envoy_tried_again_the_last_request_with_the_id_that_it_made_counts(app, upstream) -> None:
    asked = app().ask("/a", at=5).answer(503, at=90)
    tried = upstream("10.244.1.10:1", at=6).ask("/a", at=7, x_request_id=ID).close("server", reset=True, at=8)
    again = upstream("10.244.1.10:2", at=60).ask("/a", at=61, x_request_id=ID).close("server", reset=True, at=62)
    said, legs = apps(asked), ups(tried, again)
    stitcher = Stitcher([*said, *legs])

    onward = stitcher.upstream_of(first_call(said[0]), None)

    assert (onward.said.wire.client.port, onward.certain) == (2, True)
    assert all(stitcher.was_given(leg) for leg in legs)


def test_an_id_that_the_application_sends_on_several_requests_joins_none_of_them(app, upstream) -> None:
    asked = app().ask("/a", at=5, x_request_id=ID).answer(at=90)
    same = [upstream(f"10.244.1.10:{n}", at=6).ask("/a", at=6 + n, x_request_id=ID) for n in (1, 2)]
    said = apps(asked)

    onward = Stitcher([*said, *ups(*same)]).upstream_of(first_call(said[0]), None)

    assert (onward.said.wire.client.port, onward.certain) == (1, False)


def test_the_id_that_an_application_sends_tells_its_request_from_others(app, upstream) -> None:
    asked = app().ask("/a", at=5, x_request_id=ID).answer(at=9)
    other = upstream("10.244.1.10:1").ask("/a", at=6, x_request_id="other")
    own = upstream("10.244.1.10:2").ask("/a", at=6, x_request_id=ID)
    said = apps(asked)

    onward = Stitcher([*said, *ups(other, own)]).upstream_of(first_call(said[0]), None)

    assert (onward.said.wire.client.port, onward.certain) == (2, True)


def test_another_method_is_another_request(app, upstream) -> None:
    asked = app().ask("/a", at=5).answer(at=9)
    other = upstream().ask("/a", method="POST", at=6)
    said = apps(asked)

    assert Stitcher([*said, *ups(other)]).upstream_of(first_call(said[0]), None) is None


def test_a_rewritten_request_is_found_when_nothing_else_was_asked_meanwhile(app, upstream) -> None:
    asked = app().ask("/old", at=5).answer(at=9)
    rewritten = upstream().ask("/new", "ratings", at=6)
    said = apps(asked)

    assert Stitcher([*said, *ups(rewritten)]).upstream_of(first_call(said[0]), None) is not None


@pytest.mark.parametrize(("endpoint", "found"), [("10.244.1.11", True), ("10.244.1.12", False)])
def test_a_rewritten_request_leads_to_the_cluster_that_is_predicted(app, upstream, endpoint, found) -> None:
    asked = app().ask("/old", at=5).answer(at=9)
    said = apps(asked)
    stitcher = Stitcher([*said, *ups(upstream().ask("/new", "ratings", at=6))], behind=lambda _: frozenset({endpoint}))

    assert (stitcher.upstream_of(first_call(said[0]), "outbound|80||web") is not None) is found


def test_a_request_does_not_take_the_leg_of_another_that_was_asked_at_the_same_time(app, upstream) -> None:
    unrouted = app("10.244.1.10:1").ask("/nowhere", at=5).answer(404, at=9)
    routed = app("10.244.1.10:2").ask("/a", at=6).answer(at=9)
    carried = upstream(at=7).ask("/a", at=7)
    said = apps(unrouted, routed)
    stitcher = Stitcher([*said, *ups(carried)])

    onward = [stitcher.upstream_of(first_call(s), None) for s in said]

    assert onward[0] is None
    assert onward[1].certain


def test_a_later_request_upstream_belongs_to_a_later_call(app, upstream) -> None:
    """As a black-holed call and the upstream request of the next, 502 ms on."""
    lost = app().ask("/a", at=5).close("server", reset=True, at=6)
    later = upstream(at=508).ask("/a", at=508)
    said = apps(lost)

    assert Stitcher([*said, *ups(later)]).upstream_of(first_call(said[0]), None) is None


def test_within_a_capture_a_leg_lies_before_the_reply(app, upstream) -> None:
    asked = app().ask("/a", at=5).answer(at=5.2)
    next_one = upstream(at=5.5).ask("/a", at=5.5)
    said = apps(asked)

    assert Stitcher([*said, *ups(next_one)]).upstream_of(first_call(said[0]), None) is None


def test_two_captures_of_a_pod_may_stamp_a_packet_differently(app, upstream) -> None:
    asked = app(capture="lo.pcap").ask("/a", at=5).answer(at=5.2)
    carried = upstream(at=4.5, capture="eth0.pcap").ask("/a", at=4.8)
    said = apps(asked)

    assert Stitcher([*said, *ups(carried)]).upstream_of(first_call(said[0]), None) is not None


def test_a_reply_that_the_own_sidecar_wrote_without_an_upstream_was_carried_nowhere(app, upstream, alpn) -> None:
    """Its ``server`` is the client's manager, and no upstream took time."""
    unrouted = app().ask("/nowhere", at=5).answer(404, at=9, server="envoy")
    meanwhile = upstream(at=4).hello(REVIEWS_SNI, alpn["http"], at=6)
    said = apps(unrouted)

    assert Stitcher([*said, *ups(meanwhile)]).upstream_of(first_call(said[0]), None) is None


@pytest.mark.parametrize(
    "text", [b"upstream connect error or disconnect/reset before headers. reset reason: x", b"upstream request timeout"]
)
def test_a_reply_about_an_upstream_that_failed_was_carried_there(app, upstream, alpn, text) -> None:
    failed = app().ask(at=5).answer(503, at=9, server="envoy", body=text)
    tried = upstream(at=6).hello(REVIEWS_SNI, alpn["http"], at=7)
    said = apps(failed)

    assert Stitcher([*said, *ups(tried)]).upstream_of(first_call(said[0]), None) is not None


def test_a_reply_without_its_request_says_nothing_of_where_it_came_by(app, upstream) -> None:
    unasked = app(opened=False).answer(at=8)
    other = upstream(at=5).send(b"x", at=6)
    said = apps(unasked)

    assert Stitcher([*said, *ups(other)]).upstream_of(first_call(said[0]), None) is None
