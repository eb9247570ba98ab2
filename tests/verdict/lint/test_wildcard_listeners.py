"""ServiceEntries without addresses that take a whole port."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.wildcard_listeners import find_wildcard_listeners


def entry(make, protocol: str, *, created: int = 2, resolution: str = "DNS", **spec):
    ports = [{"number": 5432, "name": "p", "protocol": protocol}]
    return make.istio(
        "ServiceEntry", "shop/db", hosts=["db.example.com"], ports=ports, resolution=resolution, created=created, **spec
    )


@pytest.mark.parametrize("protocol", ["TCP", "MONGO", "REDIS"])
def test_an_opaque_port_takes_all_connections(make, lint, protocol: str):
    found = lint(find_wildcard_listeners, entry(make, protocol))

    assert [each.code.name for each in found] == ["port-taken"]
    assert "every TCP connection of clients to port 5432, whatever the address, goes to db.example.com" in (
        found[0].sentence
    )


def test_without_resolution_connections_keep_their_address(make, codes):
    assert codes(find_wildcard_listeners, entry(make, "TCP", resolution="NONE")) == ["port-adopted"]


@pytest.mark.parametrize("protocol", ["TLS", "HTTPS", "HTTP", "GRPC"])
def test_names_tell_these_apart(make, codes, protocol: str):
    assert codes(find_wildcard_listeners, entry(make, protocol)) == []


@pytest.mark.parametrize(
    "spec",
    [
        {"addresses": ["10.0.0.1"]},
        {"exportTo": ["~"]},
        {"resolution": "NONE", "workloadSelector": {"labels": {"app": "x"}}},
    ],
)
def test_addresses_and_endpoints_and_nobody_take_no_port(make, codes, spec):
    assert codes(find_wildcard_listeners, entry(make, "TCP", **spec)) == []


def test_a_private_entry_takes_it_from_its_namespace(make, lint):
    assert "of clients in shop to port" in lint(find_wildcard_listeners, entry(make, "TCP", exportTo=["."]))[0].sentence


def test_automatic_addresses_count_with_dns_capture_only(make, codes):
    allocated = entry(make, "TCP")
    allocated["status"] = {"addresses": [{"host": "db.example.com", "value": "240.240.0.1"}]}
    capture = make.mesh_config(defaultConfig={"proxyMetadata": {"ISTIO_META_DNS_CAPTURE": "true"}})

    assert codes(find_wildcard_listeners, allocated) == ["port-taken"]
    assert codes(find_wildcard_listeners, allocated, capture) == []


def test_an_undeclared_port_takes_what_is_not_http_where_nothing_http_is_older(make, lint):
    http = [{"name": "http", "port": 5432}]

    assert lint(find_wildcard_listeners, entry(make, ""), make.service("shop/web", http)) == []
    younger = lint(find_wildcard_listeners, entry(make, ""), make.service("shop/web", http, created=3))
    assert "every connection that is not HTTP of clients" in younger[0].sentence
