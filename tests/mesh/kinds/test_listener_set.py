"""ListenerSets."""

from __future__ import annotations

import pytest

from analyzer.mesh.kinds.listener_set import ListenerSet

API = "gateway.networking.k8s.io/v1"
LISTENERS = [{"name": "a", "protocol": "HTTP"}, {"name": "b", "protocol": "TCP", "port": 9000}]


def read(world, **parent) -> ListenerSet:
    spec = {"parentRef": {"name": "gw", **parent}, "listeners": LISTENERS}
    return world.add("ListenerSet", "more", spec, api=API).mesh().of(ListenerSet)[0]


def test_a_listener_set_adds_to_a_gateway_of_its_namespace_unless_it_says_otherwise(world) -> None:
    found = read(world)
    assert found.parent == ("shop", "gw")
    assert [(each.name, each.port) for each in found.listeners] == [("a", 80), ("b", 9000)]


def test_the_gateway_may_live_elsewhere(world) -> None:
    assert read(world, namespace="edge").parent == ("edge", "gw")


@pytest.mark.parametrize("parent", [{"kind": "Service"}, {"group": "example.com"}])
def test_another_kind_of_parent_gets_no_listeners(world, parent: dict[str, str]) -> None:
    assert read(world, **parent).listeners == ()
