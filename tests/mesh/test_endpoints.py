"""The endpoints behind a service's port."""

from __future__ import annotations

import pytest

from analyzer.mesh.endpoints import (
    LOCALITY_LABELS,
    addresses_of,
    endpoints_of,
    has_endpoints,
    instances_of,
    named_port,
)
from analyzer.mesh.registry import services_of

DISCOVERY = "discovery.k8s.io/v1"


def found(town, port=0):
    mesh = town.mesh()
    service = services_of(mesh)[0]
    return endpoints_of(mesh, service, service.ports[port])


def addresses(town, port=0) -> list[tuple[str, int]]:
    return [(each.address, each.port) for each in found(town, port)]


def sliced(town, *endpoints, ports=({"name": "http", "port": 8080},), **more):
    labels = {"kubernetes.io/service-name": "web"}
    return town.add(
        DISCOVERY, "EndpointSlice", "shop/web-x", labels=labels, ports=list(ports), endpoints=list(endpoints), **more
    )


def of_pod(name, ip, ready=True):
    return {"addresses": [ip], "conditions": {"ready": ready}, "targetRef": {"kind": "Pod", "name": name}}


def test_slices_give_the_endpoints_of_the_port_of_that_name(town) -> None:
    town.pod("shop/web-0", "10.1.0.2", account="web").service(
        "shop/web", "10.9.0.1", ports=("http:80:8080", "tcp:90:9090")
    )
    sliced(town, of_pod("web-0", "10.1.0.2"))
    endpoint = found(town)[0]
    assert (endpoint.address, endpoint.port, endpoint.pod.name, endpoint.service_account) == (
        "10.1.0.2",
        8080,
        "web-0",
        "web",
    )
    assert endpoint.mutual_tls
    assert addresses(town, 1) == []


def test_an_endpoint_that_is_not_ready_is_there_but_not_healthy(town) -> None:
    sliced(town.pod("shop/web-0").service("shop/web", "10.9.0.1"), of_pod("web-0", "10.1.0.2", ready=False))
    assert [each.healthy for each in found(town)] == [False]


def test_an_endpoint_written_by_hand_has_the_pod_but_not_its_labels(town) -> None:
    sliced(town.pod("shop/web-0", "10.1.0.2").service("shop/web", "10.9.0.1"), {"addresses": ["10.1.0.2"]})
    endpoint = found(town)[0]
    assert endpoint.pod.name == "web-0"
    assert not endpoint.mutual_tls
    assert endpoint.labels == {}


def test_slices_of_names_are_left_out(town) -> None:
    sliced(town.service("shop/web", "10.9.0.1"), {"addresses": ["x.com"]}, addressType="FQDN")
    assert addresses(town) == []


def test_without_slices_the_selected_pods_are_endpoints(town) -> None:
    town.pod("shop/web-0", "10.1.0.2").pod("shop/web-1", "10.1.0.3", ready=False).pod("shop/db-0").pod("pay/web-0")
    town.service("shop/web", "10.9.0.1")
    assert addresses(town) == [("10.1.0.2", 8080), ("10.1.0.3", 8080)]
    assert [each.healthy for each in found(town)] == [True, False]


def test_finished_pods_and_services_without_selector_have_none(town) -> None:
    town.pod("shop/web-0").documents[-1]["status"]["phase"] = "Failed"
    assert addresses(town.service("shop/web", "10.9.0.1")) == []
    town.documents[-1]["spec"]["selector"] = {}
    assert addresses(town) == []


def test_a_named_target_port_is_looked_up_in_the_containers(town) -> None:
    town.pod("shop/web-0", "10.1.0.2")
    containers = town.documents[-1]["spec"]["containers"]
    containers[0]["ports"] = [{"name": "web", "containerPort": 8081, "protocol": "TCP"}]
    assert addresses(town.service("shop/web", "10.9.0.1", ports=("http:80:web",))) == [("10.1.0.2", 8081)]
    pod = town.mesh().pods[0]
    assert (named_port(pod, "web"), named_port(pod, "other")) == (8081, 0)


def test_a_service_selects_workload_entries_too(town) -> None:
    town.service("shop/web", "10.9.0.1").rule("WorkloadEntry", "shop/vm", address="10.7.0.1", labels={"app": "web"})
    town.rule("WorkloadEntry", "shop/named", address="10.7.0.2", labels={"app": "web"}, ports={"http": 81})
    town.rule("WorkloadEntry", "shop/host", address="vm.example.com", labels={"app": "web"})
    assert addresses(town) == [("10.7.0.1", 8080), ("10.7.0.2", 81)]


def test_a_service_entry_has_its_own_endpoints(town) -> None:
    endpoints = [{"address": "10.7.0.1", "ports": {"http": 81}, "serviceAccount": "x"}, {"address": "unix:///run/x"}]
    town.entry("shop/e", ["a.com"], ["http:80:HTTP"], resolution="STATIC", endpoints=endpoints)
    assert addresses(town) == [("10.7.0.1", 81), ("/run/x", 0)]
    assert [each.mutual_tls for each in found(town)] == [True, False]


def test_a_dns_entry_without_endpoints_is_its_own(town) -> None:
    town.entry("shop/e", ["a.com"], ["http:80:HTTP"], resolution="DNS")
    town.documents[-1]["spec"]["ports"][0]["targetPort"] = 8080
    assert addresses(town) == [("a.com", 8080)]


def test_an_entry_without_resolution_has_none(town) -> None:
    assert addresses(town.entry("shop/e", ["a.com"], ["http:80:HTTP"])) == []


def test_an_entry_selects_pods_then_workloads_of_its_namespace(town) -> None:
    town.entry("shop/e", ["a.com"], ["http:80:HTTP"], resolution="STATIC", workloadSelector={"labels": {"app": "web"}})
    town.rule("WorkloadEntry", "shop/vm", address="10.7.0.1", labels={"app": "web"})
    town.rule("WorkloadEntry", "shop/dns", address="vm.example.com", labels={"app": "web"})
    town.rule("WorkloadEntry", "pay/vm", address="10.7.0.3", labels={"app": "web"})
    town.pod("shop/web-1", "10.1.0.3").pod("shop/web-0", "10.1.0.2").pod("pay/web-0")
    assert addresses(town) == [("10.1.0.2", 80), ("10.1.0.3", 80), ("10.7.0.1", 80)]


def test_a_dns_entry_selects_workloads_with_host_names(town) -> None:
    town.entry("shop/e", ["a.com"], ["http:80:HTTP"], resolution="DNS", workloadSelector={"labels": {"app": "web"}})
    town.rule("WorkloadEntry", "shop/dns", address="vm.example.com", labels={"app": "web"})
    assert addresses(town) == [("vm.example.com", 80)]


def test_the_addresses_behind_a_port_are_those_of_its_endpoints(town) -> None:
    town.pod("shop/web-0", "10.1.0.5").pod("shop/web-1", "10.1.0.6").service("shop/web", "10.96.0.1")
    town.entry(
        "shop/ext", ["ext.example.com"], ["http:80:HTTP"], resolution="DNS", endpoints=[{"address": "a.example"}]
    )
    mesh = town.mesh()

    assert addresses_of(mesh, "web.shop.svc.cluster.local", 80) == {"10.1.0.5", "10.1.0.6"}
    assert addresses_of(mesh, "web.shop.svc.cluster.local", 81) == frozenset()
    assert addresses_of(mesh, "ext.example.com", 80) == frozenset()


def test_a_host_that_is_resolved_in_turn_has_one_instance(town) -> None:
    """mergeServicesInstancesByNamespaceHost keeps the first of a DNS_ROUND_ROBIN host's port."""
    ports = [{"number": 80, "name": "http", "protocol": "HTTP"}]
    for name in ("a", "b"):
        town.rule("ServiceEntry", f"shop/{name}", hosts=["x.com"], resolution="DNS_ROUND_ROBIN", ports=ports,
                  endpoints=[{"address": f"{name}.example.com"}])  # fmt: skip
    mesh = town.mesh()
    service = services_of(mesh)[0]
    assert [each.address for each in instances_of(mesh, service, service.ports[0])] == ["a.example.com"]


def test_workload_entries_are_not_behind_headless_services(town) -> None:
    town.pod("shop/web-0", "10.1.0.2").service("shop/web", headless=True)
    town.rule("WorkloadEntry", "shop/vm", address="10.7.0.1", labels={"app": "web"})
    assert addresses(town) == [("10.1.0.2", 8080)]


def test_a_workload_entry_names_the_target_port_or_has_none(town) -> None:
    """kube/controller serviceInstanceFromWorkloadInstance."""
    town.service("shop/web", "10.9.0.1", ports=("http:80:web", "grpc:81:9000"))
    town.rule("WorkloadEntry", "shop/vm", address="10.7.0.1", labels={"app": "web"}, ports={"http": 81, "9000": 7777})
    assert (addresses(town), addresses(town, 1)) == ([], [("10.7.0.1", 9000)])
    town.documents[-1]["spec"]["ports"] = {"web": 82, "grpc": 83}
    assert (addresses(town), addresses(town, 1)) == ([("10.7.0.1", 82)], [("10.7.0.1", 83)])


def test_an_entry_leads_to_the_container_port_of_its_ports_name(town) -> None:
    """kube/controller getPortMap: of TCP alone."""
    town.pod("shop/web-0", "10.1.0.2")
    container = town.documents[-1]["spec"]["containers"][0]
    town.entry("shop/e", ["a.com"], ["http:80:HTTP"], resolution="STATIC", workloadSelector={"labels": {"app": "web"}})
    container["ports"] = [{"name": "http", "containerPort": 8081, "protocol": "TCP"}]
    assert addresses(town) == [("10.1.0.2", 8081)]
    container["ports"] = [{"name": "http", "containerPort": 8081, "protocol": "UDP"}]
    assert addresses(town) == [("10.1.0.2", 80)]


@pytest.mark.parametrize("state", ["unready", "ended", "terminating"])
def test_an_entry_selects_only_pods_that_are_ready(town, state: str) -> None:
    town.pod("shop/web-0", "10.1.0.2", ready=state != "unready")
    pod = town.documents[-1]
    if state == "ended":
        pod["status"]["phase"] = "Succeeded"
    if state == "terminating":
        pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    town.entry("shop/e", ["a.com"], ["http:80:HTTP"], resolution="STATIC", workloadSelector={"labels": {"app": "web"}})
    assert addresses(town) == []


def test_without_slices_a_pod_that_terminates_is_not_healthy(town) -> None:
    town.pod("shop/web-0", "10.1.0.2").documents[-1]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert [each.healthy for each in found(town.service("shop/web", "10.9.0.1"))] == [False]


def test_a_workload_entry_whose_health_is_checked_counts_once_it_is_healthy(town) -> None:
    checked = {"proxy.istio.io/health-checks-enabled": "true"}
    town.service("shop/web", "10.9.0.1")
    town.rule("WorkloadEntry", "shop/vm", address="10.7.0.1", labels={"app": "web"})
    town.documents[-1]["metadata"]["annotations"] = checked
    assert addresses(town) == []
    town.documents[-1]["status"] = {"conditions": [{"type": "Healthy", "status": "True"}]}
    assert addresses(town) == [("10.7.0.1", 8080)]


def test_endpoints_have_labels_that_say_where_they_run(town) -> None:
    town.pod("shop/web-0", "10.1.0.2", labels={"istio-locality": "eu.west.1"}).service("shop/web", "10.9.0.1")
    town.documents[0]["spec"]["nodeName"] = "node-1"
    town.rule("WorkloadEntry", "shop/vm", address="10.7.0.1", labels={"app": "web"}, locality="us/east")
    names = ("kubernetes.io/hostname", *LOCALITY_LABELS)
    assert [[each.labels.get(name) for name in names] for each in found(town)] == [
        ["node-1", "eu", "west", "1"],
        [None, "us", "east", None],
    ]


def test_an_endpoint_whose_pod_the_input_lacks_is_lost(town) -> None:
    town.pod("shop/web-0", "10.1.0.2").service("shop/web", "10.9.0.1")
    sliced(town, of_pod("web-0", "10.1.0.2"), of_pod("gone", "10.1.0.3"), {"addresses": ["10.1.0.4"]})
    assert [each.lost for each in found(town)] == [False, True, False]


def test_without_any_slice_nobody_knows_who_is_behind_a_service_without_selector(town) -> None:
    town.service("shop/web", "10.9.0.1").service("shop/db", "10.9.0.2")
    town.documents[-1]["spec"]["selector"] = {}
    assert [has_endpoints(town.mesh(), each) for each in services_of(town.mesh())] == [False, True]
    assert all(has_endpoints(sliced(town).mesh(), each) for each in services_of(town.mesh()))
