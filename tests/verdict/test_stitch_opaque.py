"""Which wires carried onwards what Envoy takes for opaque bytes, and TLS that is not the mesh's."""

from __future__ import annotations

from analyzer.base.fact import replace
from analyzer.verdict.call import calls_of
from analyzer.verdict.stitch import Stitcher
from analyzer.verdict.wires import wire_of
from made.said import apps, deliveries, first_call, ups

REVIEWS = "outbound|9080||reviews.shop.svc.cluster.local"
REVIEWS_SNI = "outbound_.9080_._.reviews.shop.svc.cluster.local"


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


def test_tls_that_looks_like_a_sidecars_left_inside_that_of_the_sidecar(app, upstream, alpn) -> None:
    own = app(at=0).hello("reviews", alpn["http"], at=2, client="app").close(at=9)
    sealed = upstream(at=1).hello(REVIEWS_SNI, alpn["tcp"], at=3, client="sidecar")
    said = apps(own)

    assert Stitcher([*said, *ups(sealed)]).upstream_of(first_call(said[0]), REVIEWS).said.sni == REVIEWS_SNI


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


def test_answers_alone_do_not_tell_who_brought_them(app, upstream) -> None:
    half, leg = app().reply(b"hello", at=9), upstream(at=6).reply(b"hello", at=8)
    (said,) = apps(half)
    said = replace(said, wire=wire_of("a.pcap", replace(half.connection, client_packets=0)))

    assert Stitcher([said, *ups(leg)]).upstream_of(first_call(said), None) is None
    assert Stitcher([*apps(half), *ups(leg)]).upstream_of(first_call(apps(half)[0]), None) is not None
