"""Chains of TCP and TLS ports under VirtualServices."""

from __future__ import annotations

import pytest

from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.virtual_service import L4Match
from analyzer.mesh.outbound.l4_chains import Offer, applies, l4_chains
from analyzer.mesh.outbound.scope import scope_of
from analyzer.mesh.proxy import Proxy

SUFFIX = ".svc.cluster.local"


def chains(town, port="tcp:5432:5432", bind="10.9.0.1", **service):
    """The chains of db.shop as web-0 is told of them."""
    town.pod("shop/web-0").service("shop/db", "10.9.0.1", ports=(port,), **service)
    town.service("shop/other", "10.9.0.2", ports=("tcp:5432:1", "tls:443:1"))
    mesh, proxy = town.proxy("shop/web-0")
    scope = scope_of(mesh, proxy)
    found = scope.services[f"db.shop{SUFFIX}"]
    return l4_chains(scope, proxy, Offer(found, found.ports[0], bind), scope.egress[0].virtual_services)


def to(host: str, weight: int = 0, **more):
    return {"destination": {"host": host, **more}, **({"weight": weight} if weight else {})}


def vs(town, kind: str, *rules: dict, host="db"):
    return town.rule("VirtualService", "shop/vs", hosts=[host], **{kind: list(rules)})


def clusters(chain) -> list[tuple[str, int]]:
    return [(each.cluster.replace(SUFFIX, ""), each.weight) for each in chain.clusters]


def test_without_rules_the_service_has_its_own_chain(town) -> None:
    (chain,) = chains(town)
    assert clusters(chain) == [("outbound|5432||db.shop", 1)]
    assert (chain.owner, chain.server_names) == (f"db.shop{SUFFIX}", ())


def test_a_rule_without_match_takes_the_port(town) -> None:
    vs(town, "tcp", {"route": [to("other", port={"number": 5432})]})
    assert [clusters(each) for each in chains(town)] == [[("outbound|5432||other.shop", 1)]]


def test_weights_split_and_zero_does_not_count(town) -> None:
    vs(town, "tcp", {"route": [to("other", 30), to("db", 70), to("db")]})
    assert clusters(chains(town)[0]) == [("outbound|5432||other.shop", 30), ("outbound|5432||db.shop", 70)]


def test_a_rule_for_another_port_does_not_apply(town) -> None:
    vs(town, "tcp", {"match": [{"port": 99}], "route": [to("other")]})
    assert clusters(chains(town)[0])[0][0] == "outbound|5432||db.shop"


def test_a_rule_without_route_is_left_out(town) -> None:
    vs(town, "tcp", {"match": [{"port": 5432}]})
    assert clusters(chains(town)[0])[0][0] == "outbound|5432||db.shop"


def test_subnets_make_a_chain_of_their_own_beside_the_services(town) -> None:
    vs(
        town,
        "tcp",
        {"match": [{"destinationSubnets": ["10.9.0.0/24", "junk"]}], "route": [to("other", port={"number": 5432})]},
    )
    subnets, own = chains(town)
    assert [str(each) for each in subnets.prefixes] == ["10.9.0.0/24"]
    assert own.prefixes == ()


def test_a_match_without_subnets_ends_the_rules(town) -> None:
    vs(town, "tcp", {"match": [{"port": 5432}], "route": [to("other")]}, {"route": [to("db")]})
    assert len(chains(town)) == 1


def test_a_tls_port_with_an_address_needs_no_server_name(town) -> None:
    (chain,) = chains(town, "tls:443:443")
    assert chain.server_names == ()


def test_a_tls_port_without_address_is_told_by_name_and_by_its_aliases_names(town) -> None:
    town.pod("shop/web-0").entry("shop/e", ["api.example.com"], ["tls:443:TLS"]).alias("shop/in", "api.example.com")
    mesh, proxy = town.proxy("shop/web-0")
    scope = scope_of(mesh, proxy)
    entry = scope.services["api.example.com"]
    (chain,) = l4_chains(scope, proxy, Offer(entry, entry.ports[0], "0.0.0.0"), ())
    assert chain.server_names[:3] == ("api.example.com", f"in.shop{SUFFIX}", f"in.shop{SUFFIX}.")
    assert "in" in chain.server_names


def test_tls_rules_replace_the_services_own_chain(town) -> None:
    rule = {
        "match": [{"sniHosts": ["a.example.com"]}, {"sniHosts": ["b.example.com"]}],
        "route": [to("other", port={"number": 443})],
    }
    vs(town, "tls", rule)
    found = chains(town, "tls:443:443")
    assert [each.server_names for each in found] == [("a.example.com",), ("b.example.com",)]
    assert clusters(found[0]) == [("outbound|443||other.shop", 1)]


def test_of_equal_tls_matches_the_first_counts(town) -> None:
    vs(
        town,
        "tls",
        {"match": [{"sniHosts": ["a.example.com"]}], "route": [to("other", port={"number": 443})]},
        {"match": [{"sniHosts": ["a.example.com"]}], "route": [to("db", port={"number": 443})]},
    )
    assert len(chains(town, "tls:443:443")) == 1


def test_tls_subnets_stay_for_the_matches_that_follow(town) -> None:
    match = [
        {"sniHosts": ["a"], "destinationSubnets": ["10.0.0.0/8"]},
        {"sniHosts": ["b"]},
        {"sniHosts": ["c"], "port": 99},
    ]
    vs(town, "tls", {"match": match, "route": [to("other", port={"number": 443})]})
    assert [len(each.prefixes) for each in chains(town, "tls:443:443")] == [1, 1]


def test_rules_of_other_hosts_do_not_apply(town) -> None:
    vs(town, "tcp", {"route": [to("other", port={"number": 5432})]}, host="other")
    assert clusters(chains(town)[0])[0][0] == "outbound|5432||db.shop"


def test_a_sidecars_port_leads_to_the_only_port_of_a_service(town) -> None:
    town.pod("shop/web-0").service("shop/db", "10.9.0.1", ports=("tcp:5432:1",))
    mesh, proxy = town.proxy("shop/web-0")
    scope = scope_of(mesh, proxy)
    service = scope.services[f"db.shop{SUFFIX}"]
    port = service.ports[0].__class__("x", 99, "TCP", 0, service.ports[0].place)
    assert clusters(l4_chains(scope, proxy, Offer(service, port, "10.9.0.1"), ())[0]) == [("outbound|5432||db.shop", 1)]


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ({}, True),
        ({"gateways": ("mesh",)}, True),
        ({"gateways": ("gw",)}, False),
        ({"port": 80}, True),
        ({"port": 81}, False),
        ({"source_labels": {"app": "web"}}, True),
        ({"source_labels": {"app": "db"}}, False),
        ({"source_namespace": "shop"}, True),
        ({"source_namespace": "pay"}, False),
        ({"gateways": ("mesh",), "source_labels": {"app": "db"}}, False),
    ],
)
def test_all_that_a_match_asks_of_client_and_listener_must_hold(conditions: dict, holds: bool) -> None:
    proxy = Proxy("shop", (("app", "web"),))
    assert applies(L4Match(YamlPlace("f", 1), **conditions), proxy, 80) is holds


def test_a_proxy_with_ipv6_alone_tells_tls_entries_apart_by_name_too(town) -> None:
    town.pod("shop/sleep-0", "2001:db8::9").entry("shop/e", ["a.example"], ["tls:443:TLS"], resolution="DNS")
    mesh, proxy = town.proxy("shop/sleep-0")
    scope = scope_of(mesh, proxy)
    service = next(each for each in scope.services.values() if each.hostname == "a.example")
    (found,) = l4_chains(scope, proxy, Offer(service, service.ports[0], "::"), ())
    assert found.server_names == ("a.example",)
