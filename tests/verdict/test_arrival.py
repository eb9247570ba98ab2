"""What arrives at a pod."""

from __future__ import annotations

from analyzer.verdict.arrival import Arrival, InboundDecision


def test_an_arrival_is_a_plain_get_unless_it_says_otherwise(town) -> None:
    arrival = Arrival(town.pod("shop/web-0").mesh().pods[0], "10.1.0.1", 80)
    assert (arrival.tls, arrival.protocol, arrival.method, arrival.path) == ("plaintext", "http", "GET", "/")
    assert not arrival.sealed


def test_a_decision_drops_nothing_unless_it_says_so() -> None:
    assert InboundDecision(None) == InboundDecision(None, False, None, None, (), ())
