"""Of several VirtualServices for one host a sidecar follows the first; sharing by port or client is no clash."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.virtual_service_conflicts import find_virtual_service_conflicts

HOST = "cart.shop.svc.cluster.local"


def vs(make, name: str, *matches, created: int = 1, **spec):
    return make.virtual_service(name, [HOST], [make.rule(HOST, *matches)], created=created, **spec)


def test_the_oldest_has_the_host(make, lint):
    found = lint(find_virtual_service_conflicts, vs(make, "a/young", created=2), vs(make, "b/old"), make.pod("c/p"))

    assert [(each.code.name, each.resource) for each in found] == [
        ("virtual-service-conflict", "VirtualService a/young")
    ]
    assert found[0].sentence == (
        f"VirtualService a/young: its routes for {HOST} are ignored: VirtualService b/old is older and has the host"
    )


def test_short_names_are_compared_by_what_they_mean(make, codes):
    short = make.virtual_service("shop/s", ["cart"], [make.rule("cart")])

    assert codes(find_virtual_service_conflicts, vs(make, "a/r"), short) == ["virtual-service-conflict"]


def test_a_private_one_comes_first_in_its_namespace_only(make, lint):
    documents = vs(make, "a/private", created=2, exportTo=["."]), vs(make, "b/public")
    found = lint(find_virtual_service_conflicts, *documents, make.pod("a/p"), make.pod("c/p"))

    assert [each.resource for each in found] == ["VirtualService b/public"]
    assert "are ignored for clients in a: VirtualService a/private comes first by its narrower" in found[0].sentence


def test_who_never_sees_both_has_no_conflict(make, codes):
    documents = vs(make, "a/x", exportTo=["."]), vs(make, "b/y", exportTo=["."])

    assert codes(find_virtual_service_conflicts, *documents, make.pod("a/p"), make.pod("b/p")) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"port": 80}, {"port": 81}),
        ({"sourceNamespace": "a"}, {"sourceNamespace": "b"}),
        ({"sourceLabels": {"app": "x"}}, {"sourceLabels": {"app": "y"}}),
        ({"gateways": ["a/g"]}, {}),
    ],
)
def test_those_that_share_by_port_or_client_do_not_clash(make, codes, one, other):
    assert codes(find_virtual_service_conflicts, vs(make, "a/x", one), vs(make, "b/y", other, created=2)) == []


def test_overlapping_conditions_clash(make, codes):
    one, other = {"sourceLabels": {"app": "x"}}, {"sourceLabels": {"version": "1"}}

    assert len(codes(find_virtual_service_conflicts, vs(make, "a/x", one), vs(make, "b/y", other, created=2))) == 1


def test_gateways_merge_and_opaque_rules_do_not_count(make, codes):
    documents = (
        vs(make, "a/x", gateways=["a/g"]),
        vs(make, "b/y", gateways=["a/g"]),
        make.virtual_service("c/z", [HOST], tcp=[make.rule(HOST)]),
    )

    assert codes(find_virtual_service_conflicts, *documents) == []
