"""Which of the user's additions a proxy is given."""

from __future__ import annotations

from analyzer.mesh.extension.selected import envoy_filters, proxy_configs, traffic_extensions
from analyzer.mesh.proxy import proxy_of

EXTENSIONS = "extensions.istio.io/v1alpha1"


def given(world, find) -> list[str]:
    mesh = world.mesh()
    return [each.resource.full_name for each in find(mesh, proxy_of(mesh, mesh.pods[0]))]


def test_filters_of_the_root_namespace_come_before_those_of_the_proxys_own(world) -> None:
    world.pod().add("EnvoyFilter", "b").add("EnvoyFilter", "a").add("EnvoyFilter", "z", namespace="istio-system")

    assert given(world, envoy_filters) == ["istio-system/z", "shop/b", "shop/a"]


def test_filters_of_other_namespaces_are_not_given(world) -> None:
    assert given(world.pod().add("EnvoyFilter", "a", namespace="bank"), envoy_filters) == []


def test_a_selector_must_fit_the_proxys_labels(world) -> None:
    for app in ("web", "db"):
        world.add("EnvoyFilter", app, {"workloadSelector": {"labels": {"app": app}}})

    assert given(world.pod(), envoy_filters) == ["shop/web"]


def test_one_with_targets_is_for_the_gateway_that_it_names(world) -> None:
    reference = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "front"}
    world.pod("front-0", proxy=["proxy", "router"], labels={"gateway.networking.k8s.io/gateway-name": "front"})
    world.add("EnvoyFilter", "hit", {"targetRefs": [reference]})
    world.add("EnvoyFilter", "miss", {"targetRefs": [{**reference, "name": "back"}]})

    assert given(world, envoy_filters) == ["shop/hit"]


def test_extensions_are_selected_in_the_same_way(world) -> None:
    world.pod().add("WasmPlugin", "auth", namespace="istio-system", api=EXTENSIONS)
    world.add("TrafficExtension", "other", {"selector": {"matchLabels": {"app": "db"}}}, api=EXTENSIONS)

    assert given(world, traffic_extensions) == ["istio-system/auth"]


def test_proxy_configs_go_from_the_meshs_to_the_workloads_own(world) -> None:
    world.pod().add("ProxyConfig", "own", {"selector": {"matchLabels": {"app": "web"}}})
    world.add("ProxyConfig", "namespace").add("ProxyConfig", "mesh", namespace="istio-system")
    world.add("ProxyConfig", "other", {"selector": {"matchLabels": {"app": "db"}}})

    assert given(world, proxy_configs) == ["istio-system/mesh", "shop/namespace", "shop/own"]
