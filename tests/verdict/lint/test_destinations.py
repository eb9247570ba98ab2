"""Routes that lead nowhere are found; what the input does not show is not judged."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.destinations import find_destinations

PORTS = [{"name": "http", "port": 80}, {"name": "http-admin", "port": 9000}]


def routed(make, host: str, **fields):
    return make.virtual_service("shop/r", ["cart"], [make.rule(host, **fields)])


@pytest.mark.parametrize("host", ["ghost", "ghost.shop.svc.cluster.local", "api.example.com"])
def test_a_host_that_nobody_has_leads_nowhere(make, lint, host: str):
    found = lint(find_destinations, make.service("shop/cart"), routed(make, host))

    assert [each.code.name for each in found] == ["unknown-destination"]
    assert found[0].yaml[0].field == "spec.http[0].route[0].destination.host"


def test_a_short_form_is_not_completed(make, codes):
    assert codes(find_destinations, make.service("shop/cart"), routed(make, "cart.shop")) == ["short-host"]


def test_a_namespace_that_is_not_in_the_input_is_not_judged(make, codes):
    documents = make.service("shop/cart"), routed(make, "ghost.pay.svc.cluster.local")

    assert codes(find_destinations, *documents) == []
    assert codes(find_destinations, routed(make, "api.example.com")) == []


def test_a_port_of_the_pods_is_no_port_of_the_service(make, lint):
    found = lint(find_destinations, make.service("shop/cart", PORTS), routed(make, "cart", port=8080))

    assert [each.code.name for each in found] == ["unknown-destination-port"]
    assert found[0].sentence.endswith("has no port 8080 to route to; it has 80 and 9000")


def test_requests_keep_their_port_where_none_is_named(make, codes):
    other = make.service("shop/other", [{"name": "http", "port": 8080}])
    same = make.service("shop/same", PORTS)
    cart = make.service("shop/cart", PORTS)

    assert codes(find_destinations, cart, other, routed(make, "other")) == ["unknown-destination-port"]
    assert codes(find_destinations, cart, other, routed(make, "other", port=8080)) == []
    assert codes(find_destinations, cart, same, routed(make, "same")) == []


def test_some_callers_may_keep_a_port_that_is_missing(make, lint):
    one = make.service("shop/one", [{"name": "http", "port": 80}])

    found = lint(find_destinations, make.service("shop/cart", PORTS), one, routed(make, "one"))

    assert [each.code.name for each in found] == ["implied-destination-port"]
    assert "requests on port 9000 keep it" in found[0].sentence


def test_a_match_narrows_the_ports(make, codes):
    one = make.service("shop/one", [{"name": "http", "port": 80}])
    vs = make.virtual_service("shop/r", ["cart"], [make.rule("one", {"port": 80}), make.rule("cart")])

    assert codes(find_destinations, make.service("shop/cart", PORTS), one, vs) == []


def test_a_gateway_takes_the_only_port_and_keeps_its_own_among_several(make, codes):
    gateway = make.istio("Gateway", "shop/g", servers=[{"port": {"number": 443, "name": "x", "protocol": "HTTPS"}}])
    vs = make.virtual_service("shop/r", ["shop.com"], [make.rule("one")], gateways=["g"])
    several = make.virtual_service("shop/s", ["shop.com"], [make.rule("two")], gateways=["g"])
    one, two = make.service("shop/one", [{"name": "http", "port": 8080}]), make.service("shop/two", PORTS)

    assert codes(find_destinations, gateway, one, two, vs) == []
    assert codes(find_destinations, gateway, one, two, several) == ["unknown-destination-port"]


def test_opaque_rules_take_the_only_port(make, codes):
    db = make.service("shop/db", [{"name": "tcp", "port": 5432}])
    one = make.service("shop/one", [{"name": "tcp", "port": 5433}])
    two = make.service("shop/two", [{"name": "tcp-a", "port": 1}, {"name": "tcp-b", "port": 2}])
    vs = [make.virtual_service(f"shop/{to}", ["db"], tcp=[make.rule(to)]) for to in ("one", "two")]

    assert codes(find_destinations, db, one, two, *vs) == ["unknown-destination-port"]


def test_tls_rules_are_asked_for_on_tls_ports(make, codes):
    web = make.service("shop/web", [{"name": "tls", "port": 443}, {"name": "http", "port": 80}])
    two = make.service("shop/two", [{"name": "tls", "port": 443}, {"name": "x", "port": 2}])
    rule = {"match": [{"sniHosts": ["web"]}], **make.rule("two")}

    assert codes(find_destinations, web, two, make.virtual_service("shop/r", ["web"], tls=[rule])) == []


def test_what_gets_no_request_is_not_judged(make, codes):
    rule = {"route": [{"destination": {"host": "cart"}, "weight": 100}, {"destination": {"host": "gone"}, "weight": 0}]}
    redirect = {"redirect": {"uri": "/x"}, "route": [{"destination": {"host": "gone"}}]}
    vs = make.virtual_service("shop/r", ["cart"], [rule, redirect])

    assert codes(find_destinations, make.service("shop/cart"), vs) == []


def test_mirrors_are_judged_too(make, lint):
    vs = make.virtual_service("shop/r", ["cart"], [make.rule("cart", mirror={"host": "ghost"})])

    found = lint(find_destinations, make.service("shop/cart"), vs)

    assert [each.code.name for each in found] == ["unknown-destination"]
    assert found[0].sentence.endswith("no Service ghost.shop.svc.cluster.local to mirror to")


def test_an_external_name_needs_a_target_in_the_mesh(make, codes):
    cart = make.service("shop/cart")
    known = make.external_name("shop/known", "cart.shop.svc.cluster.local")
    unknown = make.external_name("shop/unknown", "db.example.com")

    assert codes(find_destinations, cart, known, routed(make, "known")) == []
    assert codes(find_destinations, cart, unknown, routed(make, "unknown")) == ["unknown-destination"]


def test_an_invalid_backend_of_the_gateway_api_is_named(make, lint):
    route = make.resource(
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        "shop/api",
        {
            "parentRefs": [{"group": "", "kind": "Service", "name": "cart"}],
            "rules": [{"backendRefs": [{"kind": "Bucket", "name": "x", "port": 80}]}],
        },
    )

    found = lint(find_destinations, make.service("shop/cart"), route)

    assert [(each.code.name, each.resource) for each in found] == [("unknown-destination", "HTTPRoute shop/api")]
