"""Rivals of unknown age."""

from __future__ import annotations

import pytest


def messages(town) -> list[str]:
    return [oddity.message for oddity in town.mesh().oddities]


def test_two_virtual_services_for_one_host_need_their_ages(town) -> None:
    town.rule("VirtualService", "shop/b", hosts=["web.com", "other.com"], http=[])
    town.rule("VirtualService", "shop/a", hosts=["WEB.com", "other.com"], http=[])
    assert messages(town) == [
        "VirtualService shop/b and shop/a both stand for host web.com on mesh, and shop/a has no creationTimestamp"
    ]


def test_dated_rivals_are_no_oddity(town) -> None:
    for name, created in (("shop/a", "2026-01-01T00:00:00Z"), ("shop/b", "2026-01-02T00:00:00Z")):
        town.rule("VirtualService", name, created=created, hosts=["web.com"])
    assert messages(town) == []


def test_one_undated_rival_is_enough(town) -> None:
    town.rule("Sidecar", "shop/a", created="2026-01-01T00:00:00Z").rule("Sidecar", "shop/b")
    assert [each.endswith("shop/b has no creationTimestamp") for each in messages(town)] == [True]


@pytest.mark.parametrize(
    ("kind", "one", "two"),
    [
        ("DestinationRule", {"host": "a"}, {"host": "b"}),
        ("VirtualService", {"hosts": ["a.com"]}, {"hosts": ["a.com"], "gateways": ["shop/g"]}),
        ("Sidecar", {}, {"workloadSelector": {"labels": {"app": "a"}}}),
    ],
)
def test_objects_for_different_things_are_no_rivals(town, kind, one, two) -> None:
    assert messages(town.rule(kind, "shop/a", **one).rule(kind, "shop/b", **two)) == []


def test_entries_without_address_are_rivals_for_a_tcp_port(town) -> None:
    town.entry("shop/a", ["a.com"], ["t:5432:TCP", "h:80:HTTP"]).entry("shop/b", ["b.com"], ["t:5432:TCP", "h:80:HTTP"])
    town.entry("shop/c", ["c.com"], ["t:5432:TCP"], addresses=["192.0.2.1"])
    assert [each.partition(",")[0] for each in messages(town)] == [
        "ServiceEntry shop/b and shop/a both stand for every address at TCP port 5432"
    ]
