"""Hosts of VirtualServices that are no service are found; those of gateways and of half inputs are left alone."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.unmatched_hosts import find_unmatched_hosts

RULE = [{"route": [{"destination": {"host": "cart"}}]}]


@pytest.mark.parametrize("host", ["cart.shop", "cart.shop.svc", "Cart.Shop"])
def test_a_short_form_with_a_dot_is_not_the_service(make, lint, host: str):
    found = lint(find_unmatched_hosts, make.service("shop/cart"), make.virtual_service("shop/r", [host], RULE))

    assert [each.code.name for each in found] == ["short-host"]
    assert "is not the Service cart.shop.svc.cluster.local" in found[0].sentence
    assert found[0].yaml[0].field == "spec.hosts[0]"


def test_a_name_without_a_service_in_the_namespace_is_unmatched(make, codes):
    vs = make.virtual_service("pay/r", ["cart"], RULE)

    assert codes(find_unmatched_hosts, make.service("shop/cart"), make.service("pay/pay"), vs) == ["unmatched-host"]


def test_a_namespace_that_is_not_in_the_input_is_not_judged(make, codes):
    assert codes(find_unmatched_hosts, make.service("shop/cart"), make.virtual_service("pay/r", ["cart"], RULE)) == []


def test_a_host_outside_the_mesh_without_an_entry_counts_on_port_80_only(make, lint):
    service = make.service("shop/cart")
    found = lint(
        find_unmatched_hosts,
        service,
        make.virtual_service("shop/a", ["api.com"], RULE),
        make.virtual_service("shop/b", ["*.com"], tcp=RULE),
    )

    assert [each.code.name for each in found] == ["unregistered-host"] * 2
    assert ["only count on port 80" in each.sentence for each in found] == [True, False]


@pytest.mark.parametrize(
    "hosts", [["cart"], ["cart.shop.svc.cluster.local"], ["*.shop.svc.cluster.local"], ["10.0.0.1"]]
)
def test_hosts_of_services_are_fine(make, codes, hosts: list[str]):
    assert codes(find_unmatched_hosts, make.service("shop/cart"), make.virtual_service("shop/r", hosts, RULE)) == []


def test_hosts_of_gateways_are_not_asked_of_the_registry(make, codes):
    vs = make.virtual_service("shop/r", ["shop.example.com"], RULE, gateways=["edge/public"])
    both = make.virtual_service("shop/s", ["shop.example.com"], RULE, gateways=["edge/public", "mesh"])

    assert codes(find_unmatched_hosts, make.service("shop/cart"), vs, both) == []
