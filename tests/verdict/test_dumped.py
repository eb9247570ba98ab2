"""A sidecar is judged by its own configuration where the input has it."""

from __future__ import annotations

import json

import pytest

from analyzer.mesh.load import parse_mesh
from analyzer.verdict.decide import decide
from analyzer.verdict.decision import DROPPED, SERVICE_MATCHED, Decision
from analyzer.verdict.question import Question

ADMIN = "type.googleapis.com/envoy.admin.v3."
FILTER = "type.googleapis.com/envoy.extensions.filters.network."
WEB = "outbound|80||web.shop.svc.cluster.local"
DB = "outbound|80||db.shop.svc.cluster.local"


def manager(*routes, http_filters=()):
    """An HTTP chain whose one host takes every request."""
    hosts = [{"name": "all", "domains": ["*"], "routes": list(routes)}]
    config = {"route_config": {"name": "80", "virtual_hosts": hosts}, "http_filters": list(http_filters)}
    kind = f"{FILTER}http_connection_manager.v3.HttpConnectionManager"
    return {"filters": [{"name": "hcm", "typed_config": {"@type": kind, **config}}]}


def to(cluster: str, **match):
    return {"name": "r", "match": {"prefix": "/", **match}, "route": {"cluster": cluster}}


def dump(chain, *clusters: str, pod: str = "sleep-0"):
    """A dump whose listener of port 80 has one chain."""
    socket = {"address": "0.0.0.0", "port_value": 80}
    listener = {"name": "0.0.0.0_80", "address": {"socket_address": socket}, "default_filter_chain": chain}
    node = {"id": f"sidecar~10.1.0.1~{pod}.shop~shop.svc.cluster.local"}
    found = [{"cluster": {"name": each, "type": "EDS"}} for each in clusters or (WEB, DB)]
    return {
        "configs": [
            {"@type": f"{ADMIN}BootstrapConfigDump", "bootstrap": {"node": node}},
            {"@type": f"{ADMIN}ListenersConfigDump", "dynamic_listeners": [{"active_state": {"listener": listener}}]},
            {"@type": f"{ADMIN}RoutesConfigDump"},
            {"@type": f"{ADMIN}ClustersConfigDump", "dynamic_active_clusters": found},
        ]
    }


@pytest.fixture
def ask(town):
    """What becomes of a call to ``web``, with a dump beside the YAML or without any YAML."""
    town.pod("shop/sleep-0", "10.1.0.1").pod("shop/web-0", "10.1.0.2").pod("shop/db-0", "10.1.0.3")
    town.service("shop/web", "10.9.0.1").service("shop/db", "10.9.0.2")

    def decided(*dumps, yaml: bool = True) -> Decision:
        documents = [*([town.text] if yaml else []), *map(json.dumps, dumps)]
        mesh = parse_mesh("\n---\n".join(documents), file="mesh.yaml")
        return decide(mesh, Question("shop", "sleep-0", address="10.9.0.1", port=80, host="web"))

    return decided


def differing(decision: Decision) -> list[str]:
    return [step.sentence for step in decision.steps if step.code == "dump-differs"]


def test_a_dump_that_agrees_with_the_yaml_says_nothing_of_it(ask) -> None:
    decision = ask(dump(manager(to(WEB))))

    assert (decision.verdict, decision.outbound.cluster) == (SERVICE_MATCHED, WEB)
    assert differing(decision) == []


def test_the_steps_cite_the_dump(ask) -> None:
    decision = ask(dump(manager(to(WEB))))

    assert any("sleep-0 is judged by its own configuration, dumped in mesh.yaml" in s.sentence for s in decision.steps)


def test_a_dump_that_differs_decides_and_the_difference_is_told(ask) -> None:
    decision = ask(dump(manager(to(DB))))

    assert decision.outbound.cluster == DB
    assert differing(decision) == [f"the mesh's YAML says otherwise: service-matched, cluster {WEB}"]


def test_the_difference_cites_the_yaml_and_decides_nothing(ask) -> None:
    (step,) = [step for step in ask(dump(manager(to(DB)))).steps if step.code]

    assert step.aside
    assert step.yaml


def test_what_the_proxy_does_not_know_is_dropped_by_it(ask) -> None:
    decision = ask(dump(manager(to(WEB)), DB))

    assert (decision.verdict, decision.reason) == (DROPPED, "no-cluster")
    assert differing(decision)


def test_a_proxys_own_answer_is_a_difference_too(ask) -> None:
    decision = ask(dump(manager({"match": {"prefix": "/"}, "direct_response": {"status": 418}})))

    assert decision.outbound.response.code == 418
    assert differing(decision)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"directResponse": {"status": 418}}, "answered 418 in 0.0.0.0_80"),
        (
            {"route": [{"destination": {"host": h}, "weight": 1} for h in ("web", "db")]},
            f"split between {WEB} (1), {DB} (1)",
        ),
        (
            {"fault": {"abort": {"httpStatus": 500, "percentage": {"value": 50}}}},
            f"undetermined (weighted), cluster {WEB}",
        ),
    ],
)
def test_the_yamls_answer_is_told_in_its_own_words(ask, town, rule, said) -> None:
    route = {} if "directResponse" in rule else {"route": [{"destination": {"host": "web"}}]}
    town.rule("VirtualService", "shop/web", hosts=["web"], http=[{**route, **rule}])

    (sentence,) = differing(ask(dump(manager(to(DB)))))

    assert said in sentence


def test_without_yaml_there_is_nothing_to_differ_from(ask) -> None:
    decision = ask(dump(manager(to(WEB))), yaml=False)

    assert (decision.verdict, decision.outbound.cluster) == (SERVICE_MATCHED, WEB)
    assert differing(decision) == []


def test_a_dump_of_another_pod_changes_nothing(ask) -> None:
    assert ask(dump(manager(to(DB)), pod="web-0")).outbound.cluster == WEB


def test_of_two_dumps_of_a_pod_the_later_counts(ask) -> None:
    assert ask(dump(manager(to(WEB))), dump(manager(to(DB)))).outbound.cluster == DB


@pytest.mark.parametrize(
    ("chain", "name"),
    [
        (manager(to(WEB), http_filters=[{"name": "envoy.filters.http.lua"}]), "envoy.filters.http.lua"),
        (manager(to(WEB), http_filters=[{"name": "envoy.filters.http.rbac"}]), "envoy.filters.http.rbac"),
        (manager(to(WEB, runtime_fraction={})), "runtime_fraction"),
        (
            {**manager(to(WEB)), "transport_socket": {"typed_config": {"@type": "x.DownstreamTlsContext"}}},
            "a TLS context",
        ),
    ],
)
def test_what_is_not_modelled_on_the_way_leaves_it_open(ask, chain, name) -> None:
    decision = ask(dump(chain))

    assert (decision.verdict, decision.undetermined) == (None, ("dump-unmodelled",))
    assert any(f"{name} of the dump is on the way" in step.sentence for step in decision.steps)


def test_what_is_not_modelled_elsewhere_does_not_matter(ask) -> None:
    elsewhere = {**to(DB, runtime_fraction={}), "match": {"prefix": "/elsewhere", "runtime_fraction": {}}}

    assert ask(dump(manager(elsewhere, to(WEB)))).verdict == SERVICE_MATCHED


def test_opaque_chains_have_no_routes_to_look_at(ask) -> None:
    config = {"@type": f"{FILTER}tcp_proxy.v3.TcpProxy", "cluster": WEB}

    decision = ask(dump({"filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": config}]}))

    assert (decision.verdict, decision.outbound.cluster) == (SERVICE_MATCHED, WEB)


def test_an_empty_dump_closes_the_connection(ask) -> None:
    empty = dump(manager(to(WEB)))
    empty["configs"][1]["dynamic_listeners"] = []

    decision = ask(empty)

    assert (decision.verdict, decision.reason, decision.outbound.response.flag) == (DROPPED, "no-route", "NR")
