"""EndpointSlices."""

from __future__ import annotations

from analyzer.mesh.kinds.endpoint_slice import EndpointSlice

NAME = {"kubernetes.io/service-name": "web"}


def slice_of(town, **body) -> EndpointSlice:
    return (
        town.add("discovery.k8s.io/v1", "EndpointSlice", "shop/web-x", labels=NAME, **body).mesh().of(EndpointSlice)[0]
    )


def test_a_slice_names_its_service_and_ports(town) -> None:
    found = slice_of(town, addressType="IPv4", ports=[{"name": "http", "port": 8080}])
    assert (found.service, found.address_type) == ("web", "IPv4")
    assert [(port.name, port.port, port.protocol) for port in found.ports] == [("http", 8080, "TCP")]


def test_an_endpoint_without_conditions_is_ready(town) -> None:
    found = slice_of(town, endpoints=[{"addresses": ["FD::0:1"], "targetRef": {"kind": "Pod", "name": "web-0"}}])
    endpoint = found.endpoints[0]
    assert (endpoint.addresses, endpoint.ready, endpoint.serving, endpoint.target) == (
        ("fd::1",),
        True,
        True,
        "web-0",
    )


def test_conditions_say_what_an_endpoint_can_do(town) -> None:
    conditions = {"ready": False, "serving": True, "terminating": True}
    endpoint = slice_of(town, endpoints=[{"addresses": ["10.0.0.1"], "conditions": conditions}]).endpoints[0]
    assert (endpoint.ready, endpoint.serving, endpoint.terminating, endpoint.target) == (False, True, True, None)


def test_a_target_that_is_no_pod_is_none(town) -> None:
    found = slice_of(town, endpoints=[{"addresses": [], "targetRef": {"kind": "Node", "name": "n"}}])
    assert found.endpoints[0].target is None
