"""VirtualServices."""

from __future__ import annotations

import pytest

from analyzer.mesh.kinds.virtual_service import VirtualService


def service_of(town, **spec) -> VirtualService:
    return town.rule("VirtualService", "shop/vs", **spec).mesh().of(VirtualService)[0]


def http_of(town, **rule):
    return service_of(town, hosts=["web"], http=[rule]).http[0]


def test_short_hosts_are_resolved_in_its_own_namespace(town) -> None:
    found = service_of(
        town, hosts=["web", "web.pay", "*.example.com"], http=[{"route": [{"destination": {"host": "db"}}]}]
    )
    assert found.hosts == ("web.shop.svc.cluster.local", "web.pay", "*.example.com")
    assert found.http[0].route[0].host == "db.shop.svc.cluster.local"
    assert found.key == ("shop", "vs")


def test_it_is_for_the_mesh_unless_gateways_say_otherwise(town) -> None:
    assert service_of(town, hosts=["web"]).for_mesh
    assert not service_of(town, hosts=["web"], gateways=["gw"]).for_mesh


@pytest.mark.parametrize(
    ("written", "gateway"),
    [
        ("gw", "shop/gw"),
        ("pay/gw", "pay/gw"),
        ("./gw", "shop/gw"),
        ("old.pay.svc.cluster.local", "pay/old"),
        ("old.pay", "pay/old"),
        ("mesh", "mesh"),
    ],
)
def test_a_gateway_may_be_named_in_several_ways(town, written: str, gateway: str) -> None:
    assert service_of(town, hosts=["web"], gateways=[written]).gateways == (gateway,)


def test_matches_are_read_whole(town) -> None:
    match = http_of(
        town,
        match=[
            {
                "name": "m",
                "uri": {"prefix": "/a"},
                "ignoreUriCase": True,
                "scheme": {"exact": "http"},
                "method": {"regex": "G.*"},
                "authority": {"exact": "web"},
                "headers": {"x-user": {"exact": "bob"}},
                "withoutHeaders": {"x-old": {}},
                "queryParams": {"q": {"exact": "1"}},
                "port": 80,
                "gateways": ["mesh"],
                "sourceLabels": {"app": "a"},
                "sourceNamespace": "shop",
            }
        ],
    ).matches[0]
    assert (match.name, match.uri.kind, match.uri.value, match.ignore_uri_case) == ("m", "prefix", "/a", True)
    assert (match.headers[0][0], match.headers[0][1].value) == ("x-user", "bob")
    assert match.without_headers[0][1].kind == ""
    assert (match.port, match.gateways, match.source_namespace) == (80, ("mesh",), "shop")


def test_destinations_know_port_subset_weight_and_place(town) -> None:
    destination = {"host": "web", "port": {"number": 8080}, "subset": "v1"}
    found = http_of(town, route=[{"destination": destination, "weight": 30}]).route[0]
    assert (found.port, found.subset, found.weight) == (8080, "v1", 30)
    assert found.place.field == "spec.http[0].route[0].destination.subset"


@pytest.mark.parametrize(("redirect", "code"), [({"uri": "/x"}, 301), ({"redirectCode": 308}, 308)])
def test_a_redirect_is_permanent_unless_it_says_otherwise(town, redirect: dict, code: int) -> None:
    assert http_of(town, redirect=redirect).redirect.code == code


@pytest.mark.parametrize(
    ("abort", "status", "percent"),
    [
        ({"httpStatus": 503, "percentage": {"value": 100}}, 503, 100.0),
        ({"httpStatus": 503}, 503, 0.0),
        ({"grpcStatus": "UNAVAILABLE", "percentage": {"value": 0.5}}, 200, 0.5),
    ],
)
def test_an_abort_without_percentage_aborts_nothing(town, abort: dict, status: int, percent: float) -> None:
    found = http_of(town, fault={"abort": abort}).abort
    assert (found.status, found.percent) == (status, percent)


def test_other_actions_are_read(town) -> None:
    found = http_of(
        town,
        directResponse={"status": 418},
        rewrite={"uri": "/x", "authority": "y", "uriRegexRewrite": {"match": "a", "rewrite": "b"}},
        headers={"request": {"set": {"X-A": "1"}, "add": {"X-B": "2"}, "remove": ["X-C"]}},
        retries={"attempts": 0},
        mirror={"host": "copy"},
        mirrors=[{"destination": {"host": "other", "port": {"number": 80}}}],
    )
    assert found.direct_response.status == 418
    assert (found.rewrite.uri, found.rewrite.authority, found.rewrite.pattern) == ("/x", "y", "a")
    assert (found.headers.set, found.headers.add, found.headers.remove) == ((("x-a", "1"),), (("x-b", "2"),), ("x-c",))
    assert found.retries == 0
    assert [each.host.partition(".")[0] for each in found.mirrors] == ["copy", "other"]


def test_a_delegate_lives_in_the_same_namespace_unless_it_says_otherwise(town) -> None:
    assert http_of(town, delegate={"name": "d"}).delegate == ("shop", "d")
    assert http_of(town, delegate={"name": "d", "namespace": "pay"}).delegate == ("pay", "d")


def test_tcp_and_tls_rules_are_read(town) -> None:
    route = [{"destination": {"host": "db"}}]
    found = service_of(
        town,
        hosts=["db"],
        tcp=[
            {
                "match": [{"destinationSubnets": ["10.0.0.0/8"], "port": 5432, "sourceLabels": {"a": "b"}}],
                "route": route,
            }
        ],
        tls=[{"match": [{"sniHosts": ["DB.Example.com"], "sourceNamespace": "pay"}], "route": route}],
    )
    tcp, tls = found.tcp[0].matches[0], found.tls[0].matches[0]
    assert (tcp.destination_subnets, tcp.port, tcp.source_labels) == (("10.0.0.0/8",), 5432, {"a": "b"})
    assert (tls.sni_hosts, tls.source_namespace) == (("db.example.com",), "pay")
    assert found.tcp[0].route[0].host == "db.shop.svc.cluster.local"


def test_an_abort_without_a_status_is_none(town) -> None:
    assert http_of(town, fault={"abort": {"percentage": {"value": 100}}}).abort is None
