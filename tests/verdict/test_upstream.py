"""What an Envoy sends on."""

from __future__ import annotations

from analyzer.verdict.decision import Outbound
from analyzer.verdict.upstream import SPIFFE, OutboundDecision, Target


def test_a_decision_that_ends_has_no_targets() -> None:
    assert OutboundDecision(Outbound(), None, None).targets == ()


def test_a_target_is_not_originated_unless_the_proxy_starts_tls() -> None:
    assert not Target("10.0.0.1", 80, "tls", "tcp").originated


def test_identities_are_spiffe_names() -> None:
    assert SPIFFE.format("cluster.local", "shop", "web") == "spiffe://cluster.local/ns/shop/sa/web"
