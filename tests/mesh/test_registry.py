"""The service registry."""

from __future__ import annotations

import pytest

from analyzer.mesh.proxy import Proxy
from analyzer.mesh.registry import is_prefix, services_by_host, services_of

V4 = Proxy("shop", (), ("10.1.0.1",))


def hosts(mesh) -> list[str]:
    return [each.hostname for each in services_of(mesh)]


def test_a_kubernetes_service_is_known_by_its_full_name(town) -> None:
    found = services_of(town.service("shop/web", "10.9.0.1", ports=("http:80:8080",)).mesh())[0]
    assert (found.hostname, found.namespace, found.kubernetes) == ("web.shop.svc.cluster.local", "shop", True)
    assert (found.ports[0].number, found.ports[0].target, found.ports[0].protocol) == (80, 8080, "HTTP")
    assert found.place.field == "metadata.name"


def test_services_are_ordered_by_age_then_name_then_namespace(town) -> None:
    town.service("b/two", "10.9.0.1").service("a/two", "10.9.0.2").service("z/one", "10.9.0.3")
    mesh = town.service("a/old", "10.9.0.4", created="2026-01-01T00:00:00Z").mesh()
    assert [each.partition(".svc")[0] for each in hosts(mesh)] == ["one.z", "two.a", "two.b", "old.a"]
    assert [each.index for each in services_of(mesh)] == [0, 1, 2, 3]


def test_a_service_entry_is_one_service_per_host_and_address(town) -> None:
    town.entry(
        "shop/ext", ["B.com", "a.com"], ["tcp:80:TCP"], addresses=["10.2.0.1", "10.3.0.0/16", "10.2.0.9/32", "junk"]
    )
    found = [(each.hostname, each.addresses) for each in services_of(town.mesh())]
    assert found[:3] == [("a.com", ("10.2.0.1",)), ("a.com", ("10.3.0.0/16",)), ("a.com", ("10.2.0.9",))]
    assert len(services_by_host(town.mesh())["b.com"]) == 3


def test_headless_and_external_name_services_keep_no_address(town) -> None:
    mesh = town.service("shop/db", headless=True).alias("shop/out", "a.com").mesh()
    db, out = services_of(mesh)
    assert (db.headless, db.resolution, db.addresses) == (True, "passthrough", ())
    assert (out.resolution, out.external_name, out.headless) == ("alias", "a.com", False)


def test_a_service_without_a_known_address_says_so(town) -> None:
    assert services_of(town.service("shop/web").mesh())[0].address_unknown
    assert not services_of(town.service("shop/db", headless=True).mesh())[0].address_unknown


def test_addresses_are_those_of_the_proxys_family(town) -> None:
    town.service("shop/web", "10.9.0.1").documents[-1]["spec"]["clusterIPs"] = ["10.9.0.1", "fd::9"]
    found = services_of(town.mesh())[0]
    assert found.addresses_for(V4) == ("10.9.0.1",)
    assert found.addresses_for(Proxy("shop", (), ("fd::1",))) == ("fd::9",)


def test_a_service_without_usable_address_falls_back_to_its_own(town) -> None:
    found = services_of(town.service("shop/web", "fd::9").mesh())[0]
    assert found.addresses_for(V4) == ("fd::9",)


def test_allocated_addresses_count_where_dns_is_captured(town) -> None:
    status = {"addresses": [{"host": "a.com", "value": "240.240.0.1"}]}
    spec = {"hosts": ["a.com"], "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}], "resolution": "DNS"}
    found = services_of(town.add("networking.istio.io/v1", "ServiceEntry", "shop/e", spec=spec, status=status).mesh())[
        0
    ]
    assert found.addresses_for(V4) == ("0.0.0.0",)
    assert found.addresses_for(Proxy("shop", (), ("10.1.0.1",), dns_capture=True)) == ("240.240.0.1",)
    assert found.addresses_for(Proxy("shop", (), ("fd::1",), dns_capture=True)) == ("0.0.0.0",)


def test_prefixes_are_the_networks_among_the_addresses(town) -> None:
    town.entry("shop/ext", ["a.com"], ["tcp:80:TCP"], addresses=["10.3.0.5/16"])
    assert [str(each) for each in services_of(town.mesh())[0].prefixes_for(V4)] == ["10.3.0.0/16"]
    assert is_prefix("10.0.0.0/8")
    assert not is_prefix("x")


def test_aliases_lead_to_their_target_over_several_hops(town) -> None:
    town.service("shop/web", "10.9.0.1").alias("shop/one", "web.shop.svc.cluster.local")
    mesh = town.alias("pay/two", "one.shop.svc.cluster.local").mesh()
    web = services_by_host(mesh)["web.shop.svc.cluster.local"][0]
    assert web.aliases == (("two.pay.svc.cluster.local", "pay"), ("one.shop.svc.cluster.local", "shop"))


def test_aliases_in_a_loop_lead_nowhere(town) -> None:
    mesh = town.alias("shop/a", "b.shop.svc.cluster.local").alias("shop/b", "a.shop.svc.cluster.local").mesh()
    assert all(not each.aliases for each in services_of(mesh))


def test_udp_ports_are_not_found_by_number(town) -> None:
    found = services_of(town.service("shop/dns", "10.9.0.1", ports=("udp-x:53:53", "tcp:53:53")).mesh())[0]
    assert found.port(53).protocol == "TCP"
    assert found.port(54) is None


@pytest.mark.parametrize(("annotation", "exports"), [("", ()), (".", (".",)), ("a, b", ("a", "b"))])
def test_an_annotation_says_who_sees_a_service(town, annotation: str, exports: tuple[str, ...]) -> None:
    mesh = town.service("shop/web", "10.9.0.1", annotations={"networking.istio.io/exportTo": annotation}).mesh()
    assert services_of(mesh)[0].export_to == exports


@pytest.mark.parametrize(
    ("more", "labels", "counts"),
    [
        ({"resolution": "DNS"}, {}, True),
        ({"resolution": "NONE"}, {}, False),
        ({"resolution": "DNS"}, {"networking.istio.io/enable-autoallocate-ip": "False"}, False),
        ({"resolution": "DNS", "addresses": ["10.2.0.1"]}, {}, False),
    ],
)
def test_allocated_addresses_count_where_istiod_would_allocate_any(town, more, labels, counts) -> None:
    spec = {"hosts": ["a.com"], "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}], **more}
    status = {"addresses": [{"host": "a.com", "value": "240.240.0.1"}]}
    town.add("networking.istio.io/v1", "ServiceEntry", "shop/e", labels=labels, spec=spec, status=status)

    assert services_of(town.mesh())[0].allocated == (("240.240.0.1",) if counts else ())
