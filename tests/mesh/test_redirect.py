"""What iptables hands to a sidecar: each rule of Istio's chains, in the order in which they stand."""

import pytest

from analyzer.mesh.redirect import inbound_redirect, interception_mode, outbound_redirect, ports_apart

OUT = "traffic.sidecar.istio.io/"


def outbound(world, address="10.96.0.1", port=80, **pod):
    world.pod("web-0", ip="10.0.0.9", **pod)
    mesh = world.mesh()
    return outbound_redirect(mesh, mesh.pod("shop", "web-0"), address, port)


def inbound(world, port=80, *, from_own_pod=False, address="10.0.0.9", **pod):
    world.pod("web-0", ip="10.0.0.9", **pod)
    mesh = world.mesh()
    return inbound_redirect(mesh, mesh.pod("shop", "web-0"), address, port, from_own_pod=from_own_pod)


def test_everything_goes_out_through_the_sidecar_by_default(world):
    found = outbound(world)
    assert found.captured
    assert found.reason == ""
    assert "15001" in found.sentence


def test_a_pod_without_a_sidecar_is_not_redirected(world):
    found = outbound(world, sidecar=False)
    assert (found.captured, found.reason) == (False, "no-sidecar")
    assert found.yaml[0].field == "metadata.name"


@pytest.mark.parametrize(
    ("pod", "says"),
    [
        ({"sidecar": False}, "has no sidecar"),
        ({"hostNetwork": True}, "uses the host's network"),
        ({"proxy": ["proxy", "router"]}, "runs a gateway"),
    ],
)
def test_the_sentence_says_why_there_is_no_sidecar(world, pod, says):
    assert says in inbound(world, **pod).sentence


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.9"])
def test_calls_to_the_own_pod_stay_on_the_loopback_interface(world, address):
    found = outbound(world, address)
    assert (found.captured, found.reason) == (False, "loopback")


def test_including_a_loopback_range_lets_calls_to_the_own_address_be_captured(world):
    ranges = {OUT + "includeOutboundIPRanges": "127.0.0.1/32,10.0.0.0/8"}
    assert outbound(world, "10.0.0.9", annotations=ranges).captured


def test_an_address_that_is_none_is_no_loopback(world):
    assert outbound(world, "unknown").captured


@pytest.mark.parametrize(
    ("annotation", "value", "captured"),
    [
        ("excludeOutboundPorts", "5432, 80", False),
        ("excludeOutboundPorts", "5432,x", True),
        ("excludeOutboundIPRanges", "10.96.0.0/16", False),
        ("excludeOutboundIPRanges", "nonsense,192.0.2.0/24", True),
        ("includeOutboundIPRanges", "*", True),
        ("includeOutboundIPRanges", "", False),
        ("includeOutboundIPRanges", "10.96.0.0/16,2001:db8::/32", True),
        ("includeOutboundIPRanges", "192.0.2.0/24", False),
    ],
)
def test_outbound_annotations_decide(world, annotation, value, captured):
    found = outbound(world, annotations={OUT + annotation: value})
    assert found.captured == captured
    assert found.reason == ("" if captured else "not-captured")


def test_the_annotation_that_decided_is_cited(world):
    found = outbound(world, annotations={OUT + "excludeOutboundPorts": "80"})
    assert found.yaml[0].field.startswith("metadata.annotations")


def test_included_ports_are_captured_where_ranges_leave_the_address_out(world):
    annotations = {OUT + "includeOutboundIPRanges": "", OUT + "includeOutboundPorts": "80"}
    assert outbound(world, annotations=annotations).captured


def test_excluded_ranges_come_before_included_ports(world):
    annotations = {OUT + "excludeOutboundIPRanges": "10.96.0.0/16", OUT + "includeOutboundPorts": "80"}
    assert not outbound(world, annotations=annotations).captured


def test_an_address_that_is_none_is_within_no_range(world):
    assert not outbound(world, "unknown", annotations={OUT + "includeOutboundIPRanges": "0.0.0.0/0"}).captured


@pytest.mark.parametrize("captures_dns", [True, False])
def test_dns_over_tcp_goes_to_the_agent_where_dns_is_captured(world, captures_dns):
    found = outbound(world, port=53, env=[{"name": "ISTIO_META_DNS_CAPTURE", "value": str(captures_dns).lower()}])
    assert found.captured != captures_dns


def test_the_mesh_says_whether_dns_is_captured_where_the_pod_does_not(world):
    world.settings(defaultConfig={"proxyMetadata": {"ISTIO_META_DNS_CAPTURE": "true"}})
    assert not outbound(world, port=53).captured


def test_dns_over_tcp_goes_to_the_agent_for_certain_where_the_server_is_the_pods(world):
    env = [{"name": "ISTIO_META_DNS_CAPTURE", "value": "true"}]
    labels = {"k8s-app": "kube-dns"}
    world.add("Service", "kube-dns", {"clusterIP": "10.96.0.10"}, namespace="kube-system", labels=labels)
    assert not outbound(world, "10.96.0.10", port=53, env=env).doubtful
    assert outbound(world, "10.96.0.99", port=53, env=env).doubtful


@pytest.mark.parametrize(
    ("spec", "doubtful"),
    [
        ({"dnsPolicy": "None"}, True),
        ({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["10.96.0.10"]}}, False),
        ({"dnsPolicy": "None", "initContainers": [{"name": "istio-validation"}]}, False),
    ],
)
def test_a_pod_may_have_dns_servers_of_its_own_or_rules_for_all(world, spec, doubtful):
    env = [{"name": "ISTIO_META_DNS_CAPTURE", "value": "true"}]
    labels = {"k8s-app": "kube-dns"}
    world.add("Service", "kube-dns", {"clusterIP": "10.96.0.10"}, namespace="kube-system", labels=labels)
    assert outbound(world, "10.96.0.10", port=53, env=env, **spec).doubtful == doubtful


def test_interception_mode_none_redirects_nothing(world):
    world.settings(defaultConfig={"interceptionMode": "NONE"})
    assert not outbound(world).captured
    mesh = world.mesh()
    pod = mesh.pod("shop", "web-0")
    assert not inbound_redirect(mesh, pod, "10.0.0.9", 80).captured
    assert interception_mode(mesh, pod) == "NONE"


def test_the_pod_overrides_the_interception_mode_of_the_mesh(world):
    world.settings(defaultConfig={"interceptionMode": "NONE"})
    assert outbound(world, annotations={"sidecar.istio.io/interceptionMode": "TPROXY"}).captured


def test_every_port_comes_in_through_the_sidecar_by_default(world):
    assert inbound(world, 22).captured


@pytest.mark.parametrize("port", [15008, 15020, 15021, 15090])
def test_the_proxys_own_ports_are_never_redirected(world, port):
    assert not inbound(world, port).captured


def test_the_status_port_may_be_another(world):
    annotations = {"status.sidecar.istio.io/port": "12020"}
    assert not inbound(world, 12020, annotations=annotations).captured
    assert inbound(world, 15020, annotations=annotations).captured


@pytest.mark.parametrize(
    ("annotation", "value", "captured"),
    [
        ("excludeInboundPorts", "80, 5000", False),
        ("excludeInboundPorts", "5000", True),
        ("includeInboundPorts", "80,8080", True),
        ("includeInboundPorts", "8080", False),
        ("includeInboundPorts", "", False),
    ],
)
def test_inbound_annotations_decide(world, annotation, value, captured):
    assert inbound(world, annotations={OUT + annotation: value}).captured == captured


def test_a_sidecar_that_calls_its_own_pod_is_redirected_whatever_inbound_annotations_say(world):
    assert inbound(world, from_own_pod=True, annotations={OUT + "includeInboundPorts": ""}).captured


def test_a_sidecar_that_calls_its_own_pod_on_an_excluded_outbound_port_is_not(world):
    found = inbound(world, from_own_pod=True, annotations={OUT + "excludeOutboundPorts": "80"})
    assert (found.captured, found.reason) == (False, "not-captured")


def test_a_sidecar_that_calls_the_loopback_address_reaches_the_application(world):
    assert inbound(world, from_own_pod=True, address="127.0.0.1").reason == "loopback"


def test_the_init_container_s_arguments_are_what_iptables_was_told(world):
    init = [{"name": "istio-init", "args": ["istio-iptables", "-i", "192.0.2.0/24", "-b", "*", "-d", "8081"]}]
    found = outbound(world, initContainers=init)
    assert (found.captured, found.yaml[0].field) == (False, "spec.initContainers[0].args")


def test_ports_that_the_init_container_leaves_out_reach_the_application(world):
    init = [{"name": "istio-init", "args": ["istio-iptables", "-i", "*", "-b", "*", "-d", "8081"]}]
    assert not inbound(world, 8081, initContainers=init).captured


@pytest.mark.parametrize(("interfaces", "captured"), [("eth0", False), ("net1, eth0", False), ("net1", True)])
def test_the_interface_of_the_pod_s_address_may_be_left_out(world, interfaces, captured):
    annotations = {OUT + "excludeInterfaces": interfaces}
    assert inbound(world, annotations=annotations).captured == captured


def test_an_interface_that_is_left_out_passes_what_goes_out_too(world):
    found = outbound(world, annotations={OUT + "excludeInterfaces": "eth0"})
    assert (found.captured, found.reason) == (False, "not-captured")


def test_connections_of_the_proxy_s_own_user_pass(world):
    found = outbound(world, securityContext={"runAsUser": 1337})
    assert (found.captured, found.reason, found.yaml[0].field) == (
        False,
        "not-captured",
        "spec.securityContext.runAsUser",
    )


@pytest.mark.parametrize(
    ("annotations", "ports"),
    [
        ({}, set()),
        ({"excludeOutboundPorts": "9042,3306"}, {3306, 9042}),
        ({"includeOutboundPorts": "8443", "excludeOutboundPorts": "53"}, {53, 8443}),
    ],
)
def test_iptables_treat_all_addresses_alike_but_for_some_ports(world, annotations, ports):
    world.pod("web-0", ip="10.0.0.9", annotations={OUT + name: value for name, value in annotations.items()})
    mesh = world.mesh()
    pod = mesh.pod("shop", "web-0")

    assert ports_apart(mesh, pod) == ports
    for address in ("10.96.0.1", "203.0.113.7", "fd00::96"):
        found = outbound_redirect(mesh, pod, address, 80)
        assert (found.captured, found.sentence.replace(f"{address}:80", "S")) == (
            True, "iptables hands S to the sidecar of shop/web-0 (15001)",
        )  # fmt: skip


@pytest.mark.parametrize(
    "pod",
    [
        {"sidecar": False},
        {"annotations": {"sidecar.istio.io/interceptionMode": "NONE"}},
        {"annotations": {OUT + "excludeOutboundIPRanges": "10.1.0.0/16"}},
        {"annotations": {OUT + "includeOutboundIPRanges": "10.0.0.0/8"}},
        {"annotations": {OUT + "excludeInterfaces": "eth0"}},
    ],
)
def test_what_depends_on_the_address_or_passes_the_sidecar_is_not_said_of_all_addresses(world, pod):
    world.pod("web-0", ip="10.0.0.9", **pod)
    mesh = world.mesh()

    assert ports_apart(mesh, mesh.pod("shop", "web-0")) is None
