"""Selectors that fit nothing, and targets that are not there."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.empty_selectors import find_empty_selectors

MATCH = {"matchLabels": {"app": "gone"}}
LABELS = {"labels": {"app": "gone"}}


def selecting(make, kind: str, namespace: str = "shop"):
    name = f"{namespace}/x"
    return {
        "AuthorizationPolicy": lambda: make.policy(kind, name, selector=MATCH),
        "PeerAuthentication": lambda: make.policy(kind, name, selector=MATCH),
        "RequestAuthentication": lambda: make.policy(kind, name, selector=MATCH),
        "Sidecar": lambda: make.istio(kind, name, workloadSelector=LABELS),
        "DestinationRule": lambda: make.istio(kind, name, host="cart", workloadSelector=MATCH),
        "ServiceEntry": lambda: make.istio(kind, name, hosts=["a.com"], workloadSelector=LABELS),
    }[kind]()


KINDS = (
    "AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication", "Sidecar", "DestinationRule", "ServiceEntry",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_selector_that_fits_no_pod_has_no_effect(make, lint, kind: str):
    found = lint(find_empty_selectors, make.pod("shop/p", app="cart"), selecting(make, kind))

    assert [(each.code.name, each.resource) for each in found] == [("selector-without-pods", f"{kind} shop/x")]
    assert "no pod in shop has the labels app=gone" in found[0].sentence


@pytest.mark.parametrize("kind", KINDS)
def test_a_selector_that_fits_says_nothing(make, codes, kind: str):
    assert codes(find_empty_selectors, make.pod("shop/p", app="gone"), selecting(make, kind)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_pods_that_the_input_does_not_show_are_not_missed(make, codes, kind: str):
    assert codes(find_empty_selectors, make.pod("pay/p", app="cart"), selecting(make, kind)) == []


def test_a_policy_of_the_root_namespace_looks_at_all_pods(make, codes):
    policy = selecting(make, "AuthorizationPolicy", "istio-system")

    assert codes(find_empty_selectors, make.namespace("shop"), make.pod("shop/p", app="gone"), policy) == []
    assert len(codes(find_empty_selectors, make.namespace("shop"), make.pod("shop/p", app="cart"), policy)) == 1
    assert codes(find_empty_selectors, make.pod("shop/p", app="cart"), policy) == []


def test_a_peer_authentication_of_the_root_namespace_is_another_matter(make, codes):
    policy = selecting(make, "PeerAuthentication", "istio-system")

    assert codes(find_empty_selectors, make.namespace("shop"), make.pod("shop/p", app="cart"), policy) == []


def test_an_entry_may_select_workload_entries(make, codes):
    workload = make.istio("WorkloadEntry", "shop/w", address="10.0.0.9", labels={"app": "gone"})

    assert codes(find_empty_selectors, make.pod("shop/p"), workload, selecting(make, "ServiceEntry")) == []


@pytest.mark.parametrize("key", ["targetRefs", "targetRef"])
def test_a_target_that_is_not_there_is_named(make, lint, key: str):
    target = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge"}
    policy = make.policy("AuthorizationPolicy", "shop/x", **{key: [target] if key == "targetRefs" else target})
    gateway = make.resource("gateway.networking.k8s.io/v1", "Gateway", "shop/edge", {"gatewayClassName": "istio"})

    found = lint(find_empty_selectors, policy)

    assert [each.code.name for each in found] == ["target-missing"]
    assert found[0].yaml[0].field == f"spec.{key}"
    assert lint(find_empty_selectors, policy, gateway) == []
