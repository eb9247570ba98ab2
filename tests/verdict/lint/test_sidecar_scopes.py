"""Sidecars that hide what their own namespace configures."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.sidecar_scopes import find_sidecar_scopes

CART = "cart.shop.svc.cluster.local"


def sidecar(make, *hosts: str, name: str = "web/default", **spec):
    return make.istio("Sidecar", name, **({"egress": [{"hosts": list(hosts)}]} if hosts else {}), **spec)


def documents(make):
    return [
        make.service("shop/cart"),
        make.pod("web/p"),
        make.virtual_service("web/r", [CART], [make.rule(CART)]),
        make.istio("DestinationRule", "web/d", host=CART),
    ]


def test_what_no_pod_is_told_of_has_no_effect(make, lint):
    found = lint(find_sidecar_scopes, *documents(make), sidecar(make, "istio-system/*"))

    assert [each.code.name for each in found] == ["hidden-virtual-service", "hidden-rule"]
    assert found[0].sentence == (
        f"VirtualService web/r: Sidecar web/default does not import {CART}, so pods in web are not told of it"
    )


@pytest.mark.parametrize("hosts", [["./*", "shop/*"], ["*/*"], [f"./{CART}", f"shop/{CART}"], [f"*/{CART}"]])
def test_imports_by_any_form_are_enough(make, codes, hosts):
    assert codes(find_sidecar_scopes, *documents(make), sidecar(make, *hosts)) == []


def test_a_sidecar_without_egress_or_for_some_pods_hides_nothing_from_all(make, codes):
    some = sidecar(make, "istio-system/*", workloadSelector={"labels": {"app": "x"}})

    assert codes(find_sidecar_scopes, *documents(make), some) == []
    assert codes(find_sidecar_scopes, *documents(make), sidecar(make, ingress=[])) == []


def test_one_sidecar_of_the_namespace_that_imports_it_is_enough(make, codes):
    some = sidecar(make, "*/*", name="web/some", workloadSelector={"labels": {"app": "x"}})

    assert codes(find_sidecar_scopes, *documents(make), sidecar(make, "istio-system/*"), some) == []


def test_routes_for_the_callers_of_the_own_services_are_for_others(make, codes):
    own = make.virtual_service("web/own", ["web"], [make.rule("web")])
    private = make.virtual_service("web/private", ["web"], [make.rule("web")], exportTo=["."])
    scope = sidecar(make, "istio-system/*")

    assert codes(find_sidecar_scopes, make.service("web/web"), make.pod("web/p"), own, scope) == []
    assert codes(find_sidecar_scopes, make.service("web/web"), make.pod("web/p"), private, scope) == [
        "hidden-virtual-service"
    ]


def test_a_namespace_without_clients_hides_nothing(make, codes):
    rest = [each for each in documents(make) if each["kind"] != "Pod"]

    assert codes(find_sidecar_scopes, make.namespace("web"), make.pod("shop/p"), *rest, sidecar(make, "x/*")) == []
