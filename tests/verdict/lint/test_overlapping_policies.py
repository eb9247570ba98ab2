"""Of several policies of one level only the oldest counts."""

from __future__ import annotations

from analyzer.verdict.lint.overlapping_policies import find_overlapping_policies

EGRESS = [{"hosts": ["./*"]}]


def strict(make, name: str, *, created: int = 1, mode: str = "STRICT", **labels: str):
    selector = {"selector": {"matchLabels": labels}} if labels else {}
    return make.policy("PeerAuthentication", name, created=created, mtls={"mode": mode}, **selector)


def sidecar(make, name: str, *, created: int = 1, **labels: str):
    selector = {"workloadSelector": {"labels": labels}} if labels else {}
    return make.istio("Sidecar", name, created=created, egress=EGRESS, **selector)


def test_the_younger_sidecar_of_a_namespace_does_not_count(make, lint):
    found = lint(find_overlapping_policies, sidecar(make, "shop/b", created=2), sidecar(make, "shop/a"))

    assert [(each.code.name, each.resource) for each in found] == [("sidecar-conflict", "Sidecar shop/b")]
    assert "it does not count for namespace shop: Sidecar shop/a is older" in found[0].sentence


def test_selectors_that_share_a_pod_conflict(make, lint):
    pod = make.pod("shop/p", app="cart", version="v1")

    found = lint(
        find_overlapping_policies, pod, sidecar(make, "shop/a", app="cart"), sidecar(make, "shop/b", version="v1")
    )

    assert [each.resource for each in found] == ["Sidecar shop/b"]
    assert "for pod shop/p" in found[0].sentence


def test_one_for_all_and_one_for_some_do_not_conflict(make, codes):
    pod = make.pod("shop/p", app="cart")

    assert codes(find_overlapping_policies, pod, sidecar(make, "shop/a"), sidecar(make, "shop/b", app="cart")) == []
    assert codes(find_overlapping_policies, sidecar(make, "shop/a"), sidecar(make, "pay/a")) == []
    assert codes(find_overlapping_policies, sidecar(make, "shop/a", app="a"), sidecar(make, "shop/b", app="a")) == []


def test_peer_authentications_conflict_by_level(make, codes):
    pod = make.pod("shop/p", app="cart")
    levels = strict(make, "istio-system/m"), strict(make, "shop/n"), strict(make, "shop/w", app="cart")

    assert codes(find_overlapping_policies, pod, *levels) == []
    twice = strict(make, "shop/n2", created=2), strict(make, "shop/w2", created=2, app="cart")
    assert codes(find_overlapping_policies, pod, *levels, *twice) == ["peer-authentication-conflict"] * 2


def test_a_policy_that_sets_nothing_overrules_nothing(make, codes):
    assert codes(find_overlapping_policies, strict(make, "shop/a", mode="UNSET"), strict(make, "shop/b")) == []


def test_a_selector_in_the_root_namespace_counts_for_nobody(make, codes):
    assert codes(find_overlapping_policies, strict(make, "istio-system/a", app="x")) == ["peer-authentication-ignored"]
