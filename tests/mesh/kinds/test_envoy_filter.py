"""EnvoyFilters as they are read: what each patch asks for, and what it brings."""

from __future__ import annotations

import pytest

from analyzer.mesh.kinds.envoy_filter import EnvoyFilter, Patch


@pytest.fixture
def read(world):
    """The view of an EnvoyFilter with these patches."""

    def parse(*patches, **spec) -> EnvoyFilter:
        world.add("EnvoyFilter", "tune", {"configPatches": list(patches), **spec})
        return world.mesh().of(EnvoyFilter)[0]

    return parse


def only(found: EnvoyFilter) -> Patch:
    assert len(found.patches) == 1
    return found.patches[0]


def test_a_patch_knows_its_object_operation_context_and_line(read) -> None:
    patch = {"operation": "INSERT_BEFORE", "value": {"name": "envoy.filters.http.lua"}}

    found = only(read({"applyTo": "HTTP_FILTER", "match": {"context": "SIDECAR_INBOUND"}, "patch": patch}))

    assert (found.apply_to, found.operation, found.context) == ("HTTP_FILTER", "INSERT_BEFORE", "SIDECAR_INBOUND")
    assert found.value_name == "envoy.filters.http.lua"
    assert found.place.field == "spec.configPatches[0]"


def test_without_a_context_a_patch_is_for_any(read) -> None:
    assert only(read({"applyTo": "LISTENER", "patch": {"operation": "REMOVE"}})).context == "ANY"


@pytest.mark.parametrize(
    "broken", [{"applyTo": "CLUSTER"}, {"patch": {"operation": "ADD"}}, {"applyTo": "CLUSTER", "patch": {}}]
)
def test_a_patch_that_lacks_a_half_is_left_out(read, broken) -> None:
    assert read(broken).patches == ()


def test_conditions_on_a_listener_reach_down_to_the_sub_filter(read) -> None:
    chain = {
        "name": "c", "sni": "a.b", "transportProtocol": "tls", "destinationPort": 8443,
        "filter": {"name": "hcm", "subFilter": {"name": "router"}},
    }  # fmt: skip
    match = {"listener": {"name": "virtualInbound", "portNumber": 8080, "filterChain": chain}}

    found = only(read({"applyTo": "HTTP_FILTER", "match": match, "patch": {"operation": "REMOVE"}})).listener

    assert (found.name, found.port, found.chain, found.sni) == ("virtualInbound", 8080, "c", "a.b")
    assert (found.transport, found.destination_port, found.filter, found.sub_filter) == ("tls", 8443, "hcm", "router")


def test_conditions_on_a_route_reach_down_to_its_name(read) -> None:
    host = {"name": "web:80", "domainName": "web", "route": {"name": "v2"}}
    match = {"routeConfiguration": {"name": "80", "portNumber": 80, "vhost": host}}

    found = only(read({"applyTo": "HTTP_ROUTE", "match": match, "patch": {"operation": "REMOVE"}})).route

    assert (found.name, found.port, found.virtual_host, found.domain, found.route) == ("80", 80, "web:80", "web", "v2")


def test_conditions_on_a_cluster_are_read(read) -> None:
    match = {"cluster": {"service": "web", "subset": "v1", "portNumber": 80}}

    found = only(read({"applyTo": "CLUSTER", "match": match, "patch": {"operation": "REMOVE"}})).cluster

    assert (found.name, found.service, found.subset, found.port) == ("", "web", "v1", 80)


def test_fields_are_told_in_envoys_spelling_and_into_the_messages_that_matter(read) -> None:
    value = {"typedConfig": {"@type": "x", "accessLog": [], "stat_prefix": "s"}, "perConnectionBufferLimitBytes": 1}

    found = only(read({"applyTo": "NETWORK_FILTER", "patch": {"operation": "MERGE", "value": value}}))

    assert found.fields == (
        "typed_config.@type",
        "typed_config.access_log",
        "typed_config.stat_prefix",
        "per_connection_buffer_limit_bytes",
    )


def test_an_empty_message_is_a_field_of_its_own(read) -> None:
    found = only(read({"applyTo": "HTTP_ROUTE", "patch": {"operation": "MERGE", "value": {"route": {}}}}))

    assert found.fields == ("route",)


def test_a_patch_is_told_by_operation_object_and_name(read) -> None:
    patch = {"operation": "ADD", "value": {"name": "own"}}

    assert str(only(read({"applyTo": "CLUSTER", "patch": patch}))) == "ADD CLUSTER own"
    assert str(Patch("LISTENER", "ANY", "REMOVE", None, None, None, "", (), None)) == "REMOVE LISTENER"


def test_workloads_are_selected_by_labels_and_gateways_by_reference(read) -> None:
    reference = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "front"}

    found = read(workloadSelector={"labels": {"app": "web"}}, targetRefs=[reference])

    assert found.selector == {"app": "web"}
    assert [target.name for target in found.targets] == ["front"]
