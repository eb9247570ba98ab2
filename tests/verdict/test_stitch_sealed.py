"""Which wires carried a call onwards that left inside Istio's mutual TLS."""

from __future__ import annotations

from analyzer.verdict.call import calls_of
from analyzer.verdict.stitch import Stitcher
from made.said import apps, deliveries, first_call, ups

REVIEWS = "outbound|9080||reviews.shop.svc.cluster.local"
REVIEWS_SNI = "outbound_.9080_._.reviews.shop.svc.cluster.local"
RATINGS_SNI = "outbound_.80_._.ratings.shop.svc.cluster.local"


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


def test_connections_that_envoy_opened_for_a_request_before_the_last_are_no_calls_of_their_own(app, upstream) -> None:
    """As where a DestinationRule begins TLS that the server does not speak."""
    asked = app().ask(at=5).answer(503, at=29)
    older = upstream("10.244.1.10:1", at=1).hello("ext.example.com", at=6).reply(b"x", at=7)
    tried = [upstream(f"10.244.1.10:{n}", at=5 * n).hello("ext.example.com", at=5 * n).reply(b"alert", at=5 * n + 1)
             for n in (2, 3, 4)]  # fmt: skip
    elsewhere = upstream("10.244.1.10:5", at=8).hello("other.example.com", at=8)
    said, legs = apps(asked), ups(older, *tried, elsewhere)
    stitcher = Stitcher([*said, *legs])

    onward = stitcher.upstream_of(first_call(said[0]), None)

    assert onward.said.wire == tried[-1].wire
    assert [stitcher.was_given(leg) for leg in legs] == [False, True, True, True, False]
