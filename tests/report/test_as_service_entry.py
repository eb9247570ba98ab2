"""Drafts of ServiceEntries."""

from __future__ import annotations

import pytest
import yaml

from analyzer.base.fact import replace
from analyzer.mesh.kinds.service_entry import ServiceEntry
from analyzer.mesh.load import parse_mesh
from analyzer.report.as_service_entry import service_entries
from analyzer.verdict.names import OutsideName

ONE = OutsideName(
    "shop/web", "api.example.com", "sni", 443, "tls", "PassthroughCluster", ("203.0.113.9",), False, ("7",), (), 0
)


def drafted(*names):
    return b"".join(service_entries(names)).decode()


def documents(*names):
    return [document for document in yaml.safe_load_all(drafted(*names)) if document]


def test_a_name_becomes_a_service_entry_that_the_mesh_reads():
    mesh = parse_mesh(drafted(ONE), file="draft.yaml")

    (entry,) = mesh.of(ServiceEntry)
    assert entry.resource.full_name == "shop/api-example-com"
    assert mesh.oddities == ()


def test_the_ports_of_one_name_are_drafted_together():
    (document,) = documents(ONE, replace(ONE, port=80, protocol="http/1.1"))

    assert document["spec"]["ports"] == [
        {"number": 80, "name": "http-80", "protocol": "HTTP"},
        {"number": 443, "name": "tls-443", "protocol": "TLS"},
    ]
    assert "addresses" not in document["spec"]


def test_a_port_with_several_protocols_is_tcp_and_bound_to_its_addresses():
    (document,) = documents(ONE, replace(ONE, protocol="http/1.1"))

    assert document["spec"]["ports"] == [{"number": 443, "name": "tcp-443", "protocol": "TCP"}]
    assert document["spec"]["addresses"] == ["203.0.113.9"]


def test_an_address_without_a_name_gets_a_host_that_is_said_to_be_made_up():
    text = drafted(replace(ONE, name=None, named_by=None, protocol="tcp"))

    assert "made up" in text
    assert yaml.safe_load(text)["spec"]["resolution"] == "NONE"


def test_the_calls_that_speak_for_a_draft_are_named():
    text = drafted(replace(ONE, calls=tuple("1234567")))

    assert "# shop/web → api.example.com:443 by PassthroughCluster: call 1, 2, 3, 4, 5 ...\n" in text


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (replace(ONE, known=True), "it belongs to the mesh"),
        (replace(ONE, name="localhost"), "no host that a ServiceEntry can have"),
        (replace(ONE, workload="192.0.2.7"), "no pod of the mesh calls it"),
    ],
)
def test_what_cannot_be_drafted_is_said(one, why):
    text = drafted(one)

    assert why in text
    assert text.startswith("# nothing to draft\n")


def test_names_from_the_wire_do_not_become_yaml(hostile_names):
    names = [replace(ONE, name=name, workload=f"shop/{name}") for name in hostile_names]

    assert {tuple(sorted(document)) for document in documents(*names)} <= {("apiVersion", "kind", "metadata", "spec")}
    assert "\x1b" not in drafted(*names)
