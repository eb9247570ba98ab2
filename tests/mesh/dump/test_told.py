"""A dump tells the sieve what istiod told the proxy: both ways to a decision meet."""

from __future__ import annotations

import json
from functools import reduce
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.base.fact import replace
from analyzer.mesh.dump.proxy_dump import ProxyDump
from analyzer.mesh.dump.told import dump_of, told_by_dump
from analyzer.mesh.load import load_mesh, parse_mesh
from analyzer.mesh.outbound.cluster import NoCluster
from analyzer.mesh.proxy import proxy_of, proxy_with
from analyzer.verdict.calls_file import parse_calls
from analyzer.verdict.decide import decide
from analyzer.verdict.outbound import decide_outbound, sift
from analyzer.verdict.question import Question
from analyzer.verdict.upstream import OutboundDecision

WORLDS = Path(__file__).resolve().parents[4] / "shared" / "worlds"
ROUTES = [
    {
        "match": [{"uri": {"prefix": "/v2"}, "headers": {"x-a": {"regex": "a+"}}}],
        "route": [{"destination": {"host": "db"}}],
    },
    {"match": [{"withoutHeaders": {"x-b": {"exact": "1"}}, "uri": {"exact": "/b"}}], "redirect": {"redirectCode": 302}},
    {"match": [{"queryParams": {"q": {"exact": "1"}}}], "directResponse": {"status": 418}},
    {
        "match": [{"uri": {"prefix": "/split"}}],
        "route": [{"destination": {"host": "db"}, "weight": 20}, {"destination": {"host": "web"}, "weight": 80}],
    },
    {
        "match": [{"uri": {"prefix": "/set"}}],
        "headers": {"request": {"set": {"x-c": "1"}, "remove": ["x-d"]}},
        "rewrite": {"uri": "/", "authority": "db"},
        "fault": {"abort": {"httpStatus": 500, "percentage": {"value": 10}}},
        "route": [{"destination": {"host": "web", "subset": "v1"}}],
    },
    {"route": [{"destination": {"host": "web", "subset": "none"}}]},
]


@pytest.fixture
def street(town):
    """A mesh with every kind of service, route and policy that a dump writes differently."""
    town.namespace("shop").pod("shop/sleep-0", "10.1.0.1", account="sleep").pod("shop/web-0", "10.1.0.2")
    town.pod("shop/web-1", "10.1.0.3", labels={"version": "v1"}).service("shop/web", "10.9.0.1")
    town.pod("shop/db-0", "10.1.0.4").service("shop/db", "10.9.0.2", ("http:80:8080", "tcp:5432:5432"))
    town.pod("shop/old-0", "10.1.0.5", sidecar=False).service("shop/old", "10.9.0.3", ("auto:90:90",))
    town.pod("shop/etcd-0", "10.1.0.6").service("shop/etcd", ports=("tcp:2379:2379",), headless=True)
    town.entry("shop/api", ["api.example.com"], ["https:443:TLS"], resolution="DNS")
    town.rule("VirtualService", "shop/web", hosts=["web"], http=ROUTES)
    subsets = [{"name": "v1", "labels": {"version": "v1"}}]
    town.rule("DestinationRule", "shop/web", host="web", subsets=subsets)
    town.rule(
        "DestinationRule", "shop/api", host="api.example.com", trafficPolicy={"tls": {"mode": "SIMPLE", "sni": "x"}}
    )
    return town.security(
        "PeerAuthentication", "shop/off", selector={"matchLabels": {"app": "db"}}, mtls={"mode": "DISABLE"}
    )


def asked(address: str, port: int, **more) -> Question:
    return Question("shop", "sleep-0", address=address, port=port, **more)


HTTP = [
    asked("10.9.0.1", 80, host="web", path=path, headers=headers)
    for path in ("/", "/v2", "/b", "/?q=1", "/split", "/set/x")
    for headers in ((), (("x-a", "aa"),), (("x-b", "1"),))
]
OTHER = [
    asked("10.9.0.1", 80, host="nobody.example"),
    asked("10.9.0.2", 5432, protocol="tcp"),
    asked("10.9.0.3", 90, host="old", protocol="http2"),
    asked("10.9.0.3", 90, protocol="tcp"),
    asked("10.1.0.6", 2379, protocol="tcp"),
    asked("192.0.2.1", 443, protocol="tcp", tls="tls", sni="api.example.com"),
    asked("192.0.2.1", 443, protocol="tcp", tls="tls", sni="other.example.com"),
    asked("192.0.2.1", 9999, protocol="tcp"),
    asked("10.9.0.1", 80, protocol="tcp", client_silent=True),
]


def end(decided: OutboundDecision) -> OutboundDecision:
    """A decision without what only the YAML has: lines, labels and accounts."""
    targets = tuple(replace(each, endpoint=None, identities=frozenset()) for each in decided.targets)
    return replace(decided, steps=(), targets=targets, alternatives=tuple(map(end, decided.alternatives)))


def both(mesh, text: str, pod: str, questions):
    """What the YAML and the dump of a pod make of each question."""
    dump = parse_mesh(text, file="dump.json").views[ProxyDump][0]
    told, proxy = told_by_dump(mesh, dump), proxy_of(mesh, mesh.pod(*pod.split("/")))
    for question in questions:
        yield question, end(decide_outbound(mesh, proxy, question)), end(sift(mesh, proxy, question, told))


@pytest.mark.parametrize("policy", ["ALLOW_ANY", "REGISTRY_ONLY"])
def test_a_dump_of_what_istiod_says_decides_as_istiod_does(street, dump_told, policy) -> None:
    mesh = street.settings(outboundTrafficPolicy={"mode": policy}).mesh()
    questions = [*HTTP, *OTHER]
    text = dump_told(mesh, "shop/sleep-0", [(each.address, each.port) for each in questions])

    differing = [asked for asked, by_yaml, by_dump in both(mesh, text, "shop/sleep-0", questions) if by_yaml != by_dump]

    assert differing == []


@pytest.mark.skipif(not WORLDS.is_dir(), reason="the recorded worlds are not beside the repository")
@pytest.mark.parametrize("world", ["shop-default", "shop-registry-only", "q003", "q011"])
def test_a_recorded_world_is_decided_alike_by_dumps_of_it(dump_told, world) -> None:
    mesh = load_mesh([WORLDS / world / "mesh"])
    calls = parse_calls((WORLDS / world / "calls.jsonl").read_bytes(), file=world)
    asked_by: dict[str, list[Question]] = {}
    for question in (call.question for call in calls):
        pod = mesh.pod(question.namespace, question.pod or "")
        if question.direction == "outbound" and pod is not None and pod.has_sidecar:
            asked_by.setdefault(pod.full_name, []).append(question)

    differing = [
        (pod, question)
        for pod, questions in asked_by.items()
        for question, by_yaml, by_dump in both(
            mesh, dump_told(mesh, pod, [(q.address, q.port) for q in questions]), pod, questions
        )
        if by_yaml != by_dump
    ]

    assert asked_by
    assert differing == []


JUNK = [None, -1, 10**30, "", "junk", "10.0.0.0/8", True, 1.5, [], [[]], {}, {"name": {}}, [{"name": 1}]]


def places(value, path=()):
    """The way to every value inside a document."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*path, key))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_in_a_dump_there_is_an_answer(street, dump_told, data) -> None:
    mesh = street.mesh()
    whole = json.loads(dump_told(mesh, "shop/sleep-0", [("10.9.0.1", 80), ("10.9.0.3", 90)], [8080]))
    path = data.draw(st.sampled_from([each for each in places(whole) if each]))
    holder = reduce(lambda value, key: value[key], path[:-1], whole)
    holder[path[-1]] = data.draw(st.sampled_from(JUNK))

    broken = parse_mesh("\n---\n".join([street.text, json.dumps(whole)]))

    for question in (HTTP[1], OTHER[2], replace(HTTP[0], direction="inbound", address="10.1.0.1", port=8080)):
        decision = decide(broken, question)
        assert decision.verdict or decision.undetermined


def test_a_dump_belongs_to_the_proxy_that_it_names(dumped) -> None:
    mesh = parse_mesh(json.dumps(dumped("shop/web-0", "10.1.0.2")))

    assert dump_of(mesh, proxy_of(mesh, mesh.pods[0])) is not None
    assert dump_of(mesh, proxy_with(mesh, "shop", {})) is None


def test_an_empty_dump_closes_every_connection(dumped) -> None:
    mesh = parse_mesh(json.dumps(dumped("shop/web-0", "10.1.0.2")))
    told = told_by_dump(mesh, mesh.views[ProxyDump][0])

    listener = told.listener_at("10.9.0.1", 80)

    assert (listener.name, listener.chains, listener.default_chain) == ("virtualOutbound", (), None)
    assert isinstance(told.cluster("outbound|80||web"), NoCluster)
    assert told.fallback == "PassthroughCluster"


def test_the_dump_and_its_file_are_named(dumped) -> None:
    mesh = parse_mesh(json.dumps(dumped("shop/web-0", "10.1.0.2")), file="web-0.json")

    told = told_by_dump(mesh, mesh.views[ProxyDump][0])

    assert (told.sentence, told.yaml[0].file) == (
        "web-0 is judged by its own configuration, dumped in web-0.json",
        "web-0.json",
    )


@pytest.mark.parametrize(("cluster", "fallback"), [("own", "own"), ("BlackHoleCluster", "BlackHoleCluster")])
def test_unmatched_connections_go_where_virtual_outbound_sends_them(dumped, cluster, fallback) -> None:
    config = {"@type": "type.googleapis.com/x.TcpProxy", "cluster": cluster}
    last = {"filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": config}]}
    loop = {**last, "filter_chain_match": {"destination_port": 15001}}
    listener = {"name": "virtualOutbound", "filter_chains": [loop, last]}
    mesh = parse_mesh(json.dumps(dumped("shop/web-0", "10.1.0.2", listeners=[listener])))

    assert told_by_dump(mesh, mesh.views[ProxyDump][0]).fallback == fallback


def test_routes_may_stand_in_the_connection_manager(dumped) -> None:
    kind = "type.googleapis.com/x.HttpConnectionManager"
    config = {"@type": kind, "route_config": {"name": "own", "virtual_hosts": [{"name": "all", "domains": ["*"]}]}}
    socket = {"address": "0.0.0.0", "port_value": 80}
    chain = {"filters": [{"name": "hcm", "typed_config": config}]}
    listener = {"name": "0.0.0.0_80", "address": {"socket_address": socket}, "default_filter_chain": chain}
    mesh = parse_mesh(json.dumps(dumped("shop/web-0", "10.1.0.2", listeners=[listener])))
    told = told_by_dump(mesh, mesh.views[ProxyDump][0])

    routes = told.routes(told.listener_at("10.9.0.1", 80).default_chain)

    assert routes.config.virtual_host("x").name == "all"
