"""Services that want the same address and port."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.listener_conflicts import find_listener_conflicts


def entry(make, name: str, protocol: str, *, created: int = 1, resolution: str = "STATIC", **spec):
    ports = [{"number": 5432, "name": "p", "protocol": protocol}]
    return make.istio(
        "ServiceEntry",
        f"shop/{name}",
        hosts=[f"{name}.com"],
        ports=ports,
        resolution=resolution,
        created=created,
        **spec,
    )


def test_the_older_opaque_service_has_the_port(make, lint):
    found = lint(find_listener_conflicts, entry(make, "a", "TCP", created=2), entry(make, "b", "TCP"))

    assert [(each.code.name, each.resource) for each in found] == [("listener-conflict", "ServiceEntry shop/a")]
    assert "port 5432 of any address for a.com go to b.com of ServiceEntry shop/b instead" in found[0].sentence


@pytest.mark.parametrize("protocol", ["TCP", "TLS"])
def test_a_shared_address_hides_the_younger_even_with_tls(make, lint, protocol: str):
    address = {"addresses": ["10.9.9.9"]}
    documents = entry(make, "a", protocol, **address), entry(make, "b", protocol, created=2, **address)

    found = lint(find_listener_conflicts, *documents)

    assert [each.resource for each in found] == ["ServiceEntry shop/b"]
    assert "connections to 10.9.9.9:5432" in found[0].sentence


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("TLS", {}), ("TLS", {})),
        (("HTTP", {}), ("TCP", {})),
        (("HTTP", {}), ("HTTP", {})),
        (("TCP", {"addresses": ["10.9.9.9"]}), ("TCP", {"addresses": ["10.9.9.8"]})),
        (("TCP", {"exportTo": ["."]}), ("TCP", {})),
        (("TCP", {"resolution": "NONE"}), ("TCP", {"resolution": "NONE"})),
    ],
)
def test_what_can_be_told_apart_does_not_conflict(make, codes, one, other):
    documents = entry(make, "a", one[0], **one[1]), entry(make, "b", other[0], created=2, **other[1])

    assert codes(find_listener_conflicts, *documents) == []


def test_mongo_is_not_merged_with_anything(make, lint):
    documents = entry(make, "a", "MONGO"), make.service("shop/web", [{"name": "http", "port": 5432}], created=2)

    found = lint(find_listener_conflicts, *documents)

    assert [(each.code.name, each.resource) for each in found] == [("listener-conflict", "Service shop/web")]


def test_an_http_proxy_port_breaks_what_is_opaque(make, lint):
    proxy = make.service("shop/proxy", [{"name": "http_proxy", "port": 5432}], created=2)

    found = lint(find_listener_conflicts, entry(make, "a", "TCP"), proxy)

    assert [(each.code.name, each.resource) for each in found] == [("http-proxy-port", "ServiceEntry shop/a")]


def test_headless_services_of_the_same_pods_are_worth_knowing(make, lint):
    ports = [{"name": "tcp", "port": 5432}]
    documents = [make.service(f"shop/{name}", ports, ip="None", app="db") for name in ("a", "b")]
    pod = make.pod("shop/db-0", "10.1.0.7", app="db")

    found = lint(find_listener_conflicts, *documents, pod, make.service("shop/other", ports, app="none"))

    assert [(each.code.name, each.resource) for each in found] == [("headless-overlap", "Service shop/b")]


def test_the_choice_of_a_virtual_service_is_its_authors(make, codes):
    to_db = make.virtual_service("shop/r", ["a.com", "b.com"], tcp=[make.rule("a.com")])

    assert codes(find_listener_conflicts, entry(make, "a", "TCP"), entry(make, "b", "TCP", created=2), to_db) == []
