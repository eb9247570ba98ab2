"""The picture of a call has the stops that the decision names and the legs where they were seen."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.report.journey import Place, answer_phrase, journey_of
from analyzer.verdict.decision import Decision, LocalResponse, Outbound


def places(journey):
    return [stop.place.value for stop in journey.stops]


def roles(journey):
    return [(link.role, len(link.legs)) for link in journey.links]


def test_a_call_between_sidecars_has_four_stops_and_three_legs(shop):
    journey = journey_of(shop.calls[0])
    assert places(journey) == ["application", "sidecar", "sidecar", "application"]
    assert roles(journey) == [("app-to-sidecar", 1), ("sidecar-to-upstream", 1), ("sidecar-to-app", 1)]
    assert [stop.name for stop in journey.stops] == ["shop/web-0", "shop/web-0", "shop/reviews-0", "shop/reviews-0"]


def test_a_dropped_call_ends_at_the_envoy_that_answers(shop):
    journey = journey_of(shop.calls[4])
    assert places(journey) == ["application", "sidecar"]
    assert (journey.stops[-1].dropped, journey.stops[-1].answer) == (True, "answers 404 (NR)")


def test_a_dropped_call_without_an_answer_ends_at_the_last_envoy(shop):
    call = shop.calls[0]
    journey = journey_of(replace(call, decision=replace(call.decision, verdict="dropped")))
    assert (len(journey.stops), journey.stops[-1].dropped) == (3, True)
    assert journey.stops[-1].name == "shop/reviews-0"


def test_a_local_answer_that_a_route_demands_is_no_drop(shop):
    call = shop.calls[0]
    redirect = Outbound("0.0.0.0_80", route="default", response=LocalResponse(301, None))
    journey = journey_of(replace(call, decision=Decision("service-matched", "local-reply", outbound=redirect)))
    assert (journey.stops[-1].dropped, journey.stops[-1].answer) == (False, "answers 301")


def test_a_client_without_a_sidecar_reaches_the_servers_directly(shop):
    call = shop.calls[0]
    direct = replace(call.legs[0], role="direct")
    journey = journey_of(replace(call, decision=replace(call.decision, outbound=None), legs=(direct,)))
    assert places(journey) == ["application", "sidecar", "application"]
    assert roles(journey) == [("direct", 1), ("sidecar-to-app", 0)]


def test_a_gateway_stands_between(shop):
    call = shop.calls[8]
    journey = journey_of(replace(call, legs=(replace(call.legs[0], role="direct"),)))
    assert places(journey) == ["application", "gateway", "sidecar", "application"]
    assert roles(journey) == [("direct", 1), ("sidecar-to-upstream", 0), ("sidecar-to-app", 0)]
    assert journey.stops[1].name == "istio-system/istio-ingressgateway-0"


def test_the_same_wire_leg_in_two_captures_is_one_link(shop):
    call = shop.calls[0]
    twice = (*call.legs, replace(call.legs[1], capture="shop_reviews-0.any.pcap"))
    assert roles(journey_of(replace(call, legs=twice)))[1] == ("sidecar-to-upstream", 2)


def test_upstream_legs_are_laid_on_the_upstream_links_in_order(shop):
    call = shop.calls[8]
    decision = replace(call.decision, outbound=Outbound("0.0.0.0_80"))
    second = replace(call.legs[1], client=call.legs[1].server, server=call.legs[2].server)
    journey = journey_of(replace(call, decision=decision, legs=(*call.legs[:2], second)))
    assert [link.legs for link in journey.links] == [(call.legs[0],), (call.legs[1],), (second,), ()]


def test_without_a_pod_that_is_known_a_journey_ends_where_the_sidecars_connection_led(shop):
    call = shop.calls[0]
    journey = journey_of(
        replace(call, server_pod=None, decision=replace(call.decision, inbound=None), legs=call.legs[:2])
    )
    assert journey.stops[-1].name == str(call.legs[1].server)


def test_what_passes_through_ends_at_the_address(shop):
    journey = journey_of(replace(shop.calls[6], legs=()))
    assert (journey.stops[-1].place, journey.stops[-1].name) == (Place.SERVER, "203.0.113.20:443")


def test_a_gateway_that_forwards_out_of_the_mesh_ends_at_its_cluster(shop):
    call = shop.calls[8]
    journey = journey_of(replace(call, decision=replace(call.decision, inbound=None), legs=()))
    assert journey.stops[-1].name == "outbound|80||web.shop.svc.cluster.local"


def test_without_a_mesh_the_legs_alone_show_the_sidecars(bare, shop):
    call = replace(bare.calls[0], legs=shop.calls[0].legs, server_pod=None, pod=None)
    assert places(journey_of(call)) == ["application", "sidecar", "sidecar", "server"]


def test_a_leg_of_no_link_is_laid_on_the_nearest(shop):
    call = shop.calls[4]
    stray = replace(call.legs[0], role="sidecar-to-upstream")
    assert roles(journey_of(replace(call, legs=(stray, replace(stray, role="direct"))))) == [("app-to-sidecar", 2)]


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (None, ""),
        (LocalResponse(404, "NR"), "answers 404 (NR)"),
        (LocalResponse(None, "NR"), "closes the connection (NR)"),
        (LocalResponse(503, None), "answers 503"),
    ],
)
def test_an_envoys_own_answer_is_put_in_words(response, said):
    assert answer_phrase(response) == said
