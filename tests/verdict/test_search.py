"""What may have carried a call: between its request and its reply, and saying the same."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.protocol.facts import Request
from analyzer.verdict.call import calls_of
from analyzer.verdict.carriers import Carriers
from analyzer.verdict.roles import Role
from analyzer.verdict.search import Search, by_id, clocks_apart, same_request, same_target, saying_of
from analyzer.verdict.wires import gather_wires

ID = "6a3c1e52-0000-4000-8000-000000000001"
CLIENT = "10.244.1.10"


def request(target="/a", host="reviews", method="GET", **headers) -> Request:
    named = tuple((key.replace("_", "-"), value) for key, value in headers.items())
    return Request("http/1.1", method, target, host, named, 0, 10, 10)


def search_for(asked, *legs):
    call = calls_of(asked.said())[0]
    carriers = Carriers((leg.wire.client.ip, leg.said(Role.UPSTREAM)) for leg in legs)
    return Search(call, call.said, carriers, (CLIENT,), CLIENT)


def test_what_was_answered_after_the_calls_reply_did_not_carry_it(app, upstream) -> None:
    early = upstream(f"{CLIENT}:1").ask("/a", at=6).answer(at=8)
    late = upstream(f"{CLIENT}:2").ask("/a", at=6).answer(at=12)
    search = search_for(app().ask("/a", at=5).answer(at=9), early, late)

    assert [said.wire.client.port for said, _ in search.asked(search.call.request)] == [1]


def test_what_was_never_answered_may_have_carried_it(app, upstream) -> None:
    search = search_for(app().ask("/a", at=5).answer(at=9), upstream().ask("/a", at=6))

    assert len(search.asked(search.call.request)) == 1


@pytest.mark.parametrize(
    ("asked", "heard", "leads"), [(6, 9, True), (8, 9, False), (6, 7.5, False)], ids=["fits", "too late", "too soon"]
)
def test_sealed_bytes_lead_to_a_delivery_that_lies_between_them(app, upstream, delivery, asked, heard, leads) -> None:
    call = calls_of(app().ask("/a", at=10).answer(at=200).said())[0]
    via = upstream(at=0).send(b"sealed", at=asked * 10).reply(b"sealed", at=heard * 10).said(Role.UPSTREAM)
    end = delivery(at=1).ask("/a", at=70).answer(at=80).said(Role.DELIVERY)
    search = Search(call, via, Carriers([]), (), CLIENT)

    assert search.may_lead_to([(end, end.exchanges[0])]) is leads


def test_an_absolute_target_and_its_path_and_host_are_one() -> None:
    assert same_target(request("http://reviews/a", "proxy"), request("/a", "reviews"))
    assert not same_target(request("http://ratings/a", "reviews"), request("/a", "reviews"))


def test_what_a_capture_does_not_show_of_a_head_may_be_anything() -> None:
    cut = replace(request("/a", None), whole=False)

    assert same_target(request(), cut)
    assert not same_target(request(), replace(cut, whole=True))
    assert not same_target(request("/b"), cut)


def test_a_request_is_known_by_method_and_the_id_that_it_brought() -> None:
    assert same_request(request(), request(x_request_id=ID))
    assert not same_request(request(x_request_id="other"), request(x_request_id=ID))
    assert not same_request(request(method="PUT"), request())
    assert not same_request(request(), None)
    assert not same_target(request(), None)


def test_calls_that_say_the_same_are_alike_whatever_the_case_of_the_host(app) -> None:
    one, two, other = (app().ask("/a", host).call() for host in ("reviews", "Reviews", "ratings"))

    assert saying_of(one) == saying_of(two) != saying_of(other)


def test_exchanges_with_the_id_that_envoy_made_are_tries_of_one_request(upstream) -> None:
    said = upstream().ask(x_request_id=ID).ask(x_request_id=ID).ask().said(Role.UPSTREAM)
    found = [(said, exchange) for exchange in said.exchanges]

    assert [len(tries) for tries in by_id(found, request()).values()] == [2, 1]
    assert [len(tries) for tries in by_id(found, request(x_request_id=ID)).values()] == [1, 1, 1]


def test_where_a_connection_was_not_seen_to_begin_another_of_its_client_tells_the_clocks(talk, app) -> None:
    def both(client, **options):
        seen = [talk(client, capture=capture, at=at, **options) for capture, at in (("a", 10), ("b", 1010))]
        return gather_wires([each.send(b"hello").sighting for each in seen])

    (known,), late = both(f"{CLIENT}:1"), talk(f"{CLIENT}:2", capture="a", opened=False).said(Role.UPSTREAM)
    call = app(capture="a").ask(at=5).answer(at=9).call()

    search = Search(call, late, Carriers([]), (), CLIENT, clocks_apart([known]))

    assert search.while_asked("b") == (1_004_000_000, 1_010_000_000)
    assert search.while_asked("c") == (4_000_000, 10_000_000)
