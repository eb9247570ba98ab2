"""Proxies as istiod knows them."""

from __future__ import annotations

from analyzer.mesh.proxy import Proxy, proxy_of, proxy_with


def test_a_pod_gives_its_proxy_labels_and_addresses(town) -> None:
    mesh, proxy = town.pod("shop/web-0", "10.1.0.9").proxy("shop/web-0")
    assert (proxy.namespace, proxy.pod, proxy.ips) == ("shop", "web-0", ("10.1.0.9",))
    assert proxy.label_map["app"] == "web"
    assert not proxy.dns_capture
    assert proxy == proxy_of(mesh, mesh.pod("shop", "web-0"))


def test_dns_capture_is_on_by_the_mesh_or_by_the_pod(town) -> None:
    town.settings(defaultConfig={"proxyMetadata": {"ISTIO_META_DNS_CAPTURE": "true", "ISTIO_META_HTTP10": "1"}})
    town.pod("shop/web-0")
    off = {"name": "ISTIO_META_DNS_CAPTURE", "value": "false"}
    town.documents.append(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "off-0", "namespace": "shop"},
         "spec": {"containers": [{"name": "istio-proxy", "env": [off]}]}}
    )  # fmt: skip
    mesh = town.mesh()
    assert proxy_of(mesh, mesh.pod("shop", "web-0")).dns_capture
    assert proxy_of(mesh, mesh.pod("shop", "web-0")).http10
    assert not proxy_of(mesh, mesh.pod("shop", "off-0")).dns_capture


def test_a_proxy_may_be_told_to_make_no_request_ids(town) -> None:
    town.pod("shop/web-0").settings(defaultConfig={"proxyHeaders": {"requestId": {"disabled": True}}})
    mesh = town.mesh()
    assert not proxy_of(mesh, mesh.pod("shop", "web-0")).request_ids
    assert not proxy_with(mesh, "shop", {}).request_ids


def test_a_proxy_may_be_known_by_labels_only(town) -> None:
    proxy = proxy_with(town.mesh(), "shop", {"b": "2", "a": "1"})
    assert proxy.labels == (("a", "1"), ("b", "2"))
    assert proxy.ipv4
    assert not proxy.ipv6


def test_the_wildcard_is_of_a_family_that_the_proxy_has() -> None:
    assert Proxy("a", (), ("fd00::1",)).wildcard == "::"
    assert Proxy("a", (), ("10.0.0.1", "fd00::1")).wildcard == "0.0.0.0"
    assert Proxy("a", (), ("10.0.0.1",)).supports("10.9.0.1")
    assert not Proxy("a", (), ("10.0.0.1",)).supports("fd00::9")
