"""ExternalNames that name no service."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.external_names import find_external_names


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("cart.shop.svc.cluster.local", []),
        ("cart.shop.svc.cluster.local.", ["external-name-unknown"]),
        ("cart.shop", ["external-name-unknown"]),
        ("ghost.shop.svc.cluster.local", ["external-name-unknown"]),
        ("ghost.elsewhere.svc.cluster.local", []),
        ("db.example.com", ["external-name-outside"]),
        ("api.example.org", []),
    ],
)
def test_only_an_exact_name_leads_to_a_service(make, codes, target: str, expected: list[str]):
    entry = make.istio("ServiceEntry", "shop/e", hosts=["api.example.org"], ports=[{"number": 80, "name": "h"}])

    assert (
        codes(find_external_names, make.service("shop/cart"), entry, make.external_name("shop/a", target)) == expected
    )


def test_a_circle_is_an_error(make, codes):
    a = make.external_name("shop/a", "b.shop.svc.cluster.local")
    b = make.external_name("shop/b", "a.shop.svc.cluster.local")
    itself = make.external_name("pay/c", "c.pay.svc.cluster.local")

    assert codes(find_external_names, a, b, itself) == ["external-name-loop"] * 3


def test_a_chain_that_ends_is_fine(make, codes):
    a = make.external_name("shop/a", "b.shop.svc.cluster.local")
    b = make.external_name("shop/b", "cart.shop.svc.cluster.local")

    assert codes(find_external_names, a, b, make.service("shop/cart")) == []
