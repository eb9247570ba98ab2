"""IngressClasses."""

from __future__ import annotations

from analyzer.mesh.kinds.ingress_class import IngressClass


def test_a_class_names_its_controller(world) -> None:
    world.add("IngressClass", "mine", {"controller": "istio.io/ingress-controller"}, api="networking.k8s.io/v1")
    (found,) = world.mesh().of(IngressClass)
    assert (found.resource.name, found.controller) == ("mine", "istio.io/ingress-controller")
