"""Recorded calls asked of another mesh: what was asked holds, what a balancer chose does not."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.verdict.judge import Asked, judge_and_ask
from analyzer.verdict.question import Question
from analyzer.verdict.whatif import what_if

REGISTRY_ONLY = "\noutboundTrafficPolicy: {mode: REGISTRY_ONLY}\n"
SLEEP = "10.244.1.10"


def moved(talks, old, new):
    spoken = [(talk.wire, talk.conversation) for talk in talks]
    return what_if(judge_and_ask(spoken, old, {}), old, new)


def ends(result):
    return [(move.before.verdict, move.after.verdict) for move in result.moves]


@pytest.fixture
def asked(record, app):
    """A function that gives a call with a question of one's own."""

    def tell(**question) -> Asked:
        values = {"namespace": "shop", "pod": "sleep-0", "address": "10.96.0.11", "port": 9080, "host": "reviews"}
        return Asked(record(), app().ask("/", "reviews").call(), Question(**{**values, **question}))

    return tell


@pytest.fixture
def call(app):
    """An application's request to reviews."""
    return app().ask("/", "reviews")


def test_the_same_mesh_moves_nothing(shop, call) -> None:
    result = moved([call], shop(), shop())

    assert (result.moves, result.calls, result.undecided) == ((), 1, 0)


def test_a_call_that_the_new_mesh_drops_moves_by_the_line_that_drops_it(shop, app) -> None:
    outside = app(server="203.0.113.9:80").ask("/", "www.example.com")

    result = moved([outside], shop(), shop(REGISTRY_ONLY))

    assert ends(result) == [("passthrough", "dropped")]
    assert [place.field for place in result.moves[0].yaml] == ["outboundTrafficPolicy.mode"]


def test_another_reason_for_the_same_end_is_no_move(shop, asked) -> None:
    loop = asked(address=SLEEP, port=80)
    rule = "\napiVersion: v1\nkind: Namespace\nmetadata: {name: other}\n"

    assert what_if([loop], shop(), shop(rule)).moves == ()


def test_a_call_without_a_question_stays_undecided(shop, record, app) -> None:
    lacking = Asked(record(), app().call(), None)

    result = what_if(
        [replace(lacking, record=replace(lacking.record, decision=_unknown()))], shop(), shop(REGISTRY_ONLY)
    )

    assert (result.moves, result.undecided) == ((), 1)


def test_the_pod_that_the_balancer_chose_does_not_bind(shop, pod_text, service_text, asked) -> None:
    """Of two pods one loses its sidecar: whoever took the recorded call, the answer is that of the Service."""
    pods = [pod_text(f"shop/web-{n}", f"10.244.5.{n}", labels="app: web") for n in (1, 2)]
    service = service_text("shop/web", "10.96.0.50", selector="app: web", endpoints=("10.244.5.1", "10.244.5.2"))
    bare = pod_text("shop/web-2", "10.244.5.2", labels="app: web", sidecar=False)
    question = asked(address="10.96.0.50", host="web", endpoint=("10.244.5.2", 9080))
    unbound = asked(address="10.96.0.50", host="web")

    both = [what_if([each], shop(*pods, service), shop(pods[0], bare, service)) for each in (question, unbound)]

    assert [ends(result) for result in both] == [ends(both[0])] * 2


def test_a_client_without_a_sidecar_gets_one(shop, pod_text, asked) -> None:
    naked = asked(namespace="legacy", pod="naked-0", address="203.0.113.9", port=80, host="www.example.com")
    injected = shop(pod_text("legacy/naked-0", "10.244.2.9"), REGISTRY_ONLY)

    assert ends(what_if([naked], shop(), injected)) == [("passthrough", "dropped")]


def test_a_port_that_iptables_left_out_is_taken_in(shop, pod_text, asked) -> None:
    """The recorded mesh explains why the call went past the sidecar, so the new one decides."""
    past = asked(address="203.0.113.9", port=5432, protocol="tcp", host=None, bypass=True)
    taken = shop(pod_text("shop/sleep-0", SLEEP), REGISTRY_ONLY)

    assert ends(what_if([past], shop(), taken)) == [("passthrough", "dropped")]


def test_a_call_past_the_sidecar_that_no_annotation_explains_stays_past_it(shop, asked) -> None:
    past = asked(address="203.0.113.9", port=80, bypass=True)

    assert what_if([past], shop(), shop(REGISTRY_ONLY)).moves == ()


def test_a_pod_that_was_made_anew_stands_for_the_one_that_is_gone(shop, pod_text, asked) -> None:
    old = shop(pod_text("shop/web-abc", "10.244.7.1", labels="app: w, pod-template-hash: abc"))
    new = shop(pod_text("shop/web-xyz", "10.244.7.2", labels="app: w, pod-template-hash: xyz"), REGISTRY_ONLY)
    outside = asked(pod="web-abc", address="203.0.113.9", port=80, host="www.example.com")

    assert ends(what_if([outside], old, new)) == [("passthrough", "dropped")]


def test_a_pod_that_is_gone_leaves_its_calls_undetermined(shop, pod_text, asked) -> None:
    old = shop(pod_text("shop/web-abc", "10.244.7.1", labels="app: w"))

    (move,) = what_if([asked(pod="web-abc")], old, shop()).moves

    assert (move.before.verdict, move.after.verdict, move.after.undetermined) == (
        "service-matched",
        None,
        ("pod-unknown",),
    )
    assert move.yaml


def test_an_arrival_is_asked_of_the_pod_that_stands_there_now(shop, pod_text, asked) -> None:
    old = shop(pod_text("shop/web-abc", "10.244.7.1", labels="app: w"))
    new = shop(pod_text("shop/web-xyz", "10.244.7.2", labels="app: w"))
    arrival = asked(pod="web-abc", direction="inbound", address="10.244.7.1", port=80)

    assert what_if([arrival], old, new).moves == ()


def test_a_gateway_that_is_none_any_more_is_asked_as_a_pod(shop, pod_text, asked) -> None:
    arrival = asked(namespace="edge", pod="gateway-0", direction="gateway", address="10.244.3.5", port=8080)

    result = what_if([arrival], shop(), shop(pod_text("edge/gateway-0", "10.244.3.5")))

    assert [move.after.gateway for move in result.moves] == [None]


def test_mutual_tls_between_sidecars_is_asked_again_too(shop, upstream, alpn, strict_yaml) -> None:
    sealed = upstream().hello("outbound_.9080_._.reviews.shop.svc.cluster.local", alpn["http"])
    gone = shop("\napiVersion: v1\nkind: Service\nmetadata: {name: reviews, namespace: shop}\nspec: {ports: []}\n")

    assert moved([sealed], shop(), shop(strict_yaml)).moves == ()
    assert moved([sealed], shop(), gone).calls == 1


def _unknown():
    from analyzer.verdict.decision import Decision

    return Decision(None, None, ("midstream",))
