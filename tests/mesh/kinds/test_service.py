"""Services as Kubernetes defaults them."""

from __future__ import annotations

from analyzer.mesh.kinds.service import Service


def service_of(town, status=None, **spec) -> Service:
    town.add("v1", "Service", "shop/web", spec=spec, **({"status": status} if status else {}))
    return town.mesh().of(Service)[0]


def test_ports_take_the_api_servers_defaults(town) -> None:
    port = service_of(town, ports=[{"port": 80}]).ports[0]
    assert (port.name, port.port, port.target, port.protocol, port.app_protocol) == ("", 80, 80, "TCP", None)
    assert port.place.field == "spec.ports[0]"


def test_a_target_port_is_a_number_or_a_name(town) -> None:
    ports = [{"port": 1, "targetPort": 8080}, {"port": 2, "targetPort": "web"}, {"port": 3, "targetPort": "9090"}]
    assert [port.target for port in service_of(town, ports=ports).ports] == [8080, "web", 9090]


def test_an_empty_app_protocol_is_one(town) -> None:
    assert service_of(town, ports=[{"port": 80, "appProtocol": ""}]).ports[0].app_protocol == ""


def test_cluster_addresses_stand_once(town) -> None:
    found = service_of(town, clusterIP="10.9.0.1", clusterIPs=["10.9.0.1", "FD::0:9"])
    assert found.cluster_ips == ("10.9.0.1", "fd::9")
    assert not found.headless
    assert (found.name, found.namespace) == ("web", "shop")


def test_cluster_ip_none_is_headless(town) -> None:
    found = service_of(town, clusterIP="None")
    assert found.headless
    assert found.cluster_ips == ()


def test_an_external_name_counts_only_with_its_type(town) -> None:
    assert service_of(town, type="ExternalName", externalName="x.com").external_name == "x.com"
    assert not service_of(town, type="ClusterIP", externalName="x.com").external_name


def test_outside_addresses_are_external_ips_and_those_of_the_load_balancer(town) -> None:
    status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}, {"hostname": "lb"}]}}
    assert service_of(town, status, externalIPs=["192.0.2.9"]).external_ips == ("192.0.2.9", "192.0.2.1")
