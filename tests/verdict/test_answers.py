"""Requests that no rule of the mesh can tell apart share one decision; those that one can tell apart do not."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.protocol.facts import Request
from analyzer.verdict.answers import Answers
from analyzer.verdict.decide import decide
from analyzer.verdict.question import Question

CONNECTION = Question("shop", "sleep-0", address="10.96.0.11", port=9080, protocol="tcp")
ROUTES = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews]
  http:
  - match: [{uri: {prefix: /v2}}]
    route: [{destination: {host: reviews, port: {number: 9080}}}]
"""


def ask(target="/", host="reviews:9080", **headers):
    return Request("http/1.1", "GET", target, host, tuple(headers.items()), 0, 10)


@pytest.fixture
def desk(shop):
    return Answers(shop()).about(CONNECTION)


@pytest.fixture
def routed(shop):
    return Answers(shop(ROUTES)).about(CONNECTION)


def test_a_decision_is_that_of_the_whole_question(shop, desk) -> None:
    assert desk.answer(ask("/a")) == decide(shop(), Question("shop", "sleep-0", None, "outbound", "10.96.0.11", 9080,
                                                             host="reviews:9080", path="/a"))  # fmt: skip


def test_requests_that_differ_where_nobody_looks_share_a_decision(desk) -> None:
    assert desk.answer(ask("/a", x="1")) is desk.answer(ask("/b?c", y="2"))


def test_a_request_whose_head_was_cut_shares_no_decision_with_a_whole_one(desk) -> None:
    assert desk.answer(ask()) is not desk.answer(replace(ask(), whole=False))


def test_a_request_that_a_codec_refuses_shares_no_decision_with_one_that_it_takes(desk) -> None:
    taken, refused = desk.answer(ask()), desk.answer(replace(ask(), refused=400))

    assert (taken.verdict, refused.undetermined) == ("service-matched", ("bad-request",))
    assert desk.answer(ask()) is taken


def test_requests_to_other_hosts_do_not_share_a_decision(desk) -> None:
    assert desk.answer(ask()) is not desk.answer(ask(host="elsewhere"))


def test_requests_that_one_route_takes_share_a_decision(routed) -> None:
    assert routed.answer(ask("/v2/a")) is routed.answer(ask("/v2/b"))


def test_a_decision_whose_sentence_quotes_the_target_is_for_that_target_alone(routed) -> None:
    one, other = routed.answer(ask("/lost/1")), routed.answer(ask("/lost/2"))

    assert [any("/lost/1" in step.sentence for step in each.steps) for each in (one, other)] == [True, False]
    assert routed.answer(ask("/lost/2")) is other


def test_a_connection_without_a_request_has_a_decision(shop, desk) -> None:
    assert desk.answer(None) is desk.answer(None)
    assert desk.answer(None) == decide(shop(), CONNECTION)


def test_what_the_balancer_chose_is_part_of_the_question(desk) -> None:
    assert desk.answer(ask(), ("10.244.1.11", 9080)) is not desk.answer(ask())


def test_connections_that_a_proxy_meets_alike_share_their_answers(shop) -> None:
    answers = Answers(shop())

    assert answers.about(CONNECTION) is answers.about(CONNECTION)
