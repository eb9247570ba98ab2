"""Pods: addresses, containers, and whether there is an Envoy."""

from __future__ import annotations

from analyzer.mesh.kinds.pod import Pod


def pod_of(town, **spec) -> Pod:
    town.add(
        "v1",
        "Pod",
        "shop/web-0",
        spec=spec,
        status={"podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}, {"ip": "FD::0:1"}]},
    )
    return town.mesh().pods[0]


def test_addresses_begin_with_the_first_and_stand_once(town) -> None:
    assert pod_of(town).ips == ("10.0.0.1", "fd::1")


def test_a_container_named_istio_proxy_is_a_sidecar(town) -> None:
    found = pod_of(town, containers=[{"name": "app"}, {"name": "istio-proxy"}])
    assert found.has_sidecar
    assert not found.is_gateway


def test_an_init_container_is_a_sidecar_when_it_keeps_running(town) -> None:
    assert pod_of(town, initContainers=[{"name": "istio-proxy", "restartPolicy": "Always"}]).has_sidecar


def test_an_init_container_that_ends_is_none(town) -> None:
    assert not pod_of(town, initContainers=[{"name": "istio-proxy"}]).has_sidecar


def test_a_proxy_that_runs_as_router_is_a_gateway_without_sidecar(town) -> None:
    found = pod_of(town, containers=[{"name": "istio-proxy", "args": ["proxy", "router", "--domain", "x"]}])
    assert found.is_gateway
    assert not found.has_sidecar


def test_a_pod_on_the_hosts_network_has_no_sidecar(town) -> None:
    found = pod_of(town, hostNetwork=True, containers=[{"name": "istio-proxy"}])
    assert found.host_network
    assert not found.has_sidecar


def test_a_pod_knows_its_account_labels_and_readiness(town) -> None:
    found = town.pod("shop/web-0", account="web", annotations={"a": "b"}).mesh().pods[0]
    assert (found.full_name, found.namespace, found.name, found.service_account) == (
        "shop/web-0",
        "shop",
        "web-0",
        "web",
    )
    assert found.labels["app"] == "web"
    assert found.annotations == {"a": "b"}
    assert (found.ready, found.phase) == (True, "Running")


def test_the_account_is_default_where_none_is_named(town) -> None:
    assert pod_of(town).service_account == "default"


def test_containers_know_ports_and_environment(town) -> None:
    container = {
        "name": "app",
        "ports": [{"name": "web", "containerPort": 80, "protocol": "TCP"}],
        "env": [{"name": "A", "value": "b"}, {"name": "C", "valueFrom": {}}],
    }
    found = pod_of(town, containers=[container]).containers[0]
    assert [(port.name, port.port, port.protocol) for port in found.ports] == [("web", 80, "TCP")]
    assert found.environment == {"A": "b"}
