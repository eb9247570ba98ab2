"""One call's explanation cites packets and YAML for every step, and says what is missing."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from analyzer.base.fact import replace
from analyzer.report.as_chain import render_chain
from analyzer.verdict.decision import Decision, Inbound, LocalResponse
from analyzer.verdict.record import Observed


def section(text, title):
    return text.split(f"\n{title}\n", 1)[1].split("\n\n", 1)[0]


def test_the_first_line_is_the_verdict_and_its_reason(shop):
    assert render_chain(shop.calls[4]).splitlines()[0] == "call 00000005  dropped  no-route"


def test_steps_are_numbered_with_their_packets_yaml_and_losers(shop):
    chain = section(render_chain(shop.calls[4]), "CHAIN")
    assert "   3  No route matches /v3/stars: Envoy answers 404 itself." in chain
    assert "      shop_web-0.any.pcap packets 56–58, 61" in chain
    assert "      mesh/routes.yaml:52" in chain
    assert "      not  v1  the header x-beta is missing  mesh/routes.yaml:52" in chain


def test_the_decision_is_told_in_envoys_words(shop):
    decision = section(render_chain(shop.calls[0]), "DECISION")
    assert "cluster       outbound|9080||reviews.shop.svc.cluster.local" in decision
    assert "mutual TLS    yes" in decision


def test_the_ladder_shows_legs_and_where_the_call_was_dropped(shop):
    legs = section(render_chain(shop.calls[4]), "LEGS")
    assert legs.splitlines() == [
        "  ● application  shop/web-0",
        "  │ app-to-sidecar",
        "  │   10.244.1.9:40005 → 10.96.0.11:9080",
        "  │   shop_web-0.any.pcap packets 51–59",
        "  ✗ sidecar  shop/web-0  answers 404 (NR)",
    ]


def test_a_drop_without_an_answer_is_marked_too(shop):
    call = shop.calls[0]
    dropped = replace(call, decision=replace(call.decision, verdict="dropped"))
    assert "✗ sidecar  shop/reviews-0  dropped here" in render_chain(dropped)


def test_an_uncertain_leg_and_an_unseen_one_are_told_apart(shop):
    text = render_chain(shop.calls[8])
    assert "┊ sidecar-to-app" in text
    assert "╎ sidecar-to-upstream: in none of these captures" in text


def test_a_disagreement_is_said_with_its_reason(shop):
    observed = section(render_chain(shop.calls[3]), "OBSERVED")
    assert observed.split("\n  ")[1:] == [
        "disagrees with the decision",
        "predicted an answer of reviews, saw a reset\n",
    ]


def test_what_would_settle_it_is_said_where_the_code_is_known(shop, codes):
    text = render_chain(shop.calls[10], codes=codes)
    assert "Capture with `-i any` inside the client's pod: its leg on lo is in the clear." in text
    assert "see `meshverdict codes encrypted`" in render_chain(shop.calls[10])


def test_a_known_reason_is_explained(shop, codes):
    assert "none of its routes takes this path" in render_chain(shop.calls[4], codes=codes)


def test_a_call_without_any_decision_still_has_its_facts(bare):
    text = render_chain(bare.calls[0])
    assert "call 00000001  undetermined  no-mesh" in text
    assert "CHAIN" not in text
    assert "DECISION" not in text


def test_an_inbound_that_no_chain_takes_says_so(shop):
    decision = Decision("dropped", "mtls-required", inbound=Inbound("shop/a", response=LocalResponse(None, "NR")))
    text = render_chain(replace(shop.calls[0], decision=decision, sni="x", alpn=("istio",), request=3))
    assert "filter chain  none takes it" in text
    assert "closes the connection (NR)" in text
    assert "request 3 on its connection" in text


def test_a_secret_is_shown_only_to_who_asks(shop):
    assert "CANARY" not in render_chain(shop.calls[5])
    assert "CANARY" in render_chain(shop.calls[5], redact=False)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_every_line_fits_and_nothing_hostile_gets_out(hostile, shop, width):
    for call in (*hostile.calls, *shop.calls):
        text = render_chain(call, width=width)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028\ud800-\udfff]", text)
        assert max(cell_len(line) for line in text.splitlines()) <= width


def test_an_outcome_that_is_open_leaves_agreement_open(shop):
    text = render_chain(replace(shop.calls[0], observed=Observed()))
    assert "the packets cannot tell" in text
