"""GatewayClass: its controller."""

from analyzer.mesh.kinds.gateway_class import ISTIO_CONTROLLER, GatewayClass


def test_the_controller_is_read(world):
    mesh = world.add("GatewayClass", "istio", {"controllerName": ISTIO_CONTROLLER}).mesh()
    assert mesh.of(GatewayClass)[0].controller == ISTIO_CONTROLLER
