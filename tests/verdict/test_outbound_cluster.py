"""From a cluster's name to a class and to targets."""

from __future__ import annotations

import pytest

from analyzer.mesh.outbound.request import HttpRequest
from analyzer.mesh.outbound.told import told_by_istiod
from analyzer.verdict.decision import Outbound
from analyzer.verdict.outbound_cluster import Sender, send_to
from analyzer.verdict.question import Question

SUFFIX = ".svc.cluster.local"
WEB = f"outbound|80||web.shop{SUFFIX}"
REQUEST = HttpRequest("web")


def sent(town, cluster: str, request=REQUEST, *, fallback="PassthroughCluster", code=503, **question):
    mesh, proxy = town.proxy("shop/sleep-0")
    asked = Question("shop", "sleep-0", **{"address": "10.9.0.1", "port": 80, "protocol": "http"} | question)
    sender = Sender(mesh, proxy, told_by_istiod(mesh, proxy).cluster, asked, fallback)
    return send_to(sender, Outbound(listener="l"), cluster, request, not_found_code=code)


def response(decided) -> tuple[int | None, str | None]:
    return decided.outbound.response.code, decided.outbound.response.flag


def test_a_service_takes_the_call_at_its_endpoints(market) -> None:
    decided = sent(market, WEB)
    assert (decided.verdict, decided.reason, decided.outbound.cluster) == ("service-matched", "service", WEB)
    assert [(t.address, t.port, t.tls, t.originated) for t in decided.targets] == [
        ("10.1.0.2", 8080, "mtls", True),
        ("10.1.0.3", 8080, "mtls", True),
    ]


def test_an_entry_with_the_name_of_a_headless_service_has_its_class(market) -> None:
    market.rule("Sidecar", "shop/own", egress=[{"hosts": ["out/*"]}])
    market.entry(
        "out/db", [f"db.shop{SUFFIX}"], ["http:80:HTTP"], resolution="STATIC", endpoints=[{"address": "192.0.2.9"}]
    )
    assert sent(market, f"outbound|80||db.shop{SUFFIX}").verdict == "headless-matched"


def test_mutual_tls_names_the_cluster_and_what_is_carried(market) -> None:
    target = sent(market, WEB).targets[0]
    assert target.sni == f"outbound_.80_._.web.shop{SUFFIX}"
    assert target.alpn == ("istio-http/1.1", "istio", "http/1.1")
    assert sent(market, f"outbound|6379||cache.shop{SUFFIX}", None).targets[0].alpn == ("istio-peer-exchange", "istio")


def test_mutual_tls_asks_for_the_accounts_of_the_endpoints(market) -> None:
    market.pod("shop/web-2", account="web")
    accounts = {"spiffe://cluster.local/ns/shop/sa/default", "spiffe://cluster.local/ns/shop/sa/web"}
    assert sent(market, WEB).targets[0].identities == accounts


def test_a_rule_may_ask_for_other_names(market) -> None:
    tls = {"mode": "ISTIO_MUTUAL", "sni": "x", "subjectAltNames": ["spiffe://y"]}
    target = sent(market.rule("DestinationRule", "shop/dr", host="web", trafficPolicy={"tls": tls}), WEB).targets[0]
    assert (target.sni, target.identities) == ("x", {"spiffe://y"})


def test_an_entry_may_name_its_accounts(town) -> None:
    endpoints = [{"address": "10.7.0.1", "serviceAccount": "a"}]
    town.pod("shop/sleep-0").entry("shop/e", ["a.com"], ["http:80:HTTP"], resolution="STATIC", location="MESH_INTERNAL",
                                   endpoints=endpoints, subjectAltNames=["spiffe://z"])  # fmt: skip
    assert "spiffe://z" in sent(town, "outbound|80||a.com").targets[0].identities


def test_ordinary_tls_goes_by_the_host(market) -> None:
    market.rule("DestinationRule", "shop/dr", host="web", trafficPolicy={"tls": {"mode": "SIMPLE"}})
    target = sent(market, WEB).targets[0]
    assert (target.tls, target.sni, target.alpn, target.identities) == ("tls", "web", (), frozenset())


def test_a_headless_service_keeps_the_address(market) -> None:
    decided = sent(market, f"outbound|5432||db.shop{SUFFIX}", None, address="10.1.0.4", port=5432, protocol="tcp")
    assert (decided.verdict, decided.reason) == ("headless-matched", "headless-service")
    assert [(t.address, t.port, t.endpoint.address) for t in decided.targets] == [("10.1.0.4", 5432, "10.1.0.4")]


def test_a_kept_address_need_not_be_an_endpoint(market) -> None:
    decided = sent(market, f"outbound|5432||db.shop{SUFFIX}", None, address="192.0.2.1", port=5432)
    assert decided.targets[0].endpoint is None


def test_passthrough_sends_on_what_was_sent(market) -> None:
    asked = {"tls": "tls", "sni": "s", "alpn": ("h2",), "protocol": "tcp"}
    decided = sent(market, "PassthroughCluster", None, **asked)
    target = decided.targets[0]
    assert (decided.verdict, decided.reason) == ("passthrough", "passthrough-cluster")
    assert (target.address, target.tls, target.sni, target.alpn, target.originated) == (
        "10.9.0.1",
        "tls",
        "s",
        ("h2",),
        False,
    )


def test_the_dynamic_cluster_goes_where_the_host_says(market) -> None:
    decided = sent(market, "AllowAnyDynamicDNSCluster")
    assert (decided.verdict, decided.targets) == ("passthrough", ())


def test_a_black_hole_closes(market) -> None:
    decided = sent(market, "BlackHoleCluster", None)
    assert (decided.verdict, decided.reason, response(decided)) == ("dropped", "black-hole", (None, "UH"))


@pytest.mark.parametrize(("request_", "code", "answer"), [(REQUEST, 503, 503), (REQUEST, 500, 500), (None, 503, None)])
def test_a_cluster_that_does_not_exist_is_answered_by_the_proxy(
    market, request_, code: int, answer: int | None
) -> None:
    decided = sent(market, "outbound|80||gone", request_, code=code)
    assert (decided.verdict, decided.reason, response(decided)) == ("dropped", "no-cluster", (answer, "NC"))


@pytest.mark.parametrize(("request_", "answer"), [(REQUEST, 503), (None, None)])
def test_a_service_without_ready_endpoints_is_answered_by_the_proxy(town, request_, answer: int | None) -> None:
    town.pod("shop/sleep-0").pod("shop/web-0", ready=False).service("shop/web", "10.9.0.1")
    decided = sent(town, WEB, request_)
    assert (decided.verdict, decided.reason, response(decided)) == ("dropped", "no-healthy-upstream", (answer, "UH"))


def test_the_cluster_of_what_nothing_matched_is_passthrough(market) -> None:
    assert sent(market, WEB, fallback=WEB).verdict == "passthrough"


def test_a_wildcard_is_resolved_later(town) -> None:
    town.pod("shop/sleep-0").entry("shop/e", ["*.a.com"], ["http:80:HTTP"], resolution="DYNAMIC_DNS")
    decided = sent(town, "outbound|80||*.a.com")
    assert (decided.verdict, decided.targets) == ("service-matched", ())


@pytest.mark.parametrize(
    ("port", "protocol", "upstream"),
    [
        ("http:80:80", "http2", "http"),
        ("grpc:80:80", "http", "http2"),
        ("x:80:80", "http2", "http2"),
        ("x:80:80", "http/1.0", "http"),
    ],
)
def test_the_cluster_says_which_http_goes_on(town, port: str, protocol: str, upstream: str) -> None:
    town.pod("shop/sleep-0").pod("shop/web-0", sidecar=False).service("shop/web", "10.9.0.1", ports=(port,))
    target = sent(town, WEB, protocol=protocol).targets[0]
    assert (target.tls, target.protocol) == ("plaintext", upstream)


def test_tls_of_the_application_is_opaque_inside_mutual_tls(market) -> None:
    target = sent(market, f"outbound|6379||cache.shop{SUFFIX}", None, tls="tls", sni="s", protocol="http").targets[0]
    assert (target.tls, target.protocol, target.sni) == ("mtls", "tcp", f"outbound_.6379_._.cache.shop{SUFFIX}")


def test_tls_of_the_application_stays_as_it_is_without_mutual_tls(town) -> None:
    town.pod("shop/sleep-0").pod("shop/web-0", sidecar=False).service("shop/web", "10.9.0.1", ports=("tcp:80:80",))
    target = sent(town, WEB, None, tls="tls", sni="s", protocol="http").targets[0]
    assert (target.tls, target.sni, target.endpoint is not None) == ("tls", "s", True)


TUNNEL = {"tunnel": {"protocol": "CONNECT", "targetHost": "t.example.com", "targetPort": 443}}
CACHE = f"outbound|6379||cache.shop{SUFFIX}"


@pytest.mark.parametrize(
    ("cluster", "host", "policy", "request_", "undetermined"),
    [
        (CACHE, "cache", TUNNEL, None, ("wrapped",)),
        (WEB, "web", TUNNEL, REQUEST, ()),
        (WEB, "web", {"proxyProtocol": {"version": "V2"}}, REQUEST, ("wrapped",)),
        (WEB, "web", {"proxyProtocol": {}, "portLevelSettings": [{"port": {"number": 80}}]}, REQUEST, ()),
    ],
)
def test_what_a_rule_puts_before_the_data_is_not_judged_at_another_proxy(
    market, cluster, host, policy, request_, undetermined
) -> None:
    """tunnelingconfig.Apply is for TCP; a port's policy has no proxyProtocol (shadowCopyPortTrafficPolicy)."""
    market.rule("DestinationRule", "shop/dr", host=host, trafficPolicy=policy)
    decided = sent(market, cluster, request_)
    assert decided.undetermined == undetermined
    assert (decided.verdict is None) == bool(undetermined)


def test_a_tunnel_to_a_host_without_a_proxy_changes_nothing(town) -> None:
    endpoints = [{"address": "192.0.2.9"}]
    town.pod("shop/sleep-0").entry("shop/e", ["a.com"], ["tcp:80:TCP"], resolution="STATIC", endpoints=endpoints)
    subsets = [{"name": "v1", "labels": {}}]
    town.rule("DestinationRule", "shop/dr", host="a.com", trafficPolicy=TUNNEL, subsets=subsets)
    told = sent(town, "outbound|80||a.com", None)
    assert (told.verdict, len(told.targets)) == ("service-matched", 1)
    assert any("a tunnel" in step.sentence for step in told.steps)
    assert not any("a tunnel" in step.sentence for step in sent(town, "outbound|80|v1|a.com", None).steps)
