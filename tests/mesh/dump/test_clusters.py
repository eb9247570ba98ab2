"""Clusters and endpoints of a dump."""

from __future__ import annotations

import json

import pytest

from analyzer.mesh.dump.clusters import cluster_of_dump
from analyzer.mesh.dump.proxy_dump import ProxyDump
from analyzer.mesh.load import parse_mesh
from analyzer.mesh.outbound.cluster import Cluster, NoCluster, endpoint_tls

WEB = "outbound|80||web.shop.svc.cluster.local"
TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def socket(*alpn: str, sni: str = "", names=(), old_names=()):
    validation = {
        "match_typed_subject_alt_names": [{"matcher": {"exact": each}} for each in names],
        "match_subject_alt_names": [{"exact": each} for each in old_names],
    }
    common = {"alpn_protocols": alpn, "combined_validation_context": {"default_validation_context": validation}}
    return {"transport_socket": {"typed_config": {"@type": TLS, "sni": sni, "common_tls_context": common}}}


def endpoint(address: str, port: int = 8080, *, mutual: bool = False, **more):
    match = {"envoy.transport_socket_match": {"tlsMode": "istio"}} if mutual else {}
    metadata = {"filter_metadata": {"istio": {"workload": "web-0;shop;;;"}, **match}}
    address = {"socket_address": {"address": address, "port_value": port}}
    return {"endpoint": {"address": address}, "metadata": metadata, **more}


def assignment(*endpoints, name: str = WEB):
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": list(endpoints)}]}


@pytest.fixture
def found(dumped, town):
    """The cluster of one dump; ``yaml`` is what the mesh says beside it."""

    def find(cluster, *, endpoints=(), yaml: bool = True, name: str = WEB) -> Cluster | NoCluster:
        if yaml:
            town.pod("shop/web-0", "10.1.0.2").service("shop/web", "10.9.0.1")
        content = dumped("shop/sleep-0", "10.1.0.1", clusters=[{"name": WEB, **cluster}], endpoints=endpoints)
        mesh = parse_mesh("\n---\n".join(filter(None, [town.text, json.dumps(content)])))
        return cluster_of_dump(mesh, mesh.views[ProxyDump][0], name)

    return find


def test_a_cluster_that_the_proxy_has_not_got_is_none(found) -> None:
    none = found({}, name="outbound|81||web.shop.svc.cluster.local")

    assert isinstance(none, NoCluster)
    assert "shop/sleep-0 has no such cluster" in none.why


def test_the_service_is_the_meshs_where_the_yaml_has_it(found) -> None:
    cluster = found({"type": "EDS"}, endpoints=[])

    assert (cluster.service.namespace, cluster.service.headless, cluster.port.number) == ("shop", False, 80)


@pytest.mark.parametrize(
    ("kind", "name", "headless", "external"),
    [
        ("EDS", WEB, False, False),
        ("ORIGINAL_DST", WEB, True, False),
        ("STRICT_DNS", "outbound|443||api.example.com", False, True),
        ("EDS", "own", False, True),
    ],
)
def test_without_yaml_name_and_type_tell_the_service(found, kind, name, headless, external) -> None:
    cluster = found({"type": kind, "name": name}, endpoints=[], yaml=False, name=name)

    assert (cluster.service.headless, cluster.service.external) == (headless, external)


def test_a_service_of_the_namespace_that_the_cluster_names_is_meant(found, town) -> None:
    town.entry("bank/web", ["api.example.com"], ["http:80:HTTP"]).entry(
        "shop/web", ["api.example.com"], ["http:80:HTTP"]
    )
    services = {"istio": {"services": [{"host": "api.example.com", "namespace": "bank"}]}}
    name = "outbound|80||api.example.com"

    cluster = found({"name": name, "metadata": {"filter_metadata": services}}, endpoints=[], yaml=False, name=name)

    assert cluster.service.namespace == "bank"


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"type": "EDS"}, "EDS"),
        ({"type": "ORIGINAL_DST"}, "ORIGINAL_DST"),
        ({"type": "LOGICAL_DNS"}, "DNS"),
        ({"cluster_type": {"name": "envoy.clusters.dynamic_forward_proxy"}}, "DYNAMIC_FORWARD_PROXY"),
        ({}, "DNS"),
    ],
)
def test_the_type_says_who_is_chosen(found, fields, kind) -> None:
    assert found(fields, endpoints=[]).kind == kind


def test_endpoints_are_those_of_the_dump(found) -> None:
    listed = [endpoint("10.1.0.2"), endpoint("10.1.0.3", health_status="UNHEALTHY"), {"endpoint": {"address": {}}}]

    cluster = found({"type": "EDS"}, endpoints=[assignment(*listed)])

    assert [(each.address, each.port, each.healthy) for each in cluster.endpoints] == [
        ("10.1.0.2", 8080, True),
        ("10.1.0.3", 8080, False),
    ]
    assert (cluster.endpoints[0].pod.full_name, cluster.endpoints[1].pod) == ("shop/web-0", None)


def test_endpoints_may_go_by_another_name(found) -> None:
    cluster = found(
        {"type": "EDS", "eds_cluster_config": {"service_name": "other"}},
        endpoints=[assignment(endpoint("10.1.0.2"), name="other")],
    )

    assert len(cluster.endpoints) == 1


def test_endpoints_may_stand_in_the_cluster(found) -> None:
    cluster = found(
        {"type": "STRICT_DNS", "load_assignment": assignment(endpoint("api.example.com", 443))}, endpoints=None
    )

    assert [each.address for each in cluster.endpoints] == ["api.example.com"]


def test_a_cluster_without_endpoints_has_none(found) -> None:
    cluster = found({"type": "EDS"}, endpoints=[])

    assert (cluster.endpoints, cluster.endpoints_known) == ((), True)


def test_where_the_dump_was_taken_without_endpoints_the_yaml_has_them(found) -> None:
    cluster = found({"type": "EDS"}, endpoints=None)

    assert [each.address for each in cluster.endpoints] == ["10.1.0.2"]


def test_without_either_they_are_not_known(found) -> None:
    assert not found({"type": "EDS"}, endpoints=None, yaml=False).endpoints_known


def test_mutual_tls_goes_to_the_endpoints_that_are_marked(found) -> None:
    matches = [{"name": "tlsMode-istio", "match": {"tlsMode": "istio"}, **socket("istio", sni="outbound_.80_._.web")}]
    listed = [endpoint("10.1.0.2", mutual=True), endpoint("10.1.0.3")]

    cluster = found({"type": "EDS", "transport_socket_matches": matches}, endpoints=[assignment(*listed)])

    assert (cluster.tls, cluster.auto_tls, cluster.client_tls.sni) == ("mtls", True, "outbound_.80_._.web")
    assert [endpoint_tls(None, cluster, each) for each in cluster.endpoints] == ["mtls", "plaintext"]


@pytest.mark.parametrize(
    ("fields", "tls"),
    [
        ({}, "plaintext"),
        ({"transport_socket": {"typed_config": {"@type": "type.googleapis.com/x.RawBuffer"}}}, "plaintext"),
        (socket("h2", "http/1.1"), "tls"),
        (socket("istio-peer-exchange", "istio"), "mtls"),
    ],
)
def test_the_alpn_tells_the_meshs_tls_from_ordinary(found, fields, tls) -> None:
    assert found({"type": "EDS", **fields}, endpoints=[]).tls == tls


@pytest.mark.parametrize(("more", "mode"), [({}, "SIMPLE"), ({"tls_certificates": [{}]}, "MUTUAL")])
def test_ordinary_tls_may_show_a_certificate_of_its_own(found, more, mode) -> None:
    fields = socket("h2")
    fields["transport_socket"]["typed_config"]["common_tls_context"] |= more

    assert found({"type": "EDS", **fields}, endpoints=[]).client_tls.mode == mode


@pytest.mark.parametrize("spelling", ["names", "old_names"])
def test_the_names_of_the_server_are_read(found, spelling) -> None:
    cluster = found({"type": "EDS", **socket("istio", **{spelling: ["spiffe://a"]})}, endpoints=[])

    assert cluster.client_tls.sans == ("spiffe://a",)


@pytest.mark.parametrize(
    ("fields", "http2"),
    [
        ({}, False),
        ({"http2_protocol_options": {}}, True),
        (
            {"typed_extension_protocol_options": {OPTIONS: {"explicit_http_config": {"http2_protocol_options": {}}}}},
            True,
        ),
        ({"typed_extension_protocol_options": {OPTIONS: {"use_downstream_protocol_config": {}}}}, None),
    ],
)
def test_the_http_version_is_the_clusters_or_the_clients(found, fields, http2) -> None:
    assert found({"type": "EDS", **fields}, endpoints=[]).http2_upstream is http2


def test_the_port_of_the_client_may_be_replaced(found) -> None:
    config = {"original_dst_lb_config": {"upstream_port_override": 8443}}

    assert found({"type": "ORIGINAL_DST", **config}, endpoints=[]).upstream_port == 8443
