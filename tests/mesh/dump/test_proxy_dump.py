"""Whose a configuration dump is, and what it holds by name."""

from __future__ import annotations

import json

import pytest

from analyzer.base.oddity import Oddity
from analyzer.mesh.dump.proxy_dump import ProxyDump, is_config_dump, parse_config_dump, pod_of_dump
from analyzer.mesh.load import parse_mesh
from analyzer.mesh.resource import Node
from analyzer.mesh.source import YamlMap, read_documents


def document(content) -> YamlMap:
    return next(iter(read_documents(json.dumps(content), "dump.json", [])))


@pytest.fixture
def parsed(dumped):
    def parse(*arguments, **parts) -> ProxyDump | Oddity:
        root = document(dumped(*arguments, **parts))
        return parse_config_dump(Node("dump.json", root, root, (), []))

    return parse


def listener(name: str, address: str, port: int, *more: str):
    additional = [{"address": {"socket_address": {"address": each, "port_value": port}}} for each in more]
    socket = {"address": address, "port_value": port}
    return {"name": name, "address": {"socket_address": socket}, "additional_addresses": additional}


def test_a_config_dump_is_known_by_the_types_of_its_parts(dumped) -> None:
    assert is_config_dump(document(dumped("shop/web-0", "10.1.0.2")))


@pytest.mark.parametrize("other", [{}, {"configs": {}}, {"configs": []}, {"configs": [1, {"@type": "x"}]}])
def test_other_documents_are_none(other) -> None:
    assert not is_config_dump(document(other))


def test_the_node_id_names_the_pod(parsed) -> None:
    found = parsed("shop/web-0", "10.1.0.2")

    assert (found.namespace, found.pod, found.ip) == ("shop", "web-0", "10.1.0.2")


@pytest.mark.parametrize("kind", ["waypoint", "ztunnel"])
def test_only_sidecars_and_gateways_are_judged_by_theirs(parsed, kind) -> None:
    found = parsed("edge/front-0", "10.1.0.2", kind=kind)

    assert isinstance(found, Oddity)
    assert f"edge/front-0 is a {kind}, neither a sidecar nor a gateway" in str(found)


def test_without_a_node_id_it_is_nobodys(dumped) -> None:
    content = dumped("shop/web-0", "10.1.0.2")
    del content["configs"][0]
    root = document(content)

    found = parse_config_dump(Node("dump.json", root, root, (), []))

    assert isinstance(found, Oddity)
    assert "its node id names no pod" in str(found)


@pytest.mark.parametrize("part", ["Listeners", "Routes", "Clusters"])
def test_a_part_of_a_dump_is_not_judged_by(dumped, part: str) -> None:
    content = dumped("shop/web-0", "10.1.0.2")
    content["configs"] = [each for each in content["configs"] if not each["@type"].endswith(f".{part}ConfigDump")]
    root = document(content)

    found = parse_config_dump(Node("dump.json", root, root, (), []))

    assert isinstance(found, Oddity)
    assert f"that of shop/web-0 has no {part}ConfigDump" in str(found)


def test_listeners_are_found_by_every_address(parsed) -> None:
    found = parsed("shop/web-0", "10.1.0.2", listeners=[listener("10.9.0.1_80", "10.9.0.1", 80, "fd00::1")])

    assert set(found.listeners) == {("10.9.0.1", 80), ("fd00::1", 80)}


def test_the_virtual_listeners_stand_apart(parsed) -> None:
    names = [("virtualOutbound", 15001), ("virtualInbound", 15006)]

    found = parsed("shop/web-0", "10.1.0.2", listeners=[listener(name, "0.0.0.0", port) for name, port in names])

    assert found.listeners == {}
    assert found.virtual_outbound.text("name") == "virtualOutbound"
    assert found.virtual_inbound.text("name") == "virtualInbound"


def test_a_listener_that_is_still_warming_does_not_count(dumped) -> None:
    content = dumped("shop/web-0", "10.1.0.2", listeners=[listener("0.0.0.0_80", "0.0.0.0", 80)])
    dynamic = content["configs"][2]["dynamic_listeners"][0]
    dynamic["warming_state"] = dynamic.pop("active_state")
    root = document(content)

    assert parse_config_dump(Node("dump.json", root, root, (), [])).listeners == {}


def test_routes_clusters_and_endpoints_are_found_by_name(parsed) -> None:
    endpoints = [{"cluster_name": "c"}]

    found = parsed("shop/web-0", "10.1.0.2", routes=[{"name": "80"}], clusters=[{"name": "c"}], endpoints=endpoints)

    assert (set(found.routes), set(found.clusters), set(found.endpoints)) == ({"80"}, {"c"}, {"c"})


def test_a_dump_without_endpoints_does_not_claim_that_there_are_none(parsed) -> None:
    assert parsed("shop/web-0", "10.1.0.2").endpoints is None


def test_the_pod_is_told_by_the_nodes_metadata(parsed) -> None:
    found = parsed(
        "shop/web-0", "10.1.0.2", LABELS={"app": "web"}, SERVICE_ACCOUNT="web", INSTANCE_IPS="10.1.0.2,fd00::2",
        DNS_CAPTURE="true", ANNOTATIONS={"traffic.sidecar.istio.io/excludeOutboundPorts": "81"},
    )  # fmt: skip

    pod = pod_of_dump(found)

    assert (pod.full_name, pod.ips, pod.service_account) == ("shop/web-0", ("10.1.0.2", "fd00::2"), "web")
    assert (pod.has_sidecar, pod.labels) == (True, {"app": "web"})
    assert pod.proxy.environment == {"ISTIO_META_DNS_CAPTURE": "true"}
    assert pod.annotations == {"traffic.sidecar.istio.io/excludeOutboundPorts": "81"}


def test_a_dump_beside_the_yaml_is_read_with_it(dumped, town) -> None:
    text = town.pod("shop/sleep-0", "10.1.0.1").text + "\n---\n" + json.dumps(dumped("shop/web-0", "10.1.0.2"))

    mesh = parse_mesh(text)

    assert [each.pod for each in mesh.views[ProxyDump]] == ["web-0"]
    assert [pod.full_name for pod in mesh.pods] == ["shop/sleep-0", "shop/web-0"]


def test_a_pod_that_the_yaml_has_is_not_told_twice(dumped, town) -> None:
    text = town.pod("shop/web-0", "10.1.0.2").text + "\n---\n" + json.dumps(dumped("shop/web-0", "10.1.0.2"))

    assert len(parse_mesh(text).pods) == 1


def test_a_dump_that_cannot_be_used_is_said(dumped) -> None:
    mesh = parse_mesh(json.dumps(dumped("edge/front-0", "10.1.0.2", kind="waypoint")))

    assert [oddity.code.name for oddity in mesh.oddities] == ["dump-unused"]
