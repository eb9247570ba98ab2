"""Snapshots: views by kind, indexes, and what istiod sees."""

from __future__ import annotations

import pytest

from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.kinds.service import Service


def test_views_are_given_by_kind_in_the_order_of_the_input(town) -> None:
    mesh = town.service("b/two", "10.9.0.2").service("a/one", "10.9.0.1").mesh()
    assert [each.name for each in mesh.of(Service)] == ["two", "one"]
    assert mesh.kinds == (("Service", 2),)


def test_the_same_input_without_what_was_derived_derives_it_anew(town) -> None:
    mesh = town.service("b/two", "10.9.0.2").mesh()
    mesh.memo("asked", lambda: "derived")

    fresh = mesh.underived()

    assert fresh.resources is mesh.resources
    assert fresh.memo("asked", lambda: "anew") == "anew"
    assert mesh.memo("asked", lambda: "anew") == "derived"


def test_namespaces_outside_the_discovery_selectors_are_not_seen(town) -> None:
    town.settings(discoverySelectors=[{"matchLabels": {"mesh": "in"}}])
    town.namespace("in", mesh="in").namespace("out")
    mesh = town.service("in/a", "10.9.0.1").service("out/b", "10.9.0.2").pod("out/b-0").mesh()
    assert [each.name for each in mesh.of(Service)] == ["a"]
    assert [each.name for each in mesh.of(Pod)] == ["b-0"]
    assert mesh.sees("istio-system")
    assert not mesh.sees("unknown")


def test_kubernetes_has_what_istiod_does_not_watch(town) -> None:
    town.settings(discoverySelectors=[{"matchLabels": {"mesh": "in"}}]).namespace("in", mesh="in").namespace("out")
    mesh = town.service("in/a", "10.9.0.1").service("out/b", "10.9.0.2").mesh()

    assert [each.name for each in mesh.kubernetes.of(Service)] == ["a", "b"]
    assert mesh.kubernetes is mesh.kubernetes


def test_without_discovery_selectors_istiod_watches_all_that_kubernetes_has(town) -> None:
    mesh = town.service("in/a", "10.9.0.1").mesh()

    assert mesh.kubernetes is mesh
    assert mesh.unlabelled == ()


BY_NAME = {"matchLabels": {"kubernetes.io/metadata.name": "in"}}
BY_LABEL = {"matchExpressions": [{"key": "mesh", "operator": "NotIn", "values": ["out"]}]}


@pytest.mark.parametrize(
    ("selectors", "unlabelled"),
    [([BY_NAME], ()), ([BY_LABEL], ("in", "other")), ([BY_LABEL, BY_NAME], ("other",)), ([], ())],
)
def test_a_namespace_that_the_input_lacks_is_known_by_its_name_alone(town, selectors, unlabelled) -> None:
    town.settings(discoverySelectors=selectors).namespace("shop")
    town.service("in/a", "10.9.0.1").service("other/b", "10.9.0.2").service("istio-system/c", "10.9.0.3")

    assert town.service("shop/d", "10.9.0.4").mesh().unlabelled == unlabelled


def test_a_namespace_without_a_resource_has_its_name_as_label(town) -> None:
    mesh = town.namespace("shop", team="web").mesh()
    assert mesh.namespace_labels("shop") == {"team": "web"}
    assert mesh.namespace_labels("pay") == {"kubernetes.io/metadata.name": "pay"}


def test_pods_are_found_by_name_and_address(town) -> None:
    mesh = town.pod("shop/web-0", "10.1.0.2").mesh()
    assert mesh.pod("shop", "web-0") is mesh.pod_at("10.1.0.2") is mesh.pods[0]
    assert mesh.pod("shop", "web-1") is None
    assert mesh.pod_at("10.1.0.9") is None


def test_pods_on_the_hosts_network_and_finished_ones_own_no_address(town) -> None:
    town.pod("shop/node-0", "10.1.0.2").documents[-1]["spec"]["hostNetwork"] = True
    town.pod("shop/done-0", "10.1.0.3").documents[-1]["status"]["phase"] = "Succeeded"
    mesh = town.mesh()
    assert mesh.pod_at("10.1.0.2") is None
    assert mesh.pod_at("10.1.0.3") is None
    assert mesh.host_pod_at("10.1.0.2") is mesh.pod("shop", "node-0")
    assert mesh.host_pod_at("10.1.0.3") is None


def test_what_was_derived_is_made_once(town) -> None:
    mesh = town.mesh()
    made = [mesh.memo("key", object) for _ in range(2)]
    assert made[0] is made[1]
