"""One question to one decision."""

from __future__ import annotations

import contextlib
import copy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.base.errors import UsageError
from analyzer.verdict.decide import class_of_cluster, decide
from analyzer.verdict.question import Question

SUFFIX = ".svc.cluster.local"
STRICT = {"mtls": {"mode": "STRICT"}}


def outcome(decision) -> tuple[str | None, str | None]:
    return decision.verdict, decision.reason


def test_a_call_to_a_service_is_followed_to_its_pods(market) -> None:
    found = market.ask("shop/sleep-0", "10.9.0.1:80", "web")
    assert outcome(found) == ("service-matched", "service")
    assert (found.inbound.cluster, found.inbound.mtls) == ("inbound|8080||", True)
    assert "iptables hands 10.9.0.1:80" in found.steps[0].sentence


def test_a_call_to_a_headless_pod_is_headless_matched(market) -> None:
    found = market.ask("shop/sleep-0", "10.1.0.4:5432", protocol="tcp")
    assert outcome(found) == ("headless-matched", "headless-service")
    assert found.inbound.pod == "shop/db-0"


def test_a_call_that_nothing_matches_is_passthrough(market) -> None:
    assert outcome(market.ask("shop/sleep-0", "192.0.2.1:80", "x.org")) == ("passthrough", "passthrough-cluster")


def test_a_call_that_the_server_refuses_is_dropped(market) -> None:
    market.security("PeerAuthentication", "shop/default", **STRICT)
    assert outcome(market.ask("shop/sleep-0", "10.1.0.2:8080", "10.1.0.2")) == ("dropped", "mtls-required")
    assert outcome(market.ask("shop/sleep-0", "10.9.0.1:80", "web")) == ("service-matched", "service")


def test_a_call_that_the_client_loses_is_not_followed(market) -> None:
    found = market.settings(outboundTrafficPolicy={"mode": "REGISTRY_ONLY"}).ask("shop/sleep-0", "10.9.0.1:80", "x.org")
    assert outcome(found) == ("dropped", "block-all")
    assert found.inbound is None


def test_nothing_is_known_where_nobody_knows_what_istiod_watches(market) -> None:
    market.settings(discoverySelectors=[{"matchLabels": {"mesh": "in"}}]).pod("pay/till-0")
    found = market.ask("shop/sleep-0", "10.9.0.1:80", "web")
    assert (*outcome(found), found.undetermined) == (None, None, ("namespace-unknown",))
    assert found.steps[0].sentence.endswith("lacks Namespace pay")
    assert [place.field for place in found.steps[0].yaml] == ["discoverySelectors"]


def test_a_call_to_what_istiod_does_not_watch_is_passthrough_and_followed(market) -> None:
    market.settings(discoverySelectors=[{"matchLabels": {"mesh": "in"}}])
    found = market.ask("shop/sleep-0", "10.9.0.1:80", "web")
    assert outcome(found) == ("passthrough", "passthrough-cluster")
    assert found.inbound.cluster == "InboundPassthroughCluster"


def test_a_call_past_the_own_sidecar_is_passthrough(market) -> None:
    market.pod("shop/free-0", annotations={"traffic.sidecar.istio.io/excludeOutboundPorts": "80"})
    found = market.ask("shop/free-0", "10.9.0.1:80", "web")
    assert outcome(found) == ("passthrough", "not-captured")
    assert (found.outbound, found.inbound.mtls) == (None, False)


def test_packets_may_prove_that_the_sidecar_was_bypassed(market) -> None:
    assert outcome(market.ask("shop/sleep-0", "10.9.0.1:80", "web", bypass=True)) == ("passthrough", "not-captured")


def test_a_call_past_the_own_sidecar_that_the_server_refuses_is_dropped(market) -> None:
    market.security("PeerAuthentication", "shop/default", **STRICT)
    assert outcome(market.ask("shop/sleep-0", "10.9.0.1:80", "web", bypass=True)) == ("dropped", "mtls-required")


@pytest.mark.parametrize("address", ["10.1.0.1", "127.0.0.1"])
def test_a_call_to_the_own_pod_stays_on_loopback(market, address: str) -> None:
    found = market.ask("shop/sleep-0", f"{address}:80", "x")
    assert outcome(found) == ("passthrough", "loopback")
    assert found.inbound is None


class TestWithoutSidecar:
    """The class comes from the server's side."""

    @pytest.mark.parametrize(
        ("to", "expected"),
        [
            ("10.9.0.1:80", ("service-matched", "service")),
            ("10.1.0.4:5432", ("headless-matched", "headless-service")),
            ("10.1.0.2:99", ("passthrough", "inbound-passthrough")),
            ("192.0.2.1:80", ("passthrough", "no-sidecar")),
            ("10.1.0.30:80", ("passthrough", "no-sidecar")),
        ],
    )
    def test_the_port_at_the_server_decides(self, market, to: str, expected) -> None:
        market.pod("shop/naked-0", sidecar=False).pod("shop/plain-0", "10.1.0.30", sidecar=False)
        assert outcome(market.ask("shop/naked-0", to, "web")) == expected

    def test_strict_servers_refuse_it(self, market) -> None:
        market.pod("shop/naked-0", sidecar=False).security("PeerAuthentication", "shop/default", **STRICT)
        assert outcome(market.ask("shop/naked-0", "10.9.0.1:80", "web")) == ("dropped", "mtls-required")

    def test_unlike_pods_leave_it_open(self, market) -> None:
        market.pod("shop/naked-0", sidecar=False).pod("shop/web-2", sidecar=False)
        found = market.ask("shop/naked-0", "10.9.0.1:80", "web")
        assert (found.verdict, found.undetermined) == (None, ("balanced",))


def test_a_service_of_which_some_pods_drop_the_call_leaves_it_to_chance(market) -> None:
    policy = {"selector": {"matchLabels": {"odd": "yes"}}, "mtls": {"mode": "STRICT"}}
    market.security("PeerAuthentication", "shop/odd", **policy).pod("shop/web-2", labels={"odd": "yes"})
    found = market.ask("shop/sleep-0", "10.9.0.1:80", "x.org")
    assert (found.verdict, found.undetermined) == (None, ("balanced",))
    assert "would treat the call differently" in found.steps[-1].sentence
    chosen = market.ask("shop/sleep-0", "10.9.0.1:80", "x.org", endpoint=("10.1.0.2", 8080))
    assert chosen.inbound.pod == "shop/web-0"


def weighted(market, *hosts: str):
    route = [{"destination": {"host": host, "port": {"number": 80}}, "weight": 50} for host in hosts]
    return market.rule("VirtualService", "shop/vs", hosts=["web"], http=[{"route": route}])


def test_weights_between_unlike_ends_leave_it_open(market) -> None:
    found = weighted(market, "web", "gone").ask("shop/sleep-0", "10.9.0.1:80", "web")
    assert (found.verdict, found.undetermined) == (None, ("weighted",))
    assert len(found.outbound.clusters) == 2


def test_weights_between_ends_of_one_verdict_do_not(market) -> None:
    market.service("shop/web2", "10.9.0.8", selector={"app": "web"})
    found = weighted(market, "web", "web2").ask("shop/sleep-0", "10.9.0.1:80", "web")
    assert outcome(found) == ("service-matched", "service")
    assert (found.outbound.cluster, found.inbound.cluster) == (None, "inbound|8080||")


def test_weights_between_two_ways_of_failing_are_a_failure(market) -> None:
    market.service("shop/empty", "10.9.0.8")
    assert weighted(market, "gone", "empty").ask("shop/sleep-0", "10.9.0.1:80", "web").verdict == "dropped"


def test_a_source_may_be_a_namespace_with_labels(market) -> None:
    found = market.ask("shop", "10.9.0.1:80", "web", labels={"app": "any"})
    assert outcome(found) == ("service-matched", "service")


def test_a_source_that_does_not_exist_is_an_error(market) -> None:
    with pytest.raises(UsageError, match="pod shop/gone is not in the mesh input"):
        market.ask("shop/gone", "10.9.0.1:80")


def test_an_inbound_question_is_about_the_own_sidecar(market) -> None:
    found = market.ask("shop/web-0", "10.1.0.2:8080", "web", direction="inbound")
    assert outcome(found) == ("service-matched", "service")
    assert found.inbound.pod == "shop/web-0"


class TestGateways:
    """Calls to and through gateways."""

    @staticmethod
    def ingress(market):
        market.pod("edge/gw-0", "10.1.0.20", sidecar=False, gateway=True, labels={"istio": "ingress"})
        market.service("edge/gw", "10.9.0.20", selector={"istio": "ingress"})
        server = {"port": {"number": 8080, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
        market.rule("Gateway", "edge/gateway", selector={"istio": "ingress"}, servers=[server])
        route = [{"destination": {"host": f"web.shop{SUFFIX}", "port": {"number": 80}}}]
        return market.rule(
            "VirtualService",
            "shop/edge",
            hosts=["shop.example.com"],
            gateways=["edge/gateway"],
            http=[{"route": route}],
        )

    def test_a_call_at_a_gateway_is_followed_to_the_pods_behind(self, market) -> None:
        found = self.ingress(market).ask("edge/gw-0", "10.1.0.20:8080", "shop.example.com", direction="gateway")
        assert outcome(found) == ("service-matched", "service")
        assert (found.gateway.pod, found.inbound.cluster) == ("edge/gw-0", "inbound|8080||")

    def test_a_call_through_a_gateway_keeps_the_clients_class(self, market) -> None:
        found = self.ingress(market).ask("shop/sleep-0", "10.1.0.20:8080", "shop.example.com")
        assert outcome(found) == ("passthrough", "passthrough-cluster")
        assert found.gateway.cluster == f"outbound|80||web.shop{SUFFIX}"
        assert found.inbound.mtls

    def test_a_gateway_that_leads_to_itself_ends_somewhere(self, market) -> None:
        self.ingress(market)
        route = [{"destination": {"host": f"gw.edge{SUFFIX}", "port": {"number": 80}}}]
        market.rule(
            "VirtualService",
            "shop/loop",
            hosts=["loop.example.com"],
            gateways=["edge/gateway"],
            http=[{"route": route}],
        )
        found = market.ask("edge/gw-0", "10.1.0.20:8080", "loop.example.com", direction="gateway")
        assert found.gateway.cluster == f"outbound|80||gw.edge{SUFFIX}"

    def test_a_pod_that_is_no_gateway_is_an_error(self, market) -> None:
        with pytest.raises(UsageError, match="is no gateway"):
            market.ask("shop/web-0", "10.1.0.2:80", direction="gateway")


@pytest.mark.parametrize(
    ("cluster", "expected"),
    [
        ("PassthroughCluster", ("passthrough", "passthrough-cluster")),
        ("BlackHoleCluster", ("dropped", "black-hole")),
        (f"outbound|80||web.shop{SUFFIX}", ("service-matched", "service")),
        (f"outbound|5432||db.shop{SUFFIX}", ("headless-matched", "headless-service")),
        ("outbound|80||gone", None),
        ("odd", None),
    ],
)
def test_a_cluster_has_a_class_by_its_name(market, cluster: str, expected) -> None:
    assert class_of_cluster(market.mesh(), cluster) == expected


def test_the_same_question_gets_the_same_answer(market) -> None:
    question = Question("shop", "sleep-0", address="10.9.0.1", port=80, host="web")
    mesh = market.mesh()
    assert decide(mesh, question) == decide(mesh, question)


ODD = st.sampled_from(
    [None, True, 0, -1, 1.5, "", "*", "/", "a/b/c", "::", "10.0.0.0/99", "x" * 300, [], {}, ["x"], [{}], "NONE", "("]
)


def fresh(built):
    """A copy of a mesh in the making, so that changes do not outlive the example."""
    again = type(built)()
    again.documents = copy.deepcopy(built.documents)
    return again


def spots(value, path=()):
    """Every place inside a document."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield from spots(each, (*path, key))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_the_yaml_says_a_question_has_an_answer(market, data) -> None:
    market = TestGateways.ingress(weighted(fresh(market), "web", "db"))
    market.rule(
        "DestinationRule", "shop/dr", host="web", subsets=[{"name": "v1"}], trafficPolicy={"tls": {"mode": "SIMPLE"}}
    )
    market.rule(
        "Sidecar",
        "shop/sc",
        egress=[{"hosts": ["*/*"], "port": {"number": 80}, "bind": "10.9.0.1"}, {"hosts": ["./*"]}],
    )
    market.entry("shop/e", ["a.com"], ["t:99:TCP"], addresses=["10.7.0.0/16"], endpoints=[{"address": "10.7.0.1"}])
    for _ in range(data.draw(st.integers(1, 4))):
        document = data.draw(st.sampled_from(market.documents))
        *path, last = data.draw(st.sampled_from([each for each in spots(document) if each]))
        for key in path:
            document = document[key]
        document[last] = copy.deepcopy(data.draw(ODD))
    mesh = market.mesh()
    for to, host in (("10.9.0.1", "web"), ("10.1.0.4", "db"), ("10.1.0.20", "shop.example.com"), ("10.7.0.1", None)):
        for port in (80, 99, 5432, 8080):
            with contextlib.suppress(UsageError):
                decide(mesh, Question("shop", "sleep-0", address=to, port=port, host=host))


def test_pods_that_refuse_do_not_speak_for_one_whose_tls_is_not_known(market) -> None:
    market.pod("shop/cache-1", "10.1.0.9", sidecar=False)
    market.rule("DestinationRule", "shop/cache", host="cache", trafficPolicy={"tls": {"mode": "SIMPLE"}})
    market.security("AuthorizationPolicy", "shop/none", action="ALLOW")
    found = market.ask("shop/sleep-0", "10.9.0.2:6379", protocol="tcp")
    assert (found.verdict, "upstream-tls" in found.undetermined) == (None, True)


def test_pods_that_take_a_connection_do_not_speak_for_one_whose_tls_does_not_fit(market) -> None:
    """Opaque TCP is tried once: which pod the balancer chooses decides whether it arrives."""
    market.pod("shop/cache-1", "10.1.0.9", sidecar=False)
    market.rule("DestinationRule", "shop/cache", host="cache", trafficPolicy={"tls": {"mode": "ISTIO_MUTUAL"}})
    found = market.ask("shop/sleep-0", "10.9.0.2:6379", protocol="tcp")
    assert (found.verdict, found.undetermined) == (None, ("balanced", "upstream-tls"))


def test_tcp_to_a_dns_server_that_may_not_be_the_pods_is_not_decided(market) -> None:
    market.settings(defaultConfig={"proxyMetadata": {"ISTIO_META_DNS_CAPTURE": "true"}})
    found = market.ask("shop/sleep-0", "10.7.0.1:53", protocol="tcp")
    assert (found.verdict, found.undetermined) == (None, ("setting",))


def test_an_application_may_dial_its_sidecar_on_the_loopback_address(market) -> None:
    port = {"number": 6379, "protocol": "TCP", "name": "r"}
    market.rule("Sidecar", "shop/s", egress=[{"port": port, "captureMode": "NONE", "hosts": ["*/*"]}])
    found = market.ask("shop/sleep-0", "127.0.0.1:6379", protocol="tcp")
    assert (found.verdict, found.outbound.listener) == ("service-matched", "127.0.0.1_6379")
    assert market.ask("shop/sleep-0", "127.0.0.1:80").reason == "loopback"


@pytest.mark.parametrize(
    ("host", "cluster"),
    [
        ("web", f"outbound|80||web.shop{SUFFIX}"),
        ("web:8080", f"outbound|80||web.shop{SUFFIX}"),
        ("db:8080", "PassthroughCluster"),
    ],
)
def test_an_http_proxy_request_means_port_80_whatever_port_it_names(market, host, cluster) -> None:
    market.settings(proxyHttpPort=3128)
    found = market.ask("shop/sleep-0", "127.0.0.1:3128", host, path=f"http://{host}/")
    assert found.outbound.cluster == cluster
