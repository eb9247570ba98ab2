"""Services are found by exact and wildcard hosts, in either direction."""

from __future__ import annotations

import pytest

from analyzer.mesh.hosts import hosts_overlap
from analyzer.verdict.lint.host_index import (
    full_name_of,
    is_registered,
    namespace_of_host,
    services_of_host,
    wildcards_over,
)


@pytest.fixture
def mesh(make, mesh_of):
    entry = {"ports": [{"number": 80, "name": "http", "protocol": "HTTP"}]}
    return mesh_of(
        make.service("shop/cart", created=2),
        make.service("pay/cart", created=1),
        make.istio("ServiceEntry", "shop/out", hosts=["*.example.com", "api.example.org"], created=3, **entry),
    )


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("cart.shop.svc.cluster.local", ["cart.shop.svc.cluster.local"]),
        ("*.cluster.local", ["cart.pay.svc.cluster.local", "cart.shop.svc.cluster.local"]),
        ("*.shop.svc.cluster.local", ["cart.shop.svc.cluster.local"]),
        ("*hop.svc.cluster.local", ["cart.shop.svc.cluster.local"]),
        ("*.com", ["*.example.com"]),
        ("a.example.com", []),
    ],
)
def test_a_host_names_its_services_oldest_first(mesh, host: str, names: list[str]):
    assert [service.hostname for service in services_of_host(mesh, host)] == names


def test_the_full_wildcard_names_all(mesh):
    assert len(services_of_host(mesh, "*")) == 4


@pytest.mark.parametrize(
    "host", ["api.example.org", "*.example.org", "a.example.com", "*.a.example.com", "*.com", "*", "example.com", "b.c"]
)
def test_a_host_is_registered_where_names_overlap(mesh, host: str):
    hosts = [service.hostname for service in services_of_host(mesh, "*")]

    assert is_registered(mesh, host) == any(hosts_overlap(host, each) for each in hosts)


def test_wildcards_over_a_host_come_from_the_longest():
    assert list(wildcards_over("ab")) == ["*ab", "*b", "*"]
    assert list(wildcards_over("*.b")) == ["*.b", "*b", "*"]


def test_short_forms_lead_to_the_service_that_was_meant(mesh):
    assert full_name_of(mesh, "cart.pay") == "cart.pay.svc.cluster.local"
    assert full_name_of(mesh, "cart.pay.svc") == "cart.pay.svc.cluster.local"
    assert [full_name_of(mesh, host) for host in ("cart.web", "cart", "cart.pay.svc.cluster")] == ["", "", ""]


def test_the_namespace_stands_in_a_full_name_only():
    assert namespace_of_host("cart.shop.svc.cluster.local") == "shop"
    assert namespace_of_host("cart.shop.svc") == ""
