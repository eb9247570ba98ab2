"""What the model leaves out is named, and makes a verdict null only where it could change it."""

from __future__ import annotations

import pytest

from analyzer.verdict.decision import DROPPED, PASSTHROUGH, SERVICE_MATCHED, Decision

ISTIO = "networking.istio.io/v1"
EXTENSIONS = "extensions.istio.io/v1alpha1"
AMBIENT = {"istio.io/dataplane-mode": "ambient"}
LUA = {"operation": "INSERT_BEFORE", "value": {"name": "envoy.filters.http.lua"}}


@pytest.fixture
def shop(town):
    """A client, a service of two pods and an opaque one, all with sidecars."""
    town.namespace("shop").pod("shop/sleep-0", "10.1.0.1", account="sleep").pod("shop/db-0", "10.1.0.4")
    town.pod("shop/web-0", "10.1.0.2").pod("shop/web-1", "10.1.0.3").service("shop/web", "10.9.0.1")
    town.service("shop/db", "10.9.0.3")
    return town.pod("shop/cache-0", "10.1.0.5").service("shop/cache", "10.9.0.2", ports=("tcp:6379:6379",))


def envoy_filter(town, context: str, apply_to: str = "HTTP_FILTER", patch=LUA, *, name: str = "shop/tune", **match):
    spec = {"configPatches": [{"applyTo": apply_to, "match": {"context": context, **match}, "patch": patch}]}
    return town.add(ISTIO, "EnvoyFilter", name, spec=spec)


def ask_web(town) -> Decision:
    return town.ask("shop/sleep-0", "10.9.0.1:80", "web")


def sentences(decision: Decision, word: str) -> list[str]:
    return [step.sentence for step in decision.steps if word in step.sentence]


def test_a_mesh_of_nothing_but_istios_own_has_no_caveats(shop) -> None:
    assert not any(step.aside for step in ask_web(shop).steps)


@pytest.mark.parametrize("context", ["SIDECAR_OUTBOUND", "SIDECAR_INBOUND", "ANY"])
def test_a_filter_that_could_answer_makes_the_verdict_null(shop, context) -> None:
    decision = ask_web(envoy_filter(shop, context))

    assert (decision.verdict, decision.reason, decision.undetermined) == (None, None, ("envoy-filter",))


def test_the_step_names_the_filter_and_its_line(shop) -> None:
    decision = ask_web(envoy_filter(shop, "SIDECAR_OUTBOUND"))

    (step,) = [step for step in decision.steps if "EnvoyFilter shop/tune" in step.sentence]
    assert "INSERT_BEFORE HTTP_FILTER envoy.filters.http.lua" in step.sentence
    assert [place.field for place in step.yaml] == ["spec.configPatches[0]"]


def test_what_is_known_of_the_way_out_is_still_told(shop) -> None:
    decision = ask_web(envoy_filter(shop, "SIDECAR_OUTBOUND"))

    assert decision.outbound is not None
    assert decision.outbound.cluster == "outbound|80||web.shop.svc.cluster.local"


def test_a_filter_of_the_servers_side_leaves_the_clients_decision_to_be_read(shop) -> None:
    decision = ask_web(envoy_filter(shop, "SIDECAR_INBOUND"))

    assert decision.inbound is not None
    assert decision.inbound.cluster == "inbound|8080||"


@pytest.mark.parametrize(
    ("apply_to", "patch"),
    [
        ("CLUSTER", {"operation": "MERGE", "value": {"connect_timeout": "1s"}}),
        ("HTTP_FILTER", {"operation": "INSERT_BEFORE", "value": {"name": "istio.stats"}}),
        ("NETWORK_FILTER", {"operation": "MERGE", "value": {"typed_config": {"tracing": {}}}}),
    ],
)
def test_a_harmless_filter_is_an_aside(shop, apply_to, patch) -> None:
    decision = ask_web(envoy_filter(shop, "SIDECAR_OUTBOUND", apply_to, patch))

    assert decision.verdict == SERVICE_MATCHED
    assert [step.aside for step in decision.steps if "EnvoyFilter shop/tune" in step.sentence] == [True]


def test_a_filter_for_another_port_is_not_spoken_of(shop) -> None:
    decision = ask_web(envoy_filter(shop, "SIDECAR_OUTBOUND", listener={"portNumber": 81}))

    assert decision.verdict == SERVICE_MATCHED
    assert sentences(decision, "EnvoyFilter") == []


def test_a_filter_on_http_leaves_opaque_calls_alone(shop) -> None:
    decision = envoy_filter(shop, "ANY").ask("shop/sleep-0", "10.9.0.2:6379", protocol="tcp")

    assert decision.verdict == SERVICE_MATCHED


def test_a_port_condition_does_not_fit_the_listener_that_takes_every_port(shop) -> None:
    patch = {"operation": "INSERT_FIRST", "value": {"name": "envoy.filters.network.rbac"}}
    envoy_filter(shop, "SIDECAR_OUTBOUND", "NETWORK_FILTER", patch, listener={"portNumber": 9999})

    decision = shop.ask("shop/sleep-0", "192.0.2.1:9999", protocol="tcp")

    assert decision.verdict == PASSTHROUGH


def test_a_dropped_call_may_be_saved_by_a_filter_too(shop) -> None:
    shop.settings(outboundTrafficPolicy={"mode": "REGISTRY_ONLY"})
    added = {"operation": "ADD", "value": {"name": "own", "domains": ["nowhere"]}}

    before = shop.ask("shop/sleep-0", "10.9.0.1:80", "nowhere")
    after = envoy_filter(shop, "SIDECAR_OUTBOUND", "VIRTUAL_HOST", added).ask("shop/sleep-0", "10.9.0.1:80", "nowhere")

    assert before.verdict == DROPPED
    assert after.undetermined == ("envoy-filter",)


def test_a_denial_may_be_lifted_by_a_filter_too(shop) -> None:
    shop.security("AuthorizationPolicy", "shop/nothing")
    removed = {"operation": "REMOVE"}

    before, after = ask_web(shop), ask_web(envoy_filter(shop, "SIDECAR_INBOUND", "HTTP_FILTER", removed))

    assert before.verdict == DROPPED
    assert after.undetermined == ("envoy-filter",)


def test_a_route_that_splits_is_null_for_the_filter_alone(shop) -> None:
    route = [{"destination": {"host": "web"}, "weight": 1}, {"destination": {"host": "db"}, "weight": 1}]
    shop.rule("VirtualService", "shop/split", hosts=["web"], http=[{"route": route}])

    assert ask_web(envoy_filter(shop, "SIDECAR_OUTBOUND")).undetermined == ("envoy-filter",)


def test_a_plugin_makes_the_verdict_null(shop) -> None:
    shop.add(EXTENSIONS, "WasmPlugin", "shop/auth", spec={"match": [{"mode": "SERVER"}]})

    decision = ask_web(shop)

    assert decision.undetermined == ("wasm-plugin",)
    assert sentences(decision, "WasmPlugin shop/auth")


def test_both_kinds_are_named_where_both_are_passed(shop) -> None:
    shop.add(EXTENSIONS, "TrafficExtension", "shop/auth", spec={"lua": {"inlineCode": "x"}})

    assert ask_web(envoy_filter(shop, "SIDECAR_OUTBOUND")).undetermined == ("envoy-filter", "wasm-plugin")


def test_a_filter_of_a_gateway_counts_at_the_gateway(town) -> None:
    town.pod("edge/front-0", "10.1.0.9", gateway=True, labels={"app": "front"}).pod("shop/web-0", "10.1.0.2")
    town.service("shop/web", "10.9.0.1")
    server = {"port": {"number": 8080, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    town.rule("Gateway", "edge/front", selector={"app": "front"}, servers=[server])
    route = [{"destination": {"host": "web.shop.svc.cluster.local"}}]
    town.rule("VirtualService", "edge/all", hosts=["*"], gateways=["front"], http=[{"route": route}])

    before = town.ask("edge/front-0", "10.1.0.9:8080", "a.example", direction="gateway")
    after = envoy_filter(town, "GATEWAY", name="edge/tune").ask(
        "edge/front-0", "10.1.0.9:8080", "a.example", direction="gateway"
    )

    assert before.verdict == SERVICE_MATCHED
    assert after.undetermined == ("envoy-filter",)


def test_a_client_in_the_ambient_mesh_is_not_judged(shop) -> None:
    shop.pod("shop/calm-0", "10.1.0.8", sidecar=False, labels=AMBIENT)

    decision = shop.ask("shop/calm-0", "10.9.0.1:80", "web")

    assert (decision.verdict, decision.undetermined) == (None, ("ambient",))
    assert sentences(decision, "shop/calm-0 is in the ambient mesh")


def test_a_server_in_the_ambient_mesh_is_not_judged(shop) -> None:
    shop.pod("shop/calm-0", "10.1.0.8", sidecar=False, labels=AMBIENT).service("shop/calm", "10.9.0.9")

    decision = shop.ask("shop/sleep-0", "10.9.0.9:80", "calm")

    assert decision.undetermined == ("ambient",)
    assert decision.outbound is not None
    assert decision.outbound.cluster == "outbound|80||calm.shop.svc.cluster.local"


def test_an_arrival_in_the_ambient_mesh_is_not_judged(shop) -> None:
    shop.pod("shop/calm-0", "10.1.0.8", sidecar=False, labels=AMBIENT)

    assert shop.ask("shop/calm-0", "10.1.0.8:80", direction="inbound").undetermined == ("ambient",)


def test_a_waypoint_is_no_sidecar(shop) -> None:
    containers = [{"name": "istio-proxy", "args": ["proxy", "waypoint"]}]
    shop.add("v1", "Pod", "shop/way-0", spec={"containers": containers}, status={"podIP": "10.1.0.8"})

    decision = shop.ask("shop/way-0", "10.1.0.8:15008", direction="inbound")

    assert decision.undetermined == ("ambient",)
    assert sentences(decision, "shop/way-0 is a waypoint")


def test_a_proxy_config_that_the_pod_was_not_started_with_is_an_aside(shop) -> None:
    shop.rule("ProxyConfig", "shop/old", environmentVariables={"ISTIO_META_HTTP10": "1", "OTHER": "x"})

    decision = ask_web(shop)

    assert decision.verdict == SERVICE_MATCHED
    assert sentences(decision, "ProxyConfig shop/old sets ISTIO_META_HTTP10=1, which")


def test_a_proxy_config_that_the_model_does_not_read_is_not_spoken_of(shop) -> None:
    shop.rule("ProxyConfig", "shop/old", environmentVariables={"OTHER": "x"})

    assert sentences(ask_web(shop), "ProxyConfig") == []


@pytest.mark.parametrize(("direction", "word"), [("Ingress", "reach the pod"), ("Egress", "be reached by the pod")])
def test_a_network_policy_is_an_aside_on_its_side(shop, direction, word) -> None:
    app = "web" if direction == "Ingress" else "sleep"
    spec = {"podSelector": {"matchLabels": {"app": app}}, "policyTypes": [direction]}
    shop.add("networking.k8s.io/v1", "NetworkPolicy", "shop/fence", spec=spec)

    decision = ask_web(shop)

    assert decision.verdict == SERVICE_MATCHED
    assert sentences(decision, f"NetworkPolicy shop/fence also says what may {word}")
