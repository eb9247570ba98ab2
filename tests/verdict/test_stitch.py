"""Which wires carried a call onwards, and how surely."""

from __future__ import annotations

import pytest

from analyzer.verdict.roles import Role
from analyzer.verdict.stitch import Stitcher, calls_of

REVIEWS = "outbound|9080||reviews.shop.svc.cluster.local"
REVIEWS_SNI = "outbound_.9080_._.reviews.shop.svc.cluster.local"
RATINGS_SNI = "outbound_.80_._.ratings.shop.svc.cluster.local"
CALLEE = "b.pcap"
ID = "6a3c1e52-0000-4000-8000-000000000001"


def apps(*talks):
    return [t.said(Role.APP) for t in talks]


def ups(*talks):
    return [t.said(Role.UPSTREAM) for t in talks]


def deliveries(*talks):
    return [t.said(Role.DELIVERY) for t in talks]


def first_call(said):
    return calls_of(said)[0]


# Calls of a wire.


def test_every_request_on_a_connection_is_a_call(app) -> None:
    kept_alive = app().ask("/a").answer().ask("/b").answer()

    assert [(c.ordinal, c.request.target) for c in calls_of(kept_alive.said())] == [(1, "/a"), (2, "/b")]


def test_an_opaque_connection_is_one_call(app) -> None:
    (call,) = calls_of(app().send(b"PING").said())

    assert (call.ordinal, call.exchange, call.request) == (1, None, None)


def test_a_call_lasts_from_its_request_to_the_beginning_of_its_reply(app) -> None:
    call = app().ask("/a", at=5).answer(at=6).ask("/b", at=20).answer(at=30).call(2)

    assert (call.begin_ns, call.end_ns) == (20_000_000, 30_000_000)


def test_an_unanswered_call_lasts_as_long_as_its_connection(app) -> None:
    call = app(at=1).ask(at=5).close("client", at=900).call()

    assert (call.begin_ns, call.end_ns) == (5_000_000, 900_000_000)


def test_a_call_whose_request_was_not_seen_begins_with_its_connection(app) -> None:
    call = app(at=1).answer(at=8).call()

    assert (call.begin_ns, call.end_ns) == (1_000_000, 8_000_000)


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


# HTTP inside Istio's mutual TLS.


def test_a_request_inside_mutual_tls_left_by_the_connection_that_spoke_meanwhile(app, upstream, alpn) -> None:
    asked = app().ask(at=5).answer(at=19)
    sealed = upstream(at=1).hello(REVIEWS_SNI, alpn["http"], at=2).send(b"sealed", at=7)
    said = apps(asked)

    onward = Stitcher([*said, *ups(sealed)]).upstream_of(first_call(said[0]), REVIEWS)

    assert (onward.said.sni, onward.exchange, onward.certain) == (REVIEWS_SNI, None, True)


def test_requests_that_a_key_log_shows_inside_mutual_tls_are_told_apart(app, upstream, alpn) -> None:
    one = app("10.244.1.10:1").ask("/a", at=5).answer(at=19)
    two = app("10.244.1.10:2").ask("/b", at=6).answer(at=18)
    first = upstream("10.244.1.10:8", at=1).hello(REVIEWS_SNI, alpn["http"], at=2).send(b"sealed", at=8)
    second = upstream("10.244.1.10:9", at=1).hello(REVIEWS_SNI, alpn["http"], at=2).send(b"sealed", at=8)
    first.holding(upstream().ask("/b", at=8).answer(at=9))
    second.holding(upstream().ask("/a", at=8).answer(at=9))
    said = apps(one, two)
    stitcher = Stitcher([*said, *ups(first, second)])

    legs = [stitcher.upstream_of(first_call(s), REVIEWS) for s in said]

    assert [(leg.said.wire.client.port, leg.certain) for leg in legs] == [(9, True), (8, True)]
    assert legs[0].exchange.request.target == "/a"


def test_what_is_inside_an_applications_own_tls_is_no_leg_of_a_request(app, upstream) -> None:
    asked = app("10.244.1.10:1").ask("/a", at=5).answer(at=19)
    own = app("10.244.1.10:2").hello("a.example", at=4, client="x")
    passed_on = upstream("10.244.1.10:9", at=1).hello("a.example", at=4, client="x")
    passed_on.holding(upstream().ask("/a", at=8))
    said = apps(asked, own)

    assert Stitcher([*said, *ups(passed_on)]).upstream_of(first_call(said[0]), None) is None


def test_a_connection_that_was_silent_meanwhile_carried_nothing(app, upstream, alpn) -> None:
    asked = app().ask(at=5).answer(at=19)
    idle = upstream(at=1).hello(REVIEWS_SNI, alpn["http"], at=2).send(b"sealed", at=25)
    said = apps(asked)

    assert Stitcher([*said, *ups(idle)]).upstream_of(first_call(said[0]), REVIEWS) is None


def test_the_predicted_cluster_chooses_between_connections_but_is_no_proof(app, upstream, alpn) -> None:
    asked = app().ask(at=5).answer(at=19)
    other = upstream("10.244.1.10:1").hello(RATINGS_SNI, alpn["http"], at=6)
    own = upstream("10.244.1.10:2").hello(REVIEWS_SNI, alpn["http"], at=7)
    said = apps(asked)

    onward = Stitcher([*said, *ups(other, own)]).upstream_of(first_call(said[0]), REVIEWS)

    assert (onward.said.sni, onward.certain) == (REVIEWS_SNI, False)


def test_the_only_connection_that_spoke_counts_although_another_cluster_was_predicted(app, upstream, alpn) -> None:
    """A proxy that has not received its configuration shows itself so."""
    asked = app().ask(at=5).answer(at=19)
    other = upstream().hello(RATINGS_SNI, alpn["http"], at=6)
    said = apps(asked)

    onward = Stitcher([*said, *ups(other)]).upstream_of(first_call(said[0]), REVIEWS)

    assert (onward.said.sni, onward.certain) == (RATINGS_SNI, True)


def test_with_several_requests_in_flight_no_connection_is_certain(app, upstream, alpn) -> None:
    one = app("10.244.1.10:1").ask(at=5).answer(at=19)
    two = app("10.244.1.10:2").ask(at=6).answer(at=18)
    sealed = upstream(at=1).hello(REVIEWS_SNI, alpn["http"], at=2).send(b"sealed", at=7).send(b"sealed", at=8)
    said = apps(one, two)
    stitcher = Stitcher([*said, *ups(sealed)])

    assert not any(stitcher.upstream_of(first_call(s), REVIEWS).certain for s in said)


def test_with_several_requests_in_flight_a_connection_to_another_cluster_carried_another(app, upstream, alpn) -> None:
    one = app("10.244.1.10:1").ask(at=5).answer(at=19)
    two = app("10.244.1.10:2").ask(at=6).answer(at=18)
    other = upstream(at=1).hello(RATINGS_SNI, alpn["http"], at=2).send(b"sealed", at=7)
    said = apps(one, two)

    assert Stitcher([*said, *ups(other)]).upstream_of(first_call(said[0]), REVIEWS) is None


def test_requests_of_other_pods_make_nothing_uncertain(app, upstream, alpn) -> None:
    asked = app().ask(at=5).answer(at=19)
    elsewhere = app("10.244.9.9:2").ask(at=6).answer(at=18)
    sealed = upstream(at=1).hello(REVIEWS_SNI, alpn["http"], at=7)
    said = apps(asked, elsewhere)

    assert Stitcher([*said, *ups(sealed)]).upstream_of(first_call(said[0]), REVIEWS).certain


def test_requests_one_after_the_other_make_nothing_uncertain(app, upstream, alpn) -> None:
    asked = app().ask(at=5).answer(at=9).ask(at=10).answer(at=19)
    sealed = upstream(at=1).hello(REVIEWS_SNI, alpn["http"], at=2).send(b"one", at=6).send(b"two", at=11)
    said = apps(asked)
    stitcher = Stitcher([*said, *ups(sealed)])

    assert all(stitcher.upstream_of(call, REVIEWS).certain for call in calls_of(said[0]))


def test_a_connection_pooled_before_the_capture_began_may_have_carried_it(app, upstream) -> None:
    asked = app().ask(at=5).answer(at=19)
    pooled = upstream(opened=False).midstream_tls(at=7)
    said = apps(asked)

    onward = Stitcher([*said, *ups(pooled)]).upstream_of(first_call(said[0]), REVIEWS)

    assert (onward.said.wire, onward.certain) == (pooled.wire, False)


def test_where_envoy_tried_again_the_connection_that_spoke_last_before_the_reply_carried_it(
    app, upstream, alpn
) -> None:
    asked = app().ask(at=5).answer(at=19)
    failed = upstream("10.244.1.10:1", at=6).hello(REVIEWS_SNI, alpn["http"], at=6).reply(b"alert", at=8)
    again = upstream("10.244.1.10:2", at=9).hello(REVIEWS_SNI, alpn["http"], at=9).reply(b"sealed", at=18)
    later = upstream("10.244.1.10:3", at=9).hello(REVIEWS_SNI, alpn["http"], at=10).reply(b"sealed", at=30)
    said = apps(asked)

    onward = Stitcher([*said, *ups(failed, again, later)]).upstream_of(first_call(said[0]), REVIEWS)

    assert (onward.said.wire.client.port, onward.certain) == (2, False)


def test_of_connections_that_name_no_cluster_those_to_its_endpoints_may_have_carried_it(app, upstream) -> None:
    asked = app().ask(at=5).answer(at=19)
    own = upstream("10.244.1.10:1", "10.244.1.11:9080", opened=False).midstream_tls(at=7)
    other = upstream("10.244.1.10:2", "10.244.7.7:80", opened=False).midstream_tls(at=8)
    said = apps(asked)
    stitcher = Stitcher([*said, *ups(own, other)], behind=lambda _: frozenset({"10.244.1.11"}))

    assert stitcher.upstream_of(first_call(said[0]), REVIEWS).said.wire == own.wire


def test_of_several_connections_none_is_chosen_while_other_calls_are_under_way(app, upstream, alpn) -> None:
    said = apps(*(app(f"10.244.1.10:{n}").ask(at=5).answer(at=19) for n in (1, 2)))
    both = [upstream(f"10.244.1.10:{n}", at=6).hello(REVIEWS_SNI, alpn["http"], at=6).reply(b"x", at=9) for n in (3, 4)]

    assert Stitcher([*said, *ups(*both)]).upstream_of(first_call(said[0]), REVIEWS) is None


def test_of_several_connections_the_one_at_whose_end_the_request_was_delivered_carried_it(
    app, upstream, delivery, alpn
) -> None:
    asked, another = (
        app("10.244.1.10:1").ask("/a", at=5).answer(at=19),
        app("10.244.1.10:2").ask("/b", at=5).answer(at=19),
    )
    one = upstream("10.244.1.10:3", "10.244.1.11:9080").hello(REVIEWS_SNI, alpn["http"], at=6).reply(b"x", at=9)
    two = upstream("10.244.1.10:4", "10.244.1.12:9080").hello(REVIEWS_SNI, alpn["http"], at=6).reply(b"x", at=10)
    there = delivery("127.0.0.6:1", "10.244.1.11:9080").ask("/a", at=7)
    elsewhere = delivery("127.0.0.6:1", "10.244.1.12:9080").ask("/b", at=7)
    said = apps(asked, another)

    onward = Stitcher([*said, *ups(one, two), *deliveries(there, elsewhere)]).upstream_of(first_call(said[0]), REVIEWS)

    assert onward.said.wire == one.wire


def test_a_connection_whose_server_spoke_only_at_other_times_carried_nothing(app, upstream, alpn) -> None:
    asked = app().ask(at=5).answer(at=19)
    other = (
        upstream(at=1).hello(REVIEWS_SNI, alpn["http"], at=2).reply(b"x", at=3).send(b"sealed", at=7).reply(b"y", at=30)
    )
    said = apps(asked)

    assert Stitcher([*said, *ups(other)]).upstream_of(first_call(said[0]), REVIEWS) is None


def test_a_request_that_is_only_bytes_to_the_sidecar_has_no_leg_of_its_own(app, upstream, alpn) -> None:
    asked = app().ask(at=5).answer(at=19, server="app", x_envoy_upstream_service_time=1)
    sealed = upstream(at=1).hello(REVIEWS_SNI, alpn["http"], at=2).send(b"sealed", at=7)
    said = apps(asked)

    assert Stitcher([*said, *ups(sealed)]).upstream_of(first_call(said[0]), REVIEWS, opaque=True) is None


def test_tls_that_a_destination_rule_begins_may_have_carried_it(app, upstream) -> None:
    asked = app().ask(at=5).answer(at=19)
    begun = upstream(at=6).hello("ext.example.com", ("h2",), at=6)
    said = apps(asked)

    onward = Stitcher([*said, *ups(begun)]).upstream_of(first_call(said[0]), REVIEWS)

    assert (onward.said.sni, onward.certain) == ("ext.example.com", False)


def test_an_applications_own_tls_carries_no_request_of_another(app, upstream) -> None:
    asked = app().ask(at=5).answer(at=19)
    other = app("10.244.1.10:7", at=5).hello("www.example.com", at=6).close(at=30)
    passed_on = upstream(at=6).hello("www.example.com", at=7, client=other.client)
    said = apps(asked, other)

    assert Stitcher([*said, *ups(passed_on)]).upstream_of(first_call(said[0]), None) is None


# HTTP that Envoy takes for opaque TCP.


def test_http_on_an_opaque_port_leaves_by_one_connection_for_all_its_requests(app, upstream, alpn) -> None:
    asked = app().ask("/a", at=5).answer(at=9).ask("/b", at=20).answer(at=29)
    sealed = upstream(at=6).hello(REVIEWS_SNI, alpn["tcp"], at=6).send(b"one", at=7).send(b"two", at=21)
    said = apps(asked)
    stitcher = Stitcher([*said, *ups(sealed)])

    onward = [stitcher.upstream_of(call, REVIEWS) for call in calls_of(said[0])]

    assert [o.said.wire for o in onward] == [sealed.wire] * 2


def test_a_reply_that_passed_the_own_sidecars_http_manager_did_not_come_by_opaque_tcp(app, upstream, alpn) -> None:
    asked = app().ask(at=5).answer(at=9, server="envoy", x_envoy_upstream_service_time=1)
    sealed = upstream(at=6).hello(REVIEWS_SNI, alpn["tcp"], at=6)
    said = apps(asked)

    assert Stitcher([*said, *ups(sealed)]).upstream_of(first_call(said[0]), None) is None


# Opaque TCP and TLS.


def test_bytes_that_are_passed_on_unchanged_show_their_connection(app, upstream) -> None:
    own = app().send(b"PING one", at=3)
    passed_on = upstream("10.244.1.10:2", at=2).send(b"PING one", at=4)
    other = upstream("10.244.1.10:1", at=1).send(b"PING two", at=3)
    said = apps(own)

    onward = Stitcher([*said, *ups(other, passed_on)]).upstream_of(first_call(said[0]), None)

    assert (onward.said.wire.client.port, onward.certain) == (2, True)


def test_an_applications_client_hello_passed_on_shows_its_connection(app, upstream) -> None:
    own = app().hello("www.example.com", at=3).close(at=9)
    passed_on = upstream(at=4).hello("www.example.com", at=5, client=own.client)
    said = apps(own)

    assert Stitcher([*said, *ups(passed_on)]).upstream_of(first_call(said[0]), None).certain


def test_a_connection_upstream_may_be_opened_before_the_applications_first_byte(app, upstream) -> None:
    own = app(at=0).send(b"PING", at=9)
    early = upstream(at=1).send(b"PING", at=10)
    said = apps(own)

    assert Stitcher([*said, *ups(early)]).upstream_of(first_call(said[0]), None) is not None


def test_a_connection_upstream_that_was_opened_before_the_applications_is_not_its_own(app, upstream) -> None:
    own = app(at=100).send(b"PING", at=109)
    older = upstream(at=50).send(b"PING", at=51)
    said = apps(own)

    assert Stitcher([*said, *ups(older)]).upstream_of(first_call(said[0]), None) is None


def test_opaque_bytes_inside_mutual_tls_left_by_the_connection_that_was_opened_for_them(app, upstream, alpn) -> None:
    own = app(at=0).send(b"PING", at=2).close(at=9)
    sealed = upstream(at=1).hello(REVIEWS_SNI, alpn["tcp"], at=1)
    said = apps(own)

    onward = Stitcher([*said, *ups(sealed)]).upstream_of(first_call(said[0]), REVIEWS)

    assert (onward.said.sni, onward.certain) == (REVIEWS_SNI, True)


def test_opaque_bytes_never_leave_by_a_connection_for_http(app, upstream, alpn) -> None:
    own = app(at=0).send(b"PING", at=2).close(at=9)
    sealed = upstream(at=1).hello(REVIEWS_SNI, alpn["http"], at=1)
    said = apps(own)

    assert Stitcher([*said, *ups(sealed)]).upstream_of(first_call(said[0]), REVIEWS) is None


def test_opaque_bytes_may_leave_inside_tls_that_a_destination_rule_begins(app, upstream) -> None:
    own = app(at=0).send(b"PING", at=2).close(at=9)
    begun = upstream(at=1).hello("ext.example.com", at=1)
    said = apps(own)

    assert Stitcher([*said, *ups(begun)]).upstream_of(first_call(said[0]), None).certain


def test_opaque_bytes_never_leave_inside_another_applications_tls(app, upstream) -> None:
    own = app(at=0).send(b"PING", at=2).close(at=9)
    other = app("10.244.1.10:7", at=0).hello("www.example.com", at=1).close(at=30)
    passed_on = upstream(at=1).hello("www.example.com", at=2, client=other.client)
    said = apps(own, other)

    assert Stitcher([*said, *ups(passed_on)]).upstream_of(first_call(said[0]), None) is None


def test_plaintext_is_not_delivered_as_tls(app, upstream, delivery, alpn) -> None:
    own = app(at=0).send(b"PING", at=2).close(at=9)
    sealed = upstream(at=1).hello(REVIEWS_SNI, alpn["tcp"], at=1)
    other = delivery(at=2).hello("app.example.com", at=2)
    said = apps(own)
    stitcher = Stitcher([*said, *ups(sealed), *deliveries(other)])
    call = first_call(said[0])

    assert stitcher.delivery_of(call, stitcher.upstream_of(call, REVIEWS)) is None


def test_whether_anyone_was_calling_is_known_at_every_moment(app) -> None:
    stitcher = Stitcher(apps(app().ask(at=5).answer(at=9), app("10.244.1.10:2", at=20).send(b"x", at=30)))

    assert [stitcher.anyone_calling("10.244.1.10", ms * 1_000_000) for ms in (4, 7, 12, 25)] == [
        False,
        True,
        False,
        True,
    ]
    assert not stitcher.anyone_calling("10.244.9.9", 7_000_000)


def test_a_black_holed_connection_does_not_take_the_leg_of_its_neighbour(app, upstream, alpn) -> None:
    hole = app("10.244.1.10:1", "203.0.113.7:443", at=0).send(b"PING", at=1).close("server", reset=True, at=3)
    lucky = app("10.244.1.10:2", at=0.5).send(b"HELO", at=1).reply(b"OK", at=8).close(at=9)
    sealed = upstream(at=2).hello(REVIEWS_SNI, alpn["tcp"], at=2)
    said = apps(hole, lucky)
    stitcher = Stitcher([*said, *ups(sealed)])

    onward = [stitcher.upstream_of(first_call(s), c) for s, c in zip(said, ("BlackHoleCluster", REVIEWS), strict=True)]

    assert onward[0] is None
    assert onward[1].said.wire == sealed.wire


def test_a_connection_that_got_nothing_back_is_not_the_one_whose_upstream_answered(app, upstream) -> None:
    hole = app("10.244.1.10:1", at=0).send(b"PING", at=1).reply(b"-ERR", at=2)
    answered = upstream(at=1).send(b"PING", at=2).reply(b"PONG", at=3)
    said = apps(hole)

    assert Stitcher([*said, *ups(answered)]).upstream_of(first_call(said[0]), None) is None


def test_one_connection_upstream_carries_one_opaque_connection(app, upstream) -> None:
    one, two = (app(f"10.244.1.10:{port}").send(b"PING", at=3).close(at=9) for port in (1, 2))
    passed_on = upstream(at=4).send(b"PING", at=5)
    said = apps(one, two)
    stitcher = Stitcher([*said, *ups(passed_on)])

    onward = [stitcher.upstream_of(first_call(s), None) for s in said]

    assert onward[0] is not None
    assert onward[1] is None


def test_equal_bytes_of_two_connections_at_once_prove_nothing(app, upstream) -> None:
    one, two = (app(f"10.244.1.10:{port}").send(b"PING", at=3).close(at=9) for port in (1, 2))
    said = apps(one, two)
    stitcher = Stitcher([*said, *ups(upstream(at=4).send(b"PING", at=5))])

    assert not stitcher.upstream_of(first_call(said[0]), None).certain


def test_a_wire_that_carried_a_call_is_known(app, upstream) -> None:
    used, unused = upstream(at=4).send(b"PING", at=5), upstream("10.244.1.10:9", at=999)
    said, carriers = apps(app().send(b"PING", at=3).close(at=20)), ups(used, unused)
    stitcher = Stitcher([*said, *carriers])

    stitcher.upstream_of(first_call(said[0]), None)

    assert [stitcher.was_given(c) for c in carriers] == [True, False]


# To the application at the other end.


def test_a_request_is_delivered_by_the_connection_to_the_pod_it_went_to(app, upstream, delivery) -> None:
    asked = app().ask("/a", at=5).answer(at=19)
    carried = upstream(at=6).ask("/a", at=6, x_request_id=ID).answer(at=18)
    elsewhere = delivery("127.0.0.6:1", "10.244.1.99:9080").ask("/a", at=7, x_request_id=ID)
    here = delivery("127.0.0.6:2").ask("/a", at=8, x_request_id=ID)
    said = apps(asked)
    stitcher = Stitcher([*said, *ups(carried), *deliveries(elsewhere, here)])
    call = first_call(said[0])

    delivered = stitcher.delivery_of(call, stitcher.upstream_of(call, None))

    assert (delivered.said.wire.client.port, delivered.certain) == (2, True)


def test_the_id_that_the_sidecar_gave_tells_the_delivery_from_others(app, upstream, delivery) -> None:
    asked = app().ask("/a", at=5).answer(at=19)
    carried = upstream(at=6).ask("/a", at=6, x_request_id=ID).answer(at=18)
    other = delivery("127.0.0.6:1").ask("/a", at=7, x_request_id="of-somebody-else")
    own = delivery("127.0.0.6:2").ask("/a", at=8, x_request_id=ID)
    said = apps(asked)
    stitcher = Stitcher([*said, *ups(carried), *deliveries(other, own)])
    call = first_call(said[0])

    delivered = stitcher.delivery_of(call, stitcher.upstream_of(call, None))

    assert (delivered.said.wire.client.port, delivered.certain) == (2, True)


def test_a_rewritten_request_is_delivered_as_it_was_rewritten(app, upstream, delivery) -> None:
    asked = app().ask("/old", at=5).answer(at=19)
    carried = upstream(at=6).ask("/new", at=6).answer(at=18)
    other = delivery("127.0.0.6:1").ask("/old", at=7)
    own = delivery("127.0.0.6:2").ask("/new", at=8)
    said = apps(asked)
    stitcher = Stitcher([*said, *ups(carried), *deliveries(other, own)])
    call = first_call(said[0])

    assert stitcher.delivery_of(call, stitcher.upstream_of(call, None)).said.wire.client.port == 2


def test_a_direct_call_is_delivered_at_the_pod_that_it_reached(talk, delivery) -> None:
    naked = talk("10.244.2.9:5000", "10.244.1.11:9080").ask("/a", at=5).answer(at=19)
    own = delivery().ask("/a", at=8, x_request_id=ID)
    said = naked.said(Role.DIRECT)

    assert Stitcher([said, *deliveries(own)]).delivery_of(first_call(said), None).said.wire == own.wire


def test_a_request_inside_mutual_tls_is_delivered_in_the_clear(app, upstream, delivery, alpn) -> None:
    asked = app().ask("/a", at=5).answer(at=19)
    sealed = upstream(at=6).hello(REVIEWS_SNI, alpn["http"], at=6)
    own = delivery(at=7).ask("/a", at=8, x_request_id=ID)
    said = apps(asked)
    stitcher = Stitcher([*said, *ups(sealed), *deliveries(own)])
    call = first_call(said[0])

    assert stitcher.delivery_of(call, stitcher.upstream_of(call, REVIEWS)).said.wire == own.wire


def test_opaque_bytes_are_delivered_unchanged(app, upstream, delivery, alpn) -> None:
    own = app(at=0).send(b"PING", at=2).close(at=9)
    sealed = upstream(at=1).hello(REVIEWS_SNI, alpn["tcp"], at=1)
    other = delivery("127.0.0.6:1", at=1).send(b"QUIT", at=3)
    delivered = delivery("127.0.0.6:2", at=2).send(b"PING", at=3)
    said = apps(own)
    stitcher = Stitcher([*said, *ups(sealed), *deliveries(other, delivered)])
    call = first_call(said[0])

    onward = stitcher.delivery_of(call, stitcher.upstream_of(call, REVIEWS))

    assert (onward.said.wire.client.port, onward.certain) == (2, True)


def test_what_a_sealed_connection_delivered_is_only_suggested_by_time(upstream, delivery, alpn) -> None:
    """The application's own connection is in no capture, and a sidecar pools deliveries across peers."""
    sealed = upstream(at=1).hello(REVIEWS_SNI, alpn["http"], at=1).close(at=50)
    delivered = delivery(at=2).ask("/a", at=3)
    said = ups(sealed)

    onward = Stitcher([*said, *deliveries(delivered)]).delivery_of(first_call(said[0]), None)

    assert onward is None or not onward.certain


def test_the_clock_of_the_other_pod_may_be_wrong(app, upstream, delivery) -> None:
    """The connection between the pods is in both captures, and shows by how much."""
    hour = 3_600_000
    asked = app().ask("/a", at=5).answer(at=19)
    sent = upstream(at=6).ask("/a", at=6, x_request_id=ID).answer(at=18)
    came = upstream(at=6 + hour, capture=CALLEE).ask("/a", at=6.1 + hour, x_request_id=ID).answer(at=17 + hour)
    own = delivery(at=7 + hour, capture=CALLEE).ask("/a", at=8 + hour, x_request_id=ID)
    said = apps(asked)
    between = _one_wire(sent, came)
    stitcher = Stitcher([*said, between, *deliveries(own)])
    call = first_call(said[0])

    assert stitcher.delivery_of(call, stitcher.upstream_of(call, None)).said.wire == own.wire


def _one_wire(sent, came):
    from analyzer.base.fact import replace
    from analyzer.verdict.wires import gather_wires

    (wire,) = gather_wires([sent.sighting, came.sighting])
    return replace(sent.said(Role.UPSTREAM), wire=wire)


# Through a gateway.

EDGE = "10.244.3.5"


def test_what_reaches_a_gateway_is_stitched_to_what_leaves_it(talk, upstream) -> None:
    asked = talk("192.0.2.1:5000", f"{EDGE}:8080").ask("/a", at=5).answer(at=19).said(Role.DIRECT)
    passed_on = upstream(f"{EDGE}:36714", at=6).ask("/a", at=6)

    onward = Stitcher([asked, *ups(passed_on)], frozenset({EDGE})).through_gateway(first_call(asked), asked, EDGE, None)

    assert (onward.said.wire, onward.certain) == (passed_on.wire, True)


def test_a_gateway_that_serves_several_at_once_leaves_it_open_which_sealed_connection_is_whose(
    talk, upstream, alpn
) -> None:
    one, two = (
        talk(f"192.0.2.{n}:5000", f"{EDGE}:8080").ask("/a", at=5).answer(at=19).said(Role.DIRECT) for n in (1, 2)
    )
    sealed = upstream(f"{EDGE}:36714", at=6).hello(REVIEWS_SNI, alpn["http"], at=6)
    stitcher = Stitcher([one, two, *ups(sealed)], frozenset({EDGE}))

    assert not stitcher.through_gateway(first_call(one), one, EDGE, REVIEWS).certain


def test_calls_to_a_pod_that_is_no_gateway_are_not_under_way_there(talk) -> None:
    asked = talk("192.0.2.1:5000", "10.244.1.11:9080").ask("/a", at=5).answer(at=19).said(Role.DIRECT)

    assert not Stitcher([asked], frozenset({EDGE})).anyone_calling("10.244.1.11", 7_000_000)
