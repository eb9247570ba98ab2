"""Clusters: existence, endpoints, TLS."""

from __future__ import annotations

import pytest

from analyzer.mesh.outbound.cluster import (
    Cluster,
    NoCluster,
    endpoint_tls,
    find_cluster,
    is_balanced,
)
from analyzer.mesh.outbound.scope import scope_of

SUFFIX = ".svc.cluster.local"
WEB = f"outbound|80||web.shop{SUFFIX}"
DB = f"outbound|80||db.shop{SUFFIX}"


def find(town, name=WEB, *, router=False):
    mesh, proxy = town.proxy("shop/sleep-0")
    return find_cluster(mesh, scope_of(mesh, proxy).services, proxy, name, router=router)


def cluster(town, name=WEB, **more) -> Cluster:
    found = find(town, name, **more)
    assert isinstance(found, Cluster), found
    return found


def tls(town, name=WEB) -> list[str]:
    mesh, _ = town.proxy("shop/sleep-0")
    found = cluster(town, name)
    return [endpoint_tls(mesh, found, each) for each in found.endpoints] or [endpoint_tls(mesh, found, None)]


def base(town, *, headless=False, sidecar=True):
    town.pod("shop/sleep-0", "10.1.0.1").pod("shop/web-0", "10.1.0.2", sidecar=sidecar, labels={"version": "v1"})
    town.service("shop/web", "10.9.0.1")
    if headless:
        town.pod("shop/db-0", "10.1.0.4", sidecar=sidecar).service("shop/db", headless=True, ports=("http:80:80",))
    return town


def rule(town, host="web", **spec):
    return town.rule("DestinationRule", "shop/dr", host=host, **spec)


def test_a_service_has_a_cluster_with_its_endpoints(town) -> None:
    found = cluster(base(town))
    assert (found.kind, [(e.address, e.port) for e in found.endpoints]) == ("EDS", [("10.1.0.2", 8080)])
    assert is_balanced(found)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (f"outbound|80||gone.shop{SUFFIX}", "knows no service"),
        (f"outbound|81||web.shop{SUFFIX}", "has no port 81"),
        (f"outbound|80|v9|web.shop{SUFFIX}", "subset v9 is not defined"),
        (f"outbound|80||out.shop{SUFFIX}", "ExternalName"),
        ("PassthroughCluster", "knows no service PassthroughCluster"),
    ],
)
def test_what_does_not_exist_says_why(town, name: str, why: str) -> None:
    found = find(base(town).alias("shop/out", "x.com"), name)
    assert isinstance(found, NoCluster)
    assert why in found.why


def test_a_subset_has_the_endpoints_with_its_labels(town) -> None:
    rule(
        base(town).pod("shop/web-1", labels={"version": "v2"}),
        subsets=[{"name": "v1", "labels": {"version": "v1"}}, {"name": "v3", "labels": {"x": "y"}}],
    )
    assert [e.address for e in cluster(town, f"outbound|80|v1|web.shop{SUFFIX}").endpoints] == ["10.1.0.2"]
    assert cluster(town, f"outbound|80|v3|web.shop{SUFFIX}").endpoints == ()


def test_headless_services_keep_the_address_except_at_gateways(town) -> None:
    base(town, headless=True)
    assert cluster(town, DB).kind == "ORIGINAL_DST"
    assert cluster(town, DB, router=True).kind == "EDS"


def test_a_passthrough_balancer_keeps_the_address(town) -> None:
    rule(base(town), trafficPolicy={"loadBalancer": {"simple": "PASSTHROUGH"}})
    assert cluster(town).kind == "ORIGINAL_DST"


def test_an_entry_without_resolution_may_change_the_port(town) -> None:
    town.pod("shop/sleep-0").entry("shop/e", ["a.com"], ["tcp:80:TCP"])
    town.documents[-1]["spec"]["ports"][0]["targetPort"] = 8080
    assert cluster(town, "outbound|80||a.com").upstream_port == 8080


def test_dns_clusters_need_an_endpoint(town) -> None:
    town.pod("shop/sleep-0").entry(
        "shop/e", ["a.com"], ["http:80:HTTP"], resolution="DNS", workloadSelector={"labels": {"a": "b"}}
    )
    assert "has no endpoint" in find(town, "outbound|80||a.com").why
    town.entry("shop/f", ["b.com"], ["http:80:HTTP"], resolution="DNS")
    assert cluster(town, "outbound|80||b.com").kind == "DNS"


def test_wildcards_can_be_resolved_for_http_and_tls(town) -> None:
    town.pod("shop/sleep-0").entry("shop/e", ["*.a.com"], ["http:80:HTTP", "tcp:81:TCP"], resolution="DYNAMIC_DNS")
    assert cluster(town, "outbound|80||*.a.com").kind == "DYNAMIC_FORWARD_PROXY"
    assert "cannot be resolved" in find(town, "outbound|81||*.a.com").why


def test_endpoints_with_host_names_do_not_count_where_addresses_are_needed(town) -> None:
    endpoints = [{"address": "x.com"}, {"address": "10.7.0.1"}]
    town.pod("shop/sleep-0").entry("shop/e", ["a.com"], ["http:80:HTTP"], resolution="STATIC", endpoints=endpoints)
    assert [e.address for e in cluster(town, "outbound|80||a.com").endpoints] == ["10.7.0.1"]


def test_endpoints_of_all_entries_of_a_host_and_namespace_are_joined(town) -> None:
    town.pod("shop/sleep-0")
    for name, address in (("e", "10.7.0.1"), ("f", "10.7.0.2")):
        town.entry(f"shop/{name}", ["a.com"], ["http:80:HTTP"], resolution="STATIC", endpoints=[{"address": address}])
    town.entry("pay/g", ["a.com"], ["http:80:HTTP"], resolution="STATIC", endpoints=[{"address": "10.7.0.3"}])
    assert [e.address for e in cluster(town, "outbound|80||a.com").endpoints] == ["10.7.0.1", "10.7.0.2"]


@pytest.mark.parametrize(("port", "http2"), [("http:80:80", False), ("grpc:80:80", True), ("x:80:80", None)])
def test_the_port_says_which_http_the_cluster_speaks(town, port: str, http2: bool | None) -> None:
    town.pod("shop/sleep-0").service("shop/web", "10.9.0.1", ports=(port,))
    assert cluster(town).http2_upstream is http2


def test_http_may_be_upgraded_by_rule_or_mesh(town) -> None:
    base(town).settings(h2UpgradePolicy="UPGRADE")
    assert cluster(town).http2_upstream is True
    rule(town, trafficPolicy={"connectionPool": {"http": {"h2UpgradePolicy": "DO_NOT_UPGRADE"}}})
    assert cluster(town).http2_upstream is False


@pytest.mark.parametrize(
    ("port", "router", "http", "http2"),
    [
        ("x:80:80", False, {"h2UpgradePolicy": "UPGRADE"}, None),
        ("x:80:80", True, {}, False),
        ("x:80:80", True, {"h2UpgradePolicy": "UPGRADE"}, True),
        ("tcp:80:80", False, {"h2UpgradePolicy": "UPGRADE"}, True),
        ("grpc:80:80", False, {"h2UpgradePolicy": "DO_NOT_UPGRADE"}, True),
        ("grpc:80:80", False, {"useClientProtocol": True}, None),
        ("http:80:80", True, {"h2UpgradePolicy": "UPGRADE", "useClientProtocol": True}, None),
    ],
)
def test_upgrades_do_not_replace_what_the_port_said(town, port: str, router: bool, http, http2: bool | None) -> None:
    """cluster_builder.go setUpstreamProtocol, setH2Options; cluster_traffic_policy.go shouldH2Upgrade."""
    town.pod("shop/sleep-0").service("shop/web", "10.9.0.1", ports=(port,))
    rule(town, trafficPolicy={"connectionPool": {"http": http}})
    assert cluster(town, router=router).http2_upstream is http2


def test_the_mesh_upgrades_only_http_ports(town) -> None:
    town.pod("shop/sleep-0").service("shop/web", "10.9.0.1", ports=("tcp:80:80",)).settings(h2UpgradePolicy="UPGRADE")
    assert cluster(town).http2_upstream is False


class TestTls:
    """What a client's proxy speaks."""

    def test_endpoints_with_a_sidecar_get_mutual_tls(self, town) -> None:
        assert tls(base(town).pod("shop/web-1", sidecar=False)) == ["mtls", "plaintext"]

    def test_a_headless_service_gets_it_when_all_endpoints_have_one(self, town) -> None:
        base(town, headless=True)
        assert tls(town, DB) == ["mtls"]
        town.pod("shop/db-1", sidecar=False)
        assert tls(town, DB) == ["plaintext", "plaintext"]

    def test_a_headless_service_without_endpoints_gets_none(self, town) -> None:
        town.pod("shop/sleep-0").service("shop/db", headless=True, ports=("http:80:80",))
        assert tls(town, DB) == ["plaintext"]

    def test_the_mesh_may_turn_it_off(self, town) -> None:
        assert tls(base(town).settings(enableAutoMtls=False)) == ["plaintext"]

    def test_external_services_get_none(self, town) -> None:
        endpoints = [{"address": "10.1.0.2", "serviceAccount": "x"}]
        town.pod("shop/sleep-0").entry("shop/e", ["a.com"], ["http:80:HTTP"], resolution="STATIC", endpoints=endpoints)
        assert tls(town, "outbound|80||a.com") == ["plaintext"]
        town.documents[-1]["spec"]["location"] = "MESH_INTERNAL"
        assert tls(town, "outbound|80||a.com") == ["mtls"]

    def test_a_namespace_that_disables_it_gets_none(self, town) -> None:
        base(town).security("PeerAuthentication", "shop/default", mtls={"mode": "DISABLE"})
        found = cluster(town)
        assert (found.tls, found.auto_tls) == ("plaintext", False)

    def test_a_workload_that_disables_it_gets_none(self, town) -> None:
        base(town).security(
            "PeerAuthentication", "shop/web", selector={"matchLabels": {"app": "web"}}, mtls={"mode": "DISABLE"}
        )
        assert tls(town) == ["plaintext"]

    @pytest.mark.parametrize(
        ("asked", "spoken"),
        [
            ({"mode": "DISABLE"}, "plaintext"),
            ({"mode": "SIMPLE"}, "tls"),
            ({"mode": "ISTIO_MUTUAL"}, "mtls"),
            ({"mode": "MUTUAL"}, "plaintext"),
            ({"mode": "MUTUAL", "clientCertificate": "/c"}, "tls"),
            ({"mode": "SIMPLE", "credentialName": "c"}, "plaintext"),
            ({"mode": "SIMPLE", "credentialName": "configmap://c"}, "tls"),
        ],
    )
    def test_a_rule_decides_for_all_endpoints(self, town, asked: dict, spoken: str) -> None:
        rule(base(town, sidecar=False), trafficPolicy={"tls": asked})
        assert tls(town) == [spoken]

    def test_a_credential_counts_with_a_workload_selector(self, town) -> None:
        selector = {"matchLabels": {"app": "sleep"}}
        rule(base(town), workloadSelector=selector, trafficPolicy={"tls": {"mode": "SIMPLE", "credentialName": "c"}})
        assert tls(town) == ["tls"]

    def test_a_port_without_tls_below_a_rule_with_it_asks_every_endpoint(self, town) -> None:
        ports = [{"port": {"number": 80}, "loadBalancer": {"simple": "RANDOM"}}]
        rule(base(town, sidecar=False), trafficPolicy={"tls": {"mode": "ISTIO_MUTUAL"}, "portLevelSettings": ports})
        assert tls(town) == ["mtls"]

    def test_a_port_without_tls_below_a_rule_that_disables_it_asks_none(self, town) -> None:
        ports = [{"port": {"number": 80}, "loadBalancer": {"simple": "RANDOM"}}]
        rule(base(town), trafficPolicy={"tls": {"mode": "DISABLE"}, "portLevelSettings": ports})
        assert tls(town) == ["plaintext"]


@pytest.mark.parametrize(("node", "found"), [("a", ["10.1.0.2"]), ("c", []), ("", ["10.1.0.2", "10.1.0.3"])])
def test_a_service_may_have_the_endpoints_of_the_clients_node_only(town, node: str, found: list[str]) -> None:
    town.pod("shop/sleep-0", "10.1.0.1").documents[-1]["spec"]["nodeName"] = node
    for name, ip, where in (("web-0", "10.1.0.2", "a"), ("web-1", "10.1.0.3", "b")):
        town.pod(f"shop/{name}", ip, labels={"app": "web"}).documents[-1]["spec"]["nodeName"] = where
    town.service("shop/web", "10.9.0.1").documents[-1]["spec"]["internalTrafficPolicy"] = "Local"
    assert [each.address for each in cluster(town).endpoints] == found


PASSTHROUGH = {"loadBalancer": {"simple": "PASSTHROUGH"}}


def half_meshed(town):
    """A service with one endpoint that has no sidecar."""
    return base(town).pod("shop/web-1", "10.1.0.3", sidecar=False)


def test_a_port_that_overrules_a_passthrough_balancer_is_balanced_but_judged_by_it(town) -> None:
    """The guess at the mode of mutual TLS sees the rule's own policy, the cluster the port's (cluster_builder.go)."""
    rule(half_meshed(town), trafficPolicy={**PASSTHROUGH, "portLevelSettings": [{"port": {"number": 80}}]})
    assert (cluster(town).kind, tls(town)) == ("EDS", ["plaintext", "plaintext"])


def test_a_port_with_a_passthrough_balancer_speaks_mutual_tls_to_every_address(town) -> None:
    """The guess at the mode of mutual TLS does not see the balancer of a port (applyDestinationRule)."""
    rule(half_meshed(town), trafficPolicy={"portLevelSettings": [{"port": {"number": 80}, **PASSTHROUGH}]})
    assert (cluster(town).kind, set(tls(town))) == ("ORIGINAL_DST", {"mtls"})


def test_a_subset_keeps_the_address_where_its_service_does(town) -> None:
    """buildSubsetCluster begins with the type of the service's cluster, and is judged by the subset's own policy."""
    balanced = {"loadBalancer": {"simple": "ROUND_ROBIN"}}
    subsets = [{"name": "v1", "labels": {"version": "v1"}, "trafficPolicy": balanced}]
    rule(half_meshed(town), trafficPolicy=PASSTHROUGH, subsets=subsets)
    assert cluster(town).tls == "plaintext"
    subset = cluster(town, f"outbound|80|v1|web.shop{SUFFIX}")
    assert (subset.kind, subset.tls) == ("ORIGINAL_DST", "mtls")


def test_entries_of_one_host_that_is_resolved_share_endpoints_by_port_number(town) -> None:
    """CDS looks endpoints up by the port's number, EDS by its name (endpointshards.go CopyEndpoints)."""
    base(town)
    for number, name in ((80, "a"), (8080, "b")):
        ports = [{"number": number, "name": "http", "protocol": "HTTP"}]
        endpoints = [{"address": f"{name}.example.com"}]
        town.rule("ServiceEntry", f"shop/{name}", hosts=["x.com"], resolution="DNS", ports=ports, endpoints=endpoints)
    assert [e.address for e in cluster(town, "outbound|80||x.com").endpoints] == ["a.example.com"]


def test_of_draining_endpoints_proxies_hear_only_where_clients_stick_to_theirs(town) -> None:
    base(town)
    town.documents[1]["metadata"]["labels"]["istio.io/draining"] = "true"
    assert cluster(town).endpoints == ()
    town.documents[2]["metadata"]["labels"] = {"istio.io/persistent-session": "web"}
    assert len(cluster(town).endpoints) == 1


def test_an_endpoint_whose_pod_the_input_lacks_does_not_turn_mutual_tls_off(town) -> None:
    base(town, headless=True)
    endpoints = [
        {"addresses": ["10.1.0.4"], "targetRef": {"kind": "Pod", "name": "db-0"}},
        {"addresses": ["10.1.0.5"], "targetRef": {"kind": "Pod", "name": "gone"}},
    ]
    labels = {"kubernetes.io/service-name": "db"}
    town.add("discovery.k8s.io/v1", "EndpointSlice", "shop/db-x", labels=labels, endpoints=endpoints,
             ports=[{"name": "http", "port": 80}])  # fmt: skip
    assert cluster(town, DB).tls == "mtls"


@pytest.mark.parametrize(("router", "expected"), [(False, "plaintext"), (True, "tls")])
def test_only_gateways_fetch_the_credential_of_any_rule(town, router: bool, expected: str) -> None:
    rule(base(town), trafficPolicy={"tls": {"mode": "SIMPLE", "credentialName": "c"}})
    assert cluster(town, router=router).tls == expected


def test_who_is_in_a_subset_by_cluster_or_zone_is_not_in_the_input(town) -> None:
    subsets = [{"name": "a", "labels": {"topology.istio.io/cluster": "c1"}}, {"name": "b", "labels": {"version": "9"}}]
    rule(base(town), subsets=subsets)
    known = [cluster(town, f"outbound|80|{name}|web.shop{SUFFIX}").endpoints_known for name in ("a", "b")]
    assert known == [False, True]
