"""STRICT policies beside pods without a sidecar."""

from __future__ import annotations

from analyzer.verdict.lint.strict_mtls import find_strict_mtls


def strict(make, name: str = "istio-system/default", **labels: str):
    selector = {"selector": {"matchLabels": labels}} if labels else {}
    return make.policy("PeerAuthentication", name, mtls={"mode": "STRICT"}, **selector)


def test_clients_without_a_sidecar_are_named_near_ones_first(make, lint):
    pods = make.pod("legacy/a", sidecar=False), make.pod("shop/b", sidecar=False), make.pod("shop/c")

    found = lint(find_strict_mtls, *pods, strict(make, "shop/default"))

    assert [each.code.name for each in found] == ["strict-without-sidecars"]
    assert found[0].sentence == (
        "PeerAuthentication shop/default: 1 pod requires mutual TLS, "
        "which shop/b and legacy/a cannot speak without a sidecar"
    )


def test_a_selected_pod_without_a_sidecar_is_not_covered(make, lint):
    found = lint(find_strict_mtls, make.pod("shop/p", sidecar=False, app="x"), strict(make, "shop/s", app="x"))

    assert [each.code.name for each in found] == ["strict-not-enforced"]
    assert "shop/p has no sidecar, so plaintext is accepted there" in found[0].sentence


def test_where_everybody_has_a_sidecar_there_is_nothing_to_say(make, codes):
    assert codes(find_strict_mtls, make.pod("shop/p"), make.pod("edge/g", router=True), strict(make)) == []


def test_system_namespaces_do_not_count_as_clients(make, codes):
    pods = make.pod("kube-system/dns", sidecar=False), make.pod("istio-system/istiod", sidecar=False)

    assert codes(find_strict_mtls, *pods, make.pod("shop/p"), strict(make)) == []


def test_a_policy_that_is_overruled_everywhere_requires_nothing(make, codes):
    permissive = make.policy("PeerAuthentication", "shop/p", mtls={"mode": "PERMISSIVE"})

    assert codes(find_strict_mtls, make.pod("shop/p"), make.pod("x/p", sidecar=False), strict(make), permissive) == []
