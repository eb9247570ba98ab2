"""Sidecars."""

from __future__ import annotations

from analyzer.mesh.kinds.sidecar import Sidecar


def sidecar_of(town, **spec) -> Sidecar:
    return town.rule("Sidecar", "shop/sc", **spec).mesh().of(Sidecar)[0]


def test_a_sidecar_without_fields_leaves_all_to_the_mesh(town) -> None:
    found = sidecar_of(town)
    assert (found.selector, found.egress, found.ingress, found.outbound_policy, found.egress_proxy) == (
        None,
        (),
        (),
        None,
        None,
    )


def test_listeners_are_read_with_their_ports(town) -> None:
    found = sidecar_of(
        town,
        workloadSelector={"labels": {"app": "web"}},
        egress=[
            {"hosts": ["./*"], "port": {"number": 80, "protocol": "HTTP", "name": "http"}, "bind": "0.0.0.0"},
            {"hosts": ["*/*"]},
        ],
        ingress=[{"port": {"number": 9080, "protocol": "HTTP"}, "defaultEndpoint": "127.0.0.1:8080"}],
    )
    assert found.selector == {"app": "web"}
    first, rest = found.egress
    assert (first.port.number, first.port.protocol, first.bind, first.capture_mode) == (
        80,
        "HTTP",
        "0.0.0.0",
        "DEFAULT",
    )
    assert (rest.port, rest.hosts) == (None, ("*/*",))
    assert (found.ingress[0].port.number, found.ingress[0].default_endpoint) == (9080, "127.0.0.1:8080")


def test_a_policy_without_a_mode_means_registry_only(town) -> None:
    assert sidecar_of(town, outboundTrafficPolicy={}).outbound_policy == "REGISTRY_ONLY"


def test_an_egress_proxy_replaces_the_passthrough(town) -> None:
    proxy = {"host": "out.shop.svc.cluster.local", "subset": "v1", "port": {"number": 80}}
    found = sidecar_of(town, outboundTrafficPolicy={"mode": "ALLOW_ANY", "egressProxy": proxy}).egress_proxy
    assert (found.host, found.subset, found.port) == ("out.shop.svc.cluster.local", "v1", 80)
