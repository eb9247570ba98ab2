"""Who stands behind PassthroughCluster and BlackHoleCluster."""

from __future__ import annotations

import json

import pytest

from analyzer.base.place import PacketPlace
from analyzer.capture.dns import DnsAnswer
from analyzer.flow.connection import Endpoint
from analyzer.verdict.decision import Decision, Outbound
from analyzer.verdict.names import outside_names, workload_of

OUTSIDE = Endpoint("203.0.113.9", 443)


@pytest.fixture
def passed(record, decision):
    """A call that went through PassthroughCluster to an address outside, at 2 µs after the epoch."""

    def build(**fields):
        through = decision("passthrough", "passthrough-cluster", cluster="PassthroughCluster")
        values = {"host": None, "server": OUTSIDE, "first_ns": 2_000, "decision": through}
        return record(**{**values, **fields})

    return build


def answer(time_ns=1_000, *, client="10.244.1.10", name="api.example.com", packet=1):
    return DnsAnswer("a.pcap", packet, time_ns, client, name, ("203.0.113.9", "203.0.113.10"))


@pytest.mark.parametrize(
    ("fields", "name", "named_by"),
    [
        ({"host": "API.example.com:8443"}, "api.example.com", "host"),
        ({"sni": "db.example.com."}, "db.example.com", "sni"),
        ({"host": "203.0.113.9:80"}, None, None),
        ({"host": "[2001:db8::1]:80"}, None, None),
        ({}, None, None),
    ],
)
def test_a_name_is_what_the_client_wrote(passed, shop, fields, name, named_by):
    (found,) = outside_names([passed(**fields)], [], shop())

    assert (found.name, found.named_by, found.addresses) == (name, named_by, ("203.0.113.9",))


def test_a_dns_answer_names_a_later_connection_of_its_client(passed, shop):
    (found,) = outside_names([passed()], [answer()], shop())

    assert (found.name, found.named_by) == ("api.example.com", "dns")
    assert PacketPlace("a.pcap", 1) in found.packets


def test_the_latest_answer_counts(passed, shop):
    (found,) = outside_names([passed()], [answer(500, name="old.example.com"), answer(1_500)], shop())

    assert found.name == "api.example.com"


@pytest.mark.parametrize("late", [{"time_ns": 3_000}, {"client": "10.244.1.11"}])
def test_an_answer_that_came_later_or_to_somebody_else_names_nothing(passed, shop, late):
    (found,) = outside_names([passed()], [answer(**late)], shop())

    assert found.name is None


def test_calls_to_one_name_are_told_together(passed, shop):
    calls = [
        passed(id="1", host="a.example.com"),
        passed(id="2", host="a.example.com", server=Endpoint("203.0.113.8", 443)),
    ]

    (found,) = outside_names(calls, [], shop())

    assert (found.calls, found.addresses) == (("1", "2"), ("203.0.113.8", "203.0.113.9"))


def test_what_a_service_took_is_not_listed(record, shop):
    assert outside_names([record()], [], shop()) == []


def test_without_a_decision_of_the_client_there_is_nothing_to_name(record, shop):
    assert outside_names([record(Decision(None, None, ("encrypted",)))], [], shop()) == []


def test_block_all_is_listed(passed, shop):
    refused = Decision("dropped", "block-all", outbound=Outbound(virtual_host="block_all", route="block_all"))

    (found,) = outside_names([passed(decision=refused, host="a.example.com")], [], shop())

    assert found.cluster == "block_all"


@pytest.mark.parametrize(
    ("fields", "known"),
    [
        ({"host": "reviews"}, True),
        ({"host": "reviews.shop.svc.cluster.local:81"}, True),
        ({"server": Endpoint("10.244.1.11", 8080)}, True),
        ({"host": "reviews.example.com"}, False),
    ],
)
def test_what_belongs_to_the_mesh_is_marked(passed, shop, fields, known):
    (found,) = outside_names([passed(**fields)], [], shop())

    assert found.known is known


def test_a_client_that_is_no_pod_is_its_address(passed, shop):
    (found,) = outside_names([passed(client=Endpoint("192.0.2.7", 4000), pod=None)], [], shop())

    assert found.workload == "192.0.2.7"


@pytest.mark.parametrize(
    ("kind", "owner", "workload"),
    [
        ("ReplicaSet", "web-6d4b75cb6d", "shop/web"),
        ("StatefulSet", "db", "shop/db"),
        (None, None, "shop/web-6d4b75cb6d-x"),
    ],
)
def test_the_workload_is_what_owns_the_pod(shop, kind, owner, workload):
    metadata = {"name": "web-6d4b75cb6d-x", "namespace": "shop", "labels": {"pod-template-hash": "6d4b75cb6d"}}
    if kind:
        metadata["ownerReferences"] = [{"kind": kind, "name": owner}]
    mesh = shop("\n" + json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata}) + "\n")

    assert workload_of(mesh.pod("shop", "web-6d4b75cb6d-x")) == workload
