"""Listeners as istiod makes them."""

from __future__ import annotations

import pytest

from analyzer.mesh.outbound.listener import FirstBytes, choose_chain
from analyzer.mesh.outbound.listeners import has_socket_at, listener_at
from analyzer.mesh.outbound.scope import scope_of

SUFFIX = ".svc.cluster.local"
ELSEWHERE = "192.0.2.1"


def listener(town, to: str, name="shop/sleep-0"):
    mesh, proxy = town.proxy(name)
    address, _, port = to.rpartition(":")
    return listener_at(mesh, scope_of(mesh, proxy), proxy, address, int(port))


def leads(town, to: str, **first) -> str:
    """The route configuration or cluster that takes a connection."""
    chain = choose_chain(listener(town, to), to.rpartition(":")[0], FirstBytes(**first))
    return chain.rds or chain.clusters[0].cluster


def of(town, *ports: str, **more):
    return town.pod("shop/sleep-0", "10.1.0.1").service("shop/web", "10.9.0.1", ports=ports, **more)


def test_http_ports_share_the_wildcard_listener(town) -> None:
    of(town, "http:80:8080").service("shop/other", "10.9.0.2", ports=("grpc:80:1",))
    found = listener(town, f"{ELSEWHERE}:80")
    assert (found.name, found.http_inspector, found.tls_inspector) == ("0.0.0.0_80", True, False)
    assert len(found.chains) == 1
    assert leads(town, f"{ELSEWHERE}:80", http="http/1.1") == "80"
    assert leads(town, f"{ELSEWHERE}:80") == "PassthroughCluster"
    assert found.default_chain.name == "PassthroughFilterChain"


def test_tcp_ports_are_bound_to_the_service_address(town) -> None:
    of(town, "tcp:6379:1")
    found = listener(town, "10.9.0.1:6379")
    assert (found.name, found.http_inspector) == ("10.9.0.1_6379", False)
    assert leads(town, "10.9.0.1:6379", http="http/1.1") == f"outbound|6379||web.shop{SUFFIX}"
    assert listener(town, f"{ELSEWHERE}:6379").name == "virtualOutbound"


def test_undeclared_ports_tell_http_from_other_bytes(town) -> None:
    of(town, "web:7000:1")
    assert leads(town, "10.9.0.1:7000", http="h2c") == f"web.shop{SUFFIX}:7000"
    assert leads(town, "10.9.0.1:7000") == f"outbound|7000||web.shop{SUFFIX}"


def test_headless_tcp_ports_have_a_listener_per_endpoint(town) -> None:
    town.pod("shop/sleep-0", "10.1.0.1").pod("shop/db-0", "10.1.0.4", ready=False)
    town.service("shop/db", headless=True, ports=("tcp:5432:9999",))
    assert listener(town, "10.1.0.4:5432").name == "10.1.0.4_5432"
    assert listener(town, f"{ELSEWHERE}:5432").name == "virtualOutbound"


def test_a_proxy_has_no_listener_for_itself(town) -> None:
    town.pod("shop/db-0", "10.1.0.4").service("shop/db", headless=True, ports=("tcp:5432:5432",))
    assert listener(town, "10.1.0.4:5432", "shop/db-0").name == "virtualOutbound"


def test_headless_http_ports_use_the_wildcard(town) -> None:
    town.pod("shop/sleep-0").pod("shop/db-0", "10.1.0.4").service("shop/db", headless=True, ports=("http:80:80",))
    assert listener(town, "10.1.0.4:80").name == "0.0.0.0_80"


def test_an_entry_without_address_takes_every_address_of_its_tcp_port(town) -> None:
    town.pod("shop/sleep-0").entry("shop/e", ["db.example.com"], ["tcp:5432:TCP"])
    assert leads(town, f"{ELSEWHERE}:5432") == "outbound|5432||db.example.com"


def test_an_entry_that_names_endpoints_has_a_listener_for_each(town) -> None:
    endpoints = [{"address": "10.7.0.1"}, {"address": "db.example.com"}]
    town.pod("shop/sleep-0").entry("shop/e", ["db.example.com"], ["tcp:5432:TCP"], endpoints=endpoints)
    assert listener(town, "10.7.0.1:5432").name == "10.7.0.1_5432"
    assert listener(town, f"{ELSEWHERE}:5432").name == "virtualOutbound"


def test_a_prefix_is_matched_on_the_wildcard_listener(town) -> None:
    town.pod("shop/sleep-0").entry("shop/e", ["db.example.com"], ["tcp:5432:TCP"], addresses=["10.7.0.0/16"])
    assert leads(town, "10.7.3.4:5432") == "outbound|5432||db.example.com"
    assert leads(town, f"{ELSEWHERE}:5432") == "PassthroughCluster"


def test_tls_without_address_is_told_apart_by_server_name(town) -> None:
    town.pod("shop/sleep-0").entry("shop/e", ["api.example.com"], ["tls:443:TLS"], resolution="DNS")
    found = listener(town, f"{ELSEWHERE}:443")
    assert (found.tls_inspector, found.http_inspector) == (True, False)
    assert leads(town, f"{ELSEWHERE}:443", tls=True, sni="api.example.com") == "outbound|443||api.example.com"
    assert leads(town, f"{ELSEWHERE}:443", tls=True, sni="x.example.com") == "PassthroughCluster"


def test_what_nothing_matches_is_passed_through_or_lost_by_the_policy(town) -> None:
    town.pod("shop/sleep-0")
    assert leads(town, f"{ELSEWHERE}:99") == "PassthroughCluster"
    town.settings(outboundTrafficPolicy={"mode": "REGISTRY_ONLY"})
    assert leads(town, f"{ELSEWHERE}:99") == "BlackHoleCluster"


def test_the_proxys_own_port_is_a_loop(town) -> None:
    found = listener(town.pod("shop/sleep-0"), f"{ELSEWHERE}:15001")
    assert (found.default_chain.name, found.default_chain.clusters[0].cluster) == (
        "virtualOutbound-blackhole",
        "BlackHoleCluster",
    )


def test_the_dynamic_mode_resolves_plaintext_http(town) -> None:
    town.pod("shop/sleep-0").settings(outboundTrafficPolicy={"mode": "ALLOW_ANY_DYNAMIC_DNS"})
    assert leads(town, f"{ELSEWHERE}:99", http="http/1.1") == "AllowAnyDynamicDNSCluster"
    assert leads(town, f"{ELSEWHERE}:99") == "PassthroughCluster"


def test_an_egress_proxy_takes_what_nothing_matches(town) -> None:
    proxy = {"host": f"out.shop{SUFFIX}", "port": {"number": 80}}
    town.pod("shop/sleep-0").rule(
        "Sidecar", "shop/sc", outboundTrafficPolicy={"mode": "ALLOW_ANY", "egressProxy": proxy}
    )
    assert leads(town, f"{ELSEWHERE}:99") == f"outbound|80||out.shop{SUFFIX}"


@pytest.mark.parametrize("port", [15001, 15006, 15021, 15090])
def test_http_services_do_not_take_the_proxys_ports(town, port: int) -> None:
    assert listener(of(town, f"http:{port}:80"), f"10.9.0.1:{port}").name == "virtualOutbound"


def test_external_names_and_udp_have_no_listener(town) -> None:
    town.pod("shop/sleep-0").alias("shop/out", "x.com").service("shop/dns", "10.9.0.1", ports=("udp-x:53:53",))
    town.documents[-2]["spec"]["ports"] = [{"name": "tcp", "port": 99}]
    assert listener(town, "10.9.0.1:53").name == "virtualOutbound"
    assert listener(town, f"{ELSEWHERE}:99").name == "virtualOutbound"


def test_a_service_whose_address_is_unknown_takes_nothing(town) -> None:
    town.pod("shop/sleep-0").service("shop/web", ports=("tcp:6379:1",))
    assert listener(town, f"{ELSEWHERE}:6379").name == "virtualOutbound"


def test_both_addresses_of_a_service_lead_to_one_listener(town) -> None:
    town.pod("shop/sleep-0", "10.1.0.1")
    town.documents[-1]["status"]["podIPs"] = [{"ip": "10.1.0.1"}, {"ip": "fd::1"}]
    town.service("shop/web", "10.9.0.1", ports=("tcp:80:80",)).documents[-1]["spec"]["clusterIPs"] = [
        "10.9.0.1",
        "fd::9",
    ]
    assert leads(town, "fd::9:80") == leads(town, "10.9.0.1:80") == f"outbound|80||web.shop{SUFFIX}"


def test_a_proxy_with_ipv6_only_has_its_own_wildcard(town) -> None:
    town.pod("shop/sleep-0", "fd::1").entry("shop/e", ["db.example.com"], ["tcp:5432:TCP", "http:80:HTTP"])
    assert listener(town, "fd::99:5432").name == "::_5432"
    assert listener(town, "fd::99:80").name == "::_80"


class TestConflicts:
    """Several services on one address and port."""

    @staticmethod
    def entries(town, *protocols: str):
        town.pod("shop/sleep-0")
        for number, protocol in enumerate(protocols):
            created = f"2026-01-01T00:00:0{number}Z"
            town.entry(f"shop/e{number}", [f"e{number}.example.com"], [f"p:80:{protocol}"])
            town.documents[-1]["metadata"]["creationTimestamp"] = created
        return town

    def test_of_two_tcp_services_the_older_wins(self, town) -> None:
        self.entries(town, "TCP", "TCP")
        assert leads(town, f"{ELSEWHERE}:80") == "outbound|80||e0.example.com"
        assert [chain.owner for chain in listener(town, f"{ELSEWHERE}:80").shadowed] == ["e1.example.com"]

    @pytest.mark.parametrize("protocols", [("TCP", "HTTP"), ("HTTP", "TCP")])
    def test_tcp_and_http_share_a_port(self, town, protocols) -> None:
        self.entries(town, *protocols)
        tcp = protocols.index("TCP")
        assert leads(town, f"{ELSEWHERE}:80", http="http/1.1") == "80"
        assert leads(town, f"{ELSEWHERE}:80") == f"outbound|80||e{tcp}.example.com"

    def test_an_undeclared_port_joins_an_older_tcp_port(self, town) -> None:
        self.entries(town, "TCP", "auto")
        assert leads(town, f"{ELSEWHERE}:80", http="http/1.1") == "80"
        assert leads(town, f"{ELSEWHERE}:80") == "outbound|80||e0.example.com"

    def test_an_undeclared_port_adds_nothing_to_an_older_http_port(self, town) -> None:
        self.entries(town, "HTTP", "auto")
        assert leads(town, f"{ELSEWHERE}:80") == "PassthroughCluster"

    def test_an_undeclared_port_takes_other_bytes_where_it_is_the_oldest(self, town) -> None:
        self.entries(town, "auto", "HTTP")
        assert leads(town, f"{ELSEWHERE}:80") == "outbound|80||e0.example.com"

    def test_an_http_proxy_replaces_what_was_there(self, town) -> None:
        self.entries(town, "TCP", "HTTP_PROXY", "TCP")
        found = listener(town, f"{ELSEWHERE}:80")
        assert (found.http_inspector, found.chains) == (False, ())
        assert leads(town, f"{ELSEWHERE}:80") == "80"

    def test_http_behind_an_http_proxy_shares_its_routes(self, town) -> None:
        self.entries(town, "HTTP_PROXY", "HTTP")
        assert leads(town, f"{ELSEWHERE}:80") == "80"

    def test_an_undeclared_port_replaces_an_http_proxy(self, town) -> None:
        self.entries(town, "HTTP_PROXY", "auto")
        assert leads(town, f"{ELSEWHERE}:80") == "outbound|80||e1.example.com"

    def test_tls_names_join_a_tcp_port(self, town) -> None:
        self.entries(town, "TCP", "TLS")
        assert leads(town, f"{ELSEWHERE}:80", tls=True, sni="e1.example.com") == "outbound|80||e1.example.com"
        assert leads(town, f"{ELSEWHERE}:80") == "outbound|80||e0.example.com"

    @pytest.mark.parametrize("other", ["TCP", "HTTP"])
    def test_mysql_and_mongo_share_with_nobody(self, town, other: str) -> None:
        self.entries(town, "MYSQL", other)
        found = listener(town, f"{ELSEWHERE}:80")
        assert leads(town, f"{ELSEWHERE}:80", http="http/1.1") == "outbound|80||e0.example.com"
        assert len(found.shadowed) == 1


class TestSidecarListeners:
    """Egress listeners with ports and addresses of their own."""

    @staticmethod
    def sidecar(town, *egress):
        return town.rule("Sidecar", "shop/sc", egress=list(egress))

    def test_the_users_port_has_the_users_protocol(self, town) -> None:
        of(town, "http:80:80")
        self.sidecar(town, {"hosts": ["*/*"], "port": {"number": 80, "protocol": "TCP"}})
        assert leads(town, "10.9.0.1:80", http="http/1.1") == f"outbound|80||web.shop{SUFFIX}"

    def test_a_port_with_an_address_listens_there(self, town) -> None:
        of(town, "http:80:80")
        port = {"number": 80, "protocol": "HTTP"}
        self.sidecar(town, {"hosts": ["*/*"], "port": port, "bind": "10.8.0.1"})
        assert listener(town, "10.8.0.1:80").name == "10.8.0.1_80"
        assert leads(town, "10.8.0.1:80") == "80"

    def test_an_opaque_port_with_an_address_listens_there(self, town) -> None:
        of(town, "tcp:80:80")
        self.sidecar(town, {"hosts": ["*/*"], "port": {"number": 80, "protocol": "TCP"}, "bind": "10.8.0.1"})
        assert leads(town, "10.8.0.1:80") == f"outbound|80||web.shop{SUFFIX}"

    def test_what_the_user_gave_a_port_is_not_added_to(self, town) -> None:
        of(town, "http:80:80").entry("pay/e", ["e.example.com"], ["t:80:TCP"])
        self.sidecar(town, {"hosts": ["./*"], "port": {"number": 80, "protocol": "HTTP"}}, {"hosts": ["*/*"]})
        assert leads(town, f"{ELSEWHERE}:80") == "PassthroughCluster"

    def test_other_ports_come_from_the_listener_that_catches_all(self, town) -> None:
        of(town, "http:80:80", "tcp:81:81")
        self.sidecar(town, {"hosts": ["./*"], "port": {"number": 80, "protocol": "HTTP"}}, {"hosts": ["*/*"]})
        assert leads(town, "10.9.0.1:81") == f"outbound|81||web.shop{SUFFIX}"


def test_protocol_detection_may_have_a_timeout(town) -> None:
    of(town, "http:80:80", "tcp:81:81").settings(protocolDetectionTimeout="0.3s")
    assert listener(town, "10.9.0.1:80").detection_timeout_ns == 300_000_000
    assert listener(town, "10.9.0.1:81").detection_timeout_ns == 0


def has_socket(town, to: str) -> bool:
    mesh, proxy = town.proxy("shop/sleep-0")
    address, _, port = to.rpartition(":")
    return has_socket_at(mesh, scope_of(mesh, proxy), proxy, address, int(port))


@pytest.mark.parametrize(
    ("egress", "sockets"),
    [
        ({"port": {"number": 80, "protocol": "HTTP", "name": "w"}, "captureMode": "NONE"}, {"127.0.0.1:80"}),
        ({"bind": "127.0.0.9", "captureMode": "NONE"}, {"127.0.0.9:80", "127.0.0.9:6379"}),
        ({"bind": "0.0.0.0", "captureMode": "NONE"}, {"127.0.0.1:80", "127.0.0.9:80", "127.0.0.9:6379"}),
        ({"bind": "127.0.0.9"}, set()),
        ({"bind": "unix:///run/x.sock", "captureMode": "NONE"}, set()),
        ({"port": {"number": 7777, "protocol": "HTTP", "name": "w"}, "captureMode": "NONE"}, set()),
    ],
)
def test_listeners_without_capture_have_sockets_of_their_own(town, egress, sockets) -> None:
    of(town, "http:80:1", "tcp:6379:1").rule("Sidecar", "shop/s", egress=[{"hosts": ["*/*"], **egress}])
    asked = ["127.0.0.1:80", "127.0.0.9:80", "127.0.0.9:6379", "127.0.0.1:7777"]
    assert {each for each in asked if has_socket(town, each)} == sockets


def test_without_interception_every_listener_is_on_the_loopback_address(town) -> None:
    town.pod("shop/sleep-0", "10.1.0.1", annotations={"sidecar.istio.io/interceptionMode": "NONE"})
    town.service("shop/web", "10.9.0.1", ports=("tcp:6379:1",))
    assert has_socket(town, "127.0.0.1:6379")
    assert not has_socket(town, "10.9.0.1:6379")
    assert leads(town, "127.0.0.1:6379") == f"outbound|6379||web.shop{SUFFIX}"


def test_the_port_for_http_proxies_has_routes_for_every_port(town) -> None:
    of(town, "http:80:1").settings(proxyHttpPort=3128)
    assert has_socket(town, "127.0.0.1:3128")
    assert (listener(town, "127.0.0.1:3128").name, leads(town, "127.0.0.1:3128")) == ("127.0.0.1_3128", "http_proxy")
    assert listener(town, f"{ELSEWHERE}:3128").name == "virtualOutbound"


def test_entries_of_one_host_and_namespace_share_their_listeners_per_endpoint(town) -> None:
    """push_context.go ServiceEndpointsByPort knows endpoints by host and namespace, not by the ServiceEntry."""
    town.pod("shop/sleep-0", "10.1.0.1")
    ports = [{"number": 5432, "name": "tcp", "protocol": "TCP"}]
    town.rule("ServiceEntry", "shop/a", hosts=["db.com"], resolution="NONE", ports=ports)
    town.rule("ServiceEntry", "shop/b", hosts=["db.com"], resolution="NONE", ports=ports,
              endpoints=[{"address": "192.0.2.9"}])  # fmt: skip
    assert listener(town, "192.0.2.9:5432").name == "192.0.2.9_5432"
    assert listener(town, f"{ELSEWHERE}:5432").name == "virtualOutbound"


def test_a_prefix_from_zero_is_no_condition_to_envoy(town) -> None:
    """listener.go toFilterChainMatch leaves out 0.0.0.0, so that the chain for HTTP is not passed over."""
    of(town, "http:80:1")
    ports = [{"number": 80, "name": "tcp", "protocol": "TCP"}]
    town.rule("ServiceEntry", "shop/all", hosts=["all.com"], addresses=["0.0.0.0/0"], resolution="NONE", ports=ports)
    assert leads(town, f"{ELSEWHERE}:80", http="http/1.1") == "80"
    assert leads(town, f"{ELSEWHERE}:80") == "PassthroughCluster"
