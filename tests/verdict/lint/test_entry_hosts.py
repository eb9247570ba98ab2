"""ServiceEntries that have somebody else's host."""

from __future__ import annotations

from analyzer.verdict.lint.entry_hosts import find_entry_hosts

HTTP = [{"number": 80, "name": "http", "protocol": "HTTP"}]


def entry(make, name: str, *hosts: str, ports=HTTP, created: int = 1, **spec):
    return make.istio("ServiceEntry", name, hosts=list(hosts), ports=ports, resolution="DNS", created=created, **spec)


def test_the_host_of_a_service_is_taken_in_the_entrys_namespace(make, lint):
    found = lint(find_entry_hosts, make.service("shop/cart"), entry(make, "web/e", "cart.shop.svc.cluster.local"))

    assert [each.code.name for each in found] == ["entry-over-service"]
    assert found[0].sentence.endswith("is the host of Service shop/cart too; clients in web get the entry instead")


def test_in_the_services_own_namespace_the_two_are_mixed(make, lint):
    found = lint(find_entry_hosts, make.service("shop/cart"), entry(make, "shop/e", "cart.shop.svc.cluster.local"))

    assert "the two are mixed" in found[0].sentence


def test_a_host_of_two_namespaces_is_the_oldest_ones_elsewhere(make, lint):
    found = lint(find_entry_hosts, entry(make, "a/e", "api.com"), entry(make, "b/e", "api.com", created=2))

    assert [(each.code.name, each.resource) for each in found] == [("entry-host-conflict", "ServiceEntry b/e")]
    assert "only means this entry in namespace b; elsewhere it is ServiceEntry a/e's" in found[0].sentence


def test_private_entries_do_not_conflict(make, codes):
    documents = entry(make, "a/e", "api.com", exportTo=["."]), entry(make, "b/e", "api.com", exportTo=["."])

    assert codes(find_entry_hosts, *documents) == []


def test_two_addresses_of_one_entry_are_one(make, codes):
    assert codes(find_entry_hosts, entry(make, "a/e", "api.com", addresses=["1.1.1.1", "1.1.1.2"])) == []


def test_a_short_name_is_lost_on_the_ports_that_both_have(make, lint):
    found = lint(find_entry_hosts, make.service("shop/cart"), entry(make, "web/e", "cart.shop"))

    assert [each.code.name for each in found] == ["entry-takes-short-name"]
    assert "requests for cart.shop on port 80 go here instead of to Service shop/cart" in found[0].sentence


def test_a_short_name_on_other_ports_stays(make, codes):
    other = [{"number": 81, "name": "http", "protocol": "HTTP"}]

    assert codes(find_entry_hosts, make.service("shop/cart"), entry(make, "web/e", "cart.shop", ports=other)) == []
