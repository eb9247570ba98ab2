"""exportTo: who sees what, in which order."""

from __future__ import annotations

import pytest

from analyzer.mesh.registry import services_of
from analyzer.mesh.visibility import (
    exports,
    is_visible,
    ranked_virtual_services,
    service_exports,
    services_visible_to,
    virtual_services,
    virtual_services_for_gateway,
)

EXPORT = "networking.istio.io/exportTo"


@pytest.mark.parametrize(
    ("declared", "default", "seen"),
    [((), (), {"*"}), ((".",), (), {"shop"}), ((), (".",), {"shop"}), (("pay", "~"), (), {"pay", "~"})],
)
def test_a_dot_stands_for_the_own_namespace(declared, default, seen) -> None:
    assert exports(declared, default, "shop") == seen


def test_public_things_are_seen_from_everywhere() -> None:
    assert is_visible(frozenset({"*"}), "pay")
    assert not is_visible(frozenset({"shop"}), "pay")


def test_services_that_are_exported_by_name_come_before_public_ones(town) -> None:
    town.service("a/public", "10.9.0.1").service("b/private", "10.9.0.2", annotations={EXPORT: "."})
    town.service("b/lent", "10.9.0.3", annotations={EXPORT: "a,c"}).service(
        "b/hidden", "10.9.0.4", annotations={EXPORT: "~"}
    )
    mesh = town.mesh()
    assert [each.resource.name for each in services_visible_to(mesh, "a")] == ["lent", "public"]
    assert [each.resource.name for each in services_visible_to(mesh, "b")] == ["private", "public"]


def test_the_mesh_may_make_services_private_by_default(town) -> None:
    mesh = town.settings(defaultServiceExportTo=["."]).service("a/web", "10.9.0.1").mesh()
    assert service_exports(mesh, services_of(mesh)[0]) == {"a"}


@pytest.mark.parametrize(
    ("narrowing", "seen"),
    [
        ({}, {"*"}),
        ({"defaultVisibility": "NONE"}, {"*"}),
        ({"applyToSidecars": True, "defaultVisibility": "NONE"}, {"~"}),
        ({"applyToSidecars": True, "defaultVisibility": "NAMESPACE"}, {"a"}),
        ({"applyToSidecars": True, "defaultVisibility": "NONE", "policies": [{"visibility": "PUBLIC"}]}, {"*"}),
        (
            {
                "applyToSidecars": True,
                "defaultVisibility": "PUBLIC",
                "policies": [
                    {"visibility": "NONE", "matchingRules": [{"hostnameSuffix": "com"}]},
                    {
                        "visibility": "NAMESPACE",
                        "matchingRules": [{"namespaceSelector": {"matchLabels": {"team": "blue"}}}],
                    },
                ],
            },
            {"a"},
        ),
    ],
)
def test_the_mesh_may_narrow_who_sees_service_entries(town, narrowing, seen) -> None:
    town.settings(serviceEntryVisibility=narrowing).namespace("a", team="blue").entry(
        "a/e", ["x.com"], ["http:80:HTTP"]
    )
    mesh = town.mesh()
    assert service_exports(mesh, services_of(mesh)[0]) == seen


def test_services_of_kubernetes_are_not_narrowed_with_the_entries(town) -> None:
    town.settings(serviceEntryVisibility={"applyToSidecars": True, "defaultVisibility": "NONE"})
    mesh = town.service("a/web", "10.9.0.1").mesh()
    assert service_exports(mesh, services_of(mesh)[0]) == {"*"}


def vs(town, name, created, hosts=("x.com",), **spec):
    return town.rule("VirtualService", name, created=f"2026-01-0{created}T00:00:00Z", hosts=list(hosts), **spec)


def test_virtual_services_are_ranked_private_then_lent_then_public(town) -> None:
    vs(town, "a/public", 1)
    vs(town, "b/lent", 2, exportTo=["a"])
    vs(town, "a/private", 3, exportTo=["."])
    vs(town, "b/hidden", 4, exportTo=["~"])
    vs(town, "a/gateway", 5, gateways=["gw"])
    ranked = ranked_virtual_services(town.mesh(), "a", "mesh")
    assert [[each.name for each in group] for group in ranked] == [["private"], ["lent"], ["public"]]
    assert [each.name for each in virtual_services_for_gateway(town.mesh(), "a", "a/gw")] == ["gateway"]


def test_virtual_services_are_ordered_by_age(town) -> None:
    vs(town, "a/young", 2)
    vs(town, "b/old", 1)
    assert [each.name for each in virtual_services(town.mesh())] == ["old", "young"]


def test_a_delegate_is_merged_where_the_root_sees_it(town) -> None:
    vs(
        town,
        "a/root",
        1,
        http=[{"delegate": {"name": "d", "namespace": "b"}}, {"delegate": {"name": "hidden", "namespace": "b"}}],
    )
    vs(town, "b/d", 1, hosts=(), http=[{"name": "seen"}])
    vs(town, "b/hidden", 1, hosts=(), http=[{"name": "unseen"}], exportTo=["."])
    (root,) = virtual_services(town.mesh())
    assert [rule.name for rule in root.http] == ["seen"]
