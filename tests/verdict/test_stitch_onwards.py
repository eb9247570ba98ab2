"""Which wires delivered a call to the application at the other end, or took it on behind a gateway."""

from __future__ import annotations

from analyzer.base.fact import replace
from analyzer.verdict.roles import Role
from analyzer.verdict.stitch import Stitcher
from analyzer.verdict.wires import gather_wires
from made.said import apps, deliveries, first_call, ups

REVIEWS = "outbound|9080||reviews.shop.svc.cluster.local"
REVIEWS_SNI = "outbound_.9080_._.reviews.shop.svc.cluster.local"
CALLEE = "b.pcap"
ID = "6a3c1e52-0000-4000-8000-000000000001"


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


def test_identical_calls_at_the_same_time_are_told_apart_by_when_they_were_delivered(app, upstream, delivery) -> None:
    one = app("10.244.1.10:1").ask("/a", at=5).answer(at=20)
    two = app("10.244.1.10:2").ask("/a", at=15).answer(at=40)
    sealed = upstream(at=1).midstream_tls(at=2).send(b"sealed", at=6).reply(b"sealed", at=19)
    sealed.send(b"sealed", at=16).reply(b"sealed", at=39)
    first = delivery("127.0.0.6:1").ask("/a", at=16).answer(at=18)
    second = delivery("127.0.0.6:2").ask("/a", at=17).answer(at=30)
    said = apps(one, two)
    stitcher = Stitcher([*said, *ups(sealed), *deliveries(first, second)])

    delivered = [stitcher.delivery_of(call, stitcher.upstream_of(call, None)) for call in map(first_call, said)]

    assert [leg.said.wire.client.port for leg in delivered] == [1, 2]


def test_identical_calls_that_nothing_tells_apart_are_not_delivered_by_guess(app, upstream, delivery) -> None:
    one = app("10.244.1.10:1").ask("/a", at=5).answer(at=40)
    two = app("10.244.1.10:2").ask("/a", at=6).answer(at=40)
    sealed = upstream(at=1).midstream_tls(at=2).send(b"sealed", at=7).reply(b"sealed", at=39)
    ends = [delivery(f"127.0.0.6:{port}").ask("/a", at=10 + port).answer(at=20 + port) for port in (1, 2)]
    said = apps(one, two)
    stitcher = Stitcher([*said, *ups(sealed), *deliveries(*ends)])

    assert [stitcher.delivery_of(call, stitcher.upstream_of(call, None)) for call in map(first_call, said)] == [
        None
    ] * 2


def test_of_several_sealed_connections_that_leads_to_a_calls_own_delivery(app, upstream, delivery) -> None:
    one = app("10.244.1.10:1").ask("/a", at=5).answer(at=20)
    two = app("10.244.1.10:2").ask("/a", at=10).answer(at=40)
    left = [
        upstream(f"10.244.1.10:{8 + n}", f"10.244.1.{11 + n}:9080", at=1)
        .midstream_tls(at=2)
        .send(b"s", at=11)
        .reply(b"s", at=19 + 20 * n)
        for n in (0, 1)
    ]
    first = delivery("127.0.0.6:1", "10.244.1.11:9080").ask("/a", at=12).answer(at=18)
    second = delivery("127.0.0.6:2", "10.244.1.12:9080").ask("/a", at=12).answer(at=38)
    said = apps(one, two)
    stitcher = Stitcher([*said, *ups(*left), *deliveries(first, second)])

    legs = [stitcher.upstream_of(call, None) for call in map(first_call, said)]

    assert [leg.said.wire.client.port for leg in legs] == [8, 9]
    assert [
        stitcher.delivery_of(first_call(s), leg).said.wire.client.port for s, leg in zip(said, legs, strict=True)
    ] == [1, 2]
    assert not any(leg.certain for leg in legs)
