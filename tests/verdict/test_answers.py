"""Requests that no rule of the mesh can tell apart share one decision; those that one can tell apart do not."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.protocol.facts import Request
from analyzer.verdict.answers import Answers, quotes
from analyzer.verdict.decide import decide
from analyzer.verdict.decision import Candidate, Step
from analyzer.verdict.likeness import retell
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


# Clients that are alike.

CLIENT = """
apiVersion: v1
kind: Pod
metadata: {{name: client-0, namespace: {0}, labels: {{app: client}}}}
spec: {{containers: [{{name: app}}, {{name: istio-proxy}}]}}
status: {{phase: Running, podIP: {1}, podIPs: [{{ip: {1}}}]}}
"""
CLIENTS = "---".join(CLIENT.format(namespace, f"10.244.5.{n}") for n, namespace in enumerate(("shop", "far", "off")))
SLEEP = ("shop", "sleep-0")
SHOP, FAR = ("shop", "client-0"), ("far", "client-0")


def asks(answers, client, request=None, **changes):
    namespace, pod = client
    return answers.about(replace(CONNECTION, namespace=namespace, pod=pod, **changes)).answer(request)


def test_clients_of_one_namespace_are_decided_for_once_whatever_the_host(shop) -> None:
    answers = Answers(shop(CLIENTS))

    told = [asks(answers, client, ask(host="reviews")) for client in (SLEEP, SHOP)]

    assert answers.decided == 1
    assert told[0] != told[1]


def test_clients_of_several_namespaces_are_decided_for_once_where_the_host_is_all_theirs(shop) -> None:
    answers = Answers(shop(CLIENTS))

    told = [asks(answers, client, ask(host="reviews.shop:9080")) for client in (SLEEP, SHOP, FAR, ("off", "client-0"))]

    assert answers.decided == 1
    assert {each.outbound for each in told} == {told[0].outbound}
    assert "client-0 in namespace far has no Sidecar" in told[2].steps[1].sentence


def test_one_client_asks_for_its_class_whoever_is_the_first_to_call_an_address(shop) -> None:
    mesh = shop(CLIENTS)
    answers, elsewhere = Answers(mesh), {"address": "10.96.0.99", "port": 80}
    asks(answers, SHOP)

    told = asks(answers, FAR, **elsewhere)

    model = answers.about(replace(CONNECTION, pod="client-0", **elsewhere)).told(None).model
    assert (model.desk.connection.namespace, model.desk.connection.pod) == SHOP
    assert told == decide(mesh, replace(CONNECTION, namespace="far", pod="client-0", **elsewhere))


def test_a_host_without_a_dot_is_decided_for_each_namespace(shop) -> None:
    answers = Answers(shop(CLIENTS))

    near, far = (asks(answers, client, ask(host="reviews")) for client in (SHOP, FAR))

    assert answers.decided == 2
    assert [each.outbound.virtual_host for each in (near, far)] == ["reviews.shop.svc.cluster.local:9080", "allow_any"]


@pytest.mark.parametrize(("sni", "decided"), [(None, 1), ("reviews.shop", 1), ("reviews", 2)])
def test_a_connection_is_decided_for_each_namespace_where_its_server_name_has_no_dot(shop, sni, decided) -> None:
    answers = Answers(shop(CLIENTS))

    for client in (SHOP, FAR):
        asks(answers, client, tls="tls" if sni else "plaintext", sni=sni)

    assert answers.decided == decided


def test_a_decision_that_names_the_clients_namespace_is_made_for_each_namespace(shop, resource) -> None:
    hidden = {
        "hosts": ["a.example"],
        "ports": [{"number": 9080, "name": "http", "protocol": "HTTP"}],
        "exportTo": ["."],
    }
    answers = Answers(shop(CLIENTS, resource("networking.istio.io/v1", "ServiceEntry", "other/a", hidden)))

    told = [asks(answers, client, ask(host="a.example"), address="10.9.9.9") for client in (SLEEP, SHOP, FAR)]

    assert [[n for n in ("shop", "far") if f"to namespace {n}" in str(each.steps)] for each in told] == [
        ["shop"],
        ["shop"],
        ["far"],
    ]


def test_calls_are_told_by_the_widest_class_that_they_are_alike_in(shop) -> None:
    answers = Answers(shop(CLIENTS))
    one, other = (answers.about(replace(CONNECTION, namespace=namespace, pod=pod)) for namespace, pod in (SHOP, FAR))

    assert one.told(ask(host="reviews.shop")).model is other.told(ask(host="reviews.shop")).model
    assert one.told(ask(host="reviews")).model is not other.told(ask(host="reviews")).model
    assert set(one.models) & set(other.models) == {one.told(ask(host="reviews.shop")).model}


def test_a_client_without_a_sidecar_is_told_of_by_no_model(shop) -> None:
    desk = Answers(shop()).about(replace(CONNECTION, namespace="legacy", pod="naked-0"))

    assert (desk.models, desk.told(ask()).model) == ((), None)


# Told in the words about whoever was the first of its kind.

TWIN = """
apiVersion: v1
kind: Pod
metadata: {name: sleep-1, namespace: shop, labels: {app: other}}
spec: {containers: [{name: app}, {name: istio-proxy}]}
status: {phase: Running, podIP: 10.244.1.20, podIPs: [{ip: 10.244.1.20}]}
"""


@pytest.fixture
def twins(shop):
    """The desks of two clients that the mesh cannot tell apart."""
    answers = Answers(shop(TWIN))
    return answers.about(CONNECTION), answers.about(replace(CONNECTION, pod="sleep-1"))


@pytest.mark.parametrize("request_", [None, ask(), ask("/a"), ask(host="elsewhere")])
def test_twins_are_told_one_decision_and_each_gets_it_in_words_of_its_own(twins, request_) -> None:
    told = [desk.told(request_) for desk in twins]

    assert told[0].decision is told[1].decision
    assert told[0].place == told[1].place is not None
    for desk, each in zip(twins, told, strict=True):
        assert retell(each.decision, each.place, each.own) == desk.answer(request_)
    assert told[0].model is told[1].model


def test_who_is_like_nobody_is_told_what_it_is_answered(shop) -> None:
    desk = Answers(shop()).about(replace(CONNECTION, pod="reviews-0"))

    told = desk.told(ask())

    assert (told.place, told.own) == (None, None)
    assert told.decision is desk.answer(ask())
    assert (desk.models, desk.own) == ((), None)


@pytest.mark.parametrize(("target", "quoted"), [("/a", False), ("reviews", True), ("/", False)])
def test_a_decision_quotes_what_its_sentences_show(desk, target, quoted) -> None:
    decision = replace(desk.answer(ask("/a")), steps=(Step("Host reviews is somebody's"),))

    assert quotes(decision, target) is quoted
    assert quotes(replace(decision, steps=(Step("x", lost=(Candidate("y", f"not {target}"),)),)), target)
