"""Calls to one of several pods that would treat them differently."""

from __future__ import annotations

import pytest

from analyzer.verdict.judge import judge
from analyzer.verdict.wires import gather_wires

SNI = "outbound_.9080_._.ratings.shop.svc.cluster.local"
DENY_OLD = {"selector": {"matchLabels": {"version": "v2"}}, "action": "DENY", "rules": [{}]}


@pytest.fixture
def unlike(shop, pod_text, service_text, security):
    """A mesh with a Service ratings, of whose two pods one refuses everything."""
    return shop(
        pod_text("shop/reviews-1", "10.244.1.12", labels="app: reviews, version: v2"),
        service_text("shop/ratings", "10.96.0.12", endpoints=("10.244.1.11", "10.244.1.12"), selector="app: reviews"),
        security("AuthorizationPolicy", DENY_OLD),
    )


@pytest.mark.parametrize(("beside", "expected"), [(False, ("service-matched", ())), (True, (None, ("balanced",)))])
def test_a_leg_that_may_be_another_calls_does_not_say_which_of_unlike_pods_was_chosen(
    app, upstream, unlike, alpn, beside, expected
) -> None:
    mine = (
        app(server="10.96.0.12:9080")
        .ask("/a", "ratings:9080", at=5)
        .answer(at=19, server="envoy", x_envoy_upstream_service_time=3)
    )
    other = app("10.244.1.10:7", "203.0.113.9:80").ask("/b", "x.example.com", at=6).answer(at=18)
    leg = upstream(server="10.244.1.11:9080", at=6).hello(SNI, alpn["http"], at=6)

    talks = {(told.client, told.seq): told for told in (mine, leg, *([other] if beside else []))}
    wires = gather_wires(told.sighting for told in talks.values())

    call = judge([(w, talks[w.client, w.connection.syn_seq].conversation) for w in wires], unlike, {})[0]

    assert call.path == "/a"
    assert [each.certain for each in call.legs[1:]] == [not beside]
    assert (call.decision.verdict, call.decision.undetermined) == expected
