"""Services that disagree about one port of a pod."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.inbound_protocols import declared_ports, find_inbound_protocols


def service(make, name: str, port_name: str, *, created: int = 1, target: object = 8080, number: int = 80):
    ports = [{"name": port_name, "port": number, "targetPort": target}]
    return make.service(f"shop/{name}", ports, created=created, app="cart")


def test_the_older_service_decides(make, lint):
    documents = service(make, "new", "http", created=2), service(make, "old", "tcp"), make.pod("shop/p", app="cart")

    found = lint(find_inbound_protocols, *documents)

    assert [(each.code.name, each.resource) for each in found] == [("inbound-protocol-conflict", "Service shop/new")]
    assert found[0].sentence == (
        "Service shop/new: port 80 is HTTP, but shop/p takes it on port 8080 as TCP: Service shop/old's port 80 comes "
        "first"
    )


@pytest.mark.parametrize(("one", "other"), [("http", "grpc"), ("tcp", "mysql"), ("web", "http"), ("web", "tcp")])
def test_protocols_that_bear_each_other_are_fine(make, codes, one: str, other: str):
    documents = service(make, "a", one), service(make, "b", other, created=2), make.pod("shop/p", app="cart")

    assert codes(find_inbound_protocols, *documents) == []


def test_two_ports_of_one_service_may_disagree_too(make, lint):
    ports = [{"name": "http", "port": 80, "targetPort": 8080}, {"name": "tcp", "port": 81, "targetPort": 8080}]

    found = lint(find_inbound_protocols, make.service("shop/a", ports, app="cart"), make.pod("shop/p", app="cart"))

    assert "its own port 80 comes first" in found[0].sentence


def test_named_ports_are_looked_up_and_other_pods_do_not_count(make, codes, mesh_of):
    pod = make.pod("shop/p", app="cart")
    pod["spec"]["containers"][0]["ports"] = [{"name": "main", "containerPort": 8080, "protocol": "TCP"}]
    documents = service(make, "a", "tcp", target="main"), service(make, "b", "http", created=2)

    assert codes(find_inbound_protocols, *documents, pod) == ["inbound-protocol-conflict"]
    assert codes(find_inbound_protocols, *documents, make.pod("shop/p", sidecar=False, app="cart")) == []
    assert list(declared_ports(mesh_of(*documents, pod))["shop/p"]) == [8080]
