"""Where an address leads without a proxy."""

from __future__ import annotations

from analyzer.verdict.reach import reach


def landings(town, address: str, port: int) -> list[tuple[str, int]]:
    return [(each.pod.name, each.port) for each in reach(town.mesh(), address, port).landings]


def test_a_pods_address_leads_to_the_pod(market) -> None:
    assert landings(market, "10.1.0.2", 99) == [("web-0", 99)]


def test_a_services_address_leads_to_its_ready_pods_at_their_port(market) -> None:
    market.pod("shop/web-2", ready=False)
    assert landings(market, "10.9.0.1", 80) == [("web-0", 8080), ("web-1", 8080)]
    assert reach(market.mesh(), "10.9.0.1", 80).service == "web.shop.svc.cluster.local"


def test_a_port_that_the_service_does_not_have_leads_nowhere(market) -> None:
    found = reach(market.mesh(), "10.9.0.1", 81)
    assert (found.landings, found.known) == ((), True)


def test_other_addresses_are_not_known(market) -> None:
    assert not reach(market.mesh(), "192.0.2.1", 80).known


def test_kube_proxy_does_not_care_what_istio_takes_a_port_to_speak(town) -> None:
    town.pod("shop/dns-0").service("shop/dns", "10.9.0.1", ports=("udp-x:53:53",))
    assert landings(town, "10.9.0.1", 53) == [("dns-0", 53)]


def test_kube_proxy_does_not_know_workload_entries(town) -> None:
    town.service("shop/web", "10.9.0.1").rule("WorkloadEntry", "shop/vm", address="10.7.0.1", labels={"app": "web"})
    assert landings(town, "10.9.0.1", 80) == []


def test_kube_proxy_does_not_care_which_namespaces_istiod_watches(town) -> None:
    town.settings(discoverySelectors=[{"matchLabels": {"mesh": "in"}}]).namespace("shop")
    town.pod("shop/web-0").service("shop/web", "10.9.0.1")
    assert landings(town, "10.9.0.1", 80) == [("web-0", 8080)]


def test_outside_addresses_of_a_service_lead_to_its_pods(town) -> None:
    town.pod("shop/web-0").service("shop/web", "10.9.0.1").documents[-1]["spec"]["externalIPs"] = ["192.0.2.1"]
    assert landings(town, "192.0.2.1", 80) == [("web-0", 8080)]


def test_entries_are_no_addresses_of_the_network(town) -> None:
    town.entry("shop/e", ["a.com"], ["http:80:HTTP"], addresses=["10.7.0.1"])
    assert not reach(town.mesh(), "10.7.0.1", 80).known


def test_a_node_port_leads_to_the_service_from_every_node(town) -> None:
    town.pod("shop/web-0", "10.1.0.2").service("shop/web", "10.9.0.1")
    town.documents[0]["status"] |= {"hostIP": "10.2.0.1", "hostIPs": [{"ip": "10.2.0.1"}, {"ip": "fd00::1"}]}
    town.documents[1]["spec"]["ports"][0]["nodePort"] = 30080
    assert landings(town, "10.2.0.1", 30080) == landings(town, "fd00::1", 30080) == [("web-0", 8080)]
    assert not reach(town.mesh(), "10.2.0.1", 30081).known
    assert not reach(town.mesh(), "10.2.0.2", 30080).known


def test_a_service_may_lead_to_the_pods_of_the_clients_node_only(town) -> None:
    for name, node in (("web-0", "a"), ("web-1", "b")):
        town.pod(f"shop/{name}", labels={"app": "web"}).documents[-1]["spec"]["nodeName"] = node
    town.service("shop/web", "10.9.0.1").documents[-1]["spec"]["internalTrafficPolicy"] = "Local"
    mesh = town.mesh()
    found = {
        node: [each.pod.name for each in reach(mesh, "10.9.0.1", 80, node=node).landings] for node in ("a", "c", "")
    }
    assert found == {"a": ["web-0"], "c": [], "": ["web-0", "web-1"]}
