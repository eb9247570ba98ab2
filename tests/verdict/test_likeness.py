"""Clients share a decision only where the mesh certainly cannot tell them apart, and each is called by its own name."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from analyzer.base.fact import replace
from analyzer.mesh.load import load_mesh
from analyzer.mesh.registry import services_of
from analyzer.protocol.facts import Request
from analyzer.verdict.answers import Answers
from analyzer.verdict.arrival import Arrival
from analyzer.verdict.asking import with_request
from analyzer.verdict.calls_file import parse_calls
from analyzer.verdict.decide import decide
from analyzer.verdict.decision import Candidate, Decision, Step
from analyzer.verdict.likeness import (
    class_anywhere,
    class_of_client,
    is_asked_anywhere,
    kind_of_arrival,
    own_steps,
    place_of_told,
    retell,
    tells_of_namespace,
)
from analyzer.verdict.question import Question
from made.namespaces import HOSTS, PATHS, many_namespaces

WORLDS = sorted((Path(__file__).parents[3] / "shared" / "worlds").glob("q0*7"))
CAPTURES = sorted(path.parent for path in (Path(__file__).parents[2] / "captures").glob("*/mesh"))
TWIN = """
apiVersion: v1
kind: Pod
metadata: {name: sleep-1, namespace: shop, labels: {app: other}}
spec: {containers: [{name: app}, {name: istio-proxy}]}
status: {phase: Running, podIP: 10.244.1.20, podIPs: [{ip: 10.244.1.20}]}
"""


def kind_of(mesh, name: str):
    return class_of_client(mesh, mesh.pod(*name.split("/")))


def test_clients_that_no_rule_asks_for_are_alike(shop) -> None:
    mesh = shop(TWIN)

    assert kind_of(mesh, "shop/sleep-0") == kind_of(mesh, "shop/sleep-1") is not None


@pytest.mark.parametrize("name", ["shop/reviews-0", "legacy/naked-0", "edge/gateway-0"])
def test_a_server_and_a_pod_without_a_sidecar_are_like_nobody(shop, name) -> None:
    assert kind_of(shop(), name) is None


def test_a_pod_that_is_an_endpoint_elsewhere_is_like_nobody(shop, resource) -> None:
    endpoints = [{"address": "10.244.1.10"}]
    spec = {"hosts": ["a.example"], "ports": [{"number": 80, "name": "http"}], "endpoints": endpoints,
            "resolution": "STATIC"}  # fmt: skip

    assert kind_of(shop(resource("networking.istio.io/v1", "ServiceEntry", "far/a", spec)), "shop/sleep-0") is None


@pytest.mark.parametrize(
    ("kind", "spec"), [("AuthorizationPolicy", {"rules": [{}]}), ("RequestAuthentication", {"jwtRules": []})]
)
def test_where_policies_ask_who_calls_nobody_is_alike(shop, security, kind, spec) -> None:
    assert kind_of(shop(security(kind, spec)), "shop/sleep-0") is None


def test_clients_whose_labels_a_rule_asks_for_are_not_alike(shop, resource) -> None:
    rule = {"host": "reviews", "workloadSelector": {"matchLabels": {"app": "other"}}}
    mesh = shop(TWIN + "---" + resource("networking.istio.io/v1", "DestinationRule", "shop/reviews", rule))

    assert kind_of(mesh, "shop/sleep-0") != kind_of(mesh, "shop/sleep-1")


@pytest.mark.parametrize(("address", "port"), [("10.244.1.10", 80), ("127.0.0.1", 80), ("10.96.0.11", 5432)])
def test_a_call_that_the_sidecar_does_not_take_is_the_clients_alone(shop, address, port) -> None:
    mesh = shop()

    assert own_steps(mesh, mesh.pod("shop", "sleep-0"), address, port) is None


def test_a_retold_decision_is_the_one_that_the_client_would_get(shop) -> None:
    mesh = shop(TWIN)
    question = Question("shop", "sleep-0", address="10.96.0.11", port=9080, host="reviews:9080")
    one, other = mesh.pod("shop", "sleep-0"), mesh.pod("shop", "sleep-1")
    decision = decide(mesh, question)
    place = place_of_told(decision, one, own_steps(mesh, one, "10.96.0.11", 9080))

    told = retell(decision, place, own_steps(mesh, other, "10.96.0.11", 9080))

    assert told == decide(mesh, replace(question, pod="sleep-1"))
    assert told != decision


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (Step("something else"),),
        (Step("taken"),),
        (Step("taken"), Step("told"), Step("told")),
        (Step("taken"), Step("told"), Step("shop/sleep-0 is named")),
        (Step("taken"), Step("told"), Step("x", lost=(Candidate("y", "sleep-0 is older"),))),
    ],
)
def test_a_decision_that_names_the_client_elsewhere_is_not_retold(shop, steps) -> None:
    mesh = shop()
    pod = mesh.pod("shop", "sleep-0")
    own = replace(own_steps(mesh, pod, "10.96.0.11", 9080), redirect=Step("taken"), told=Step("told"))

    assert place_of_told(Decision(None, None, steps=steps), pod, own) is None


# Arrivals.


def arriving(mesh, name="shop/reviews-0", *, by="shop/sleep-0", **changes):
    return Arrival(mesh.pod(*name.split("/")), "10.244.1.11", 9080, peer=mesh.pod(*by.split("/")), **changes)


@pytest.mark.parametrize("changes", [{"by": "legacy/naked-0"}, {"path": "/b"}, {"host": "b"}, {"client": "10.9.9.9"}])
def test_arrivals_that_differ_in_what_policies_ask_are_alike_without_any(shop, changes) -> None:
    mesh = shop()

    assert kind_of_arrival(mesh, arriving(mesh)) == kind_of_arrival(mesh, arriving(mesh, **changes))


@pytest.mark.parametrize("changes", [{"tls": "mtls"}, {"protocol": "tcp"}, {"by": "shop/reviews-0"}])
def test_arrivals_that_a_chain_may_tell_apart_are_not_alike(shop, changes) -> None:
    mesh = shop()

    assert kind_of_arrival(mesh, arriving(mesh)) != kind_of_arrival(mesh, arriving(mesh, **changes))


def test_where_a_proxy_is_told_how_to_read_requests_no_arrivals_are_alike(shop) -> None:
    mesh = shop("\nrootNamespace: istio-system\ndefaultConfig: {connectionSettings: {httpMergeSlashes: true}}\n")
    assert kind_of_arrival(mesh, arriving(mesh)) is None


def test_where_there_are_policies_no_arrivals_are_alike(shop, security) -> None:
    mesh = shop(security("AuthorizationPolicy", {"rules": [{}]}))

    assert kind_of_arrival(mesh, arriving(mesh)) is None


# Clients of several namespaces.

FAR = """
apiVersion: v1
kind: Pod
metadata: {name: far-0, namespace: far, labels: {app: sleep-0}}
spec: {containers: [{name: app}, {name: istio-proxy}]}
status: {phase: Running, podIP: 10.244.5.20, podIPs: [{ip: 10.244.5.20}]}
"""


def anywhere(mesh, name: str):
    return class_anywhere(mesh, mesh.pod(*name.split("/")))


def test_clients_of_namespaces_that_are_told_the_same_are_alike(shop) -> None:
    mesh = shop(FAR)

    assert anywhere(mesh, "shop/sleep-0") == anywhere(mesh, "far/far-0") is not None
    assert kind_of(mesh, "shop/sleep-0") != kind_of(mesh, "far/far-0")


def test_a_namespace_with_something_of_its_own_is_like_no_other(shop, resource) -> None:
    rule = resource("networking.istio.io/v1", "DestinationRule", "far/all", {"host": "*"})

    assert anywhere(shop(FAR + "---" + rule), "far/far-0") is None


def test_a_client_that_a_sidecar_resource_governs_is_like_no_other(shop, resource) -> None:
    sidecar = resource("networking.istio.io/v1", "Sidecar", "far/all", {"egress": [{"hosts": ["*/*"]}]})
    mesh = shop(FAR + "---" + sidecar)

    assert anywhere(mesh, "far/far-0") is None
    assert anywhere(mesh, "shop/sleep-0") is not None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"host": None}, False),
        ({"host": "reviews"}, False),
        ({"target": "http://reviews/"}, False),
        ({"method": "CONNECT"}, False),
    ],
)
def test_only_a_host_that_all_namespaces_know_is_asked_for_anywhere(changes, expected) -> None:
    request = replace(Request("http/1.1", "GET", "/", "reviews.shop", (), 0, 1), **changes)

    assert is_asked_anywhere(request, lambda name: name == "reviews.shop") is expected


def test_a_connection_without_a_request_asks_the_same_anywhere() -> None:
    assert is_asked_anywhere(None, lambda _: False)


def test_a_service_that_is_hidden_is_told_of_by_the_namespace_from_which_it_is(shop, resource) -> None:
    hidden = {"hosts": ["a.example"], "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}],
              "exportTo": ["."], "resolution": "STATIC", "endpoints": [{"address": "10.9.9.9"}]}  # fmt: skip
    mesh = shop(FAR + "---" + resource("networking.istio.io/v1", "ServiceEntry", "other/a", hidden))
    asked = [
        decide(mesh, Question("far", "far-0", address="1.2.3.4", port=80, host=host)) for host in ("a.example", "b.c")
    ]

    assert [tells_of_namespace(each) for each in asked] == [True, False]


# Meshes of many namespaces.


def differing(mesh, chance: random.Random, *, asked: int, clients: int) -> list[Question]:
    """Questions that ``Answers`` and ``decide`` answer differently, of some for clients of all namespaces."""
    namespaces = sorted({pod.namespace for pod in mesh.pods})
    pods = [pod for each in namespaces for pod in [pod for pod in mesh.pods if pod.namespace == each][:clients]]
    addresses = sorted({"9.9.9.9", "10.98.0.1", *(ip for each in services_of(mesh) for ip in each.addresses)})
    full = [each.hostname for each in services_of(mesh)]
    hosts = (*HOSTS, *full, *(name.removesuffix(".svc.cluster.local") for name in full))
    answers, found = Answers(mesh), []
    for _ in range(asked):
        host, port, address = chance.choice(hosts), chance.choice((80, 80, 90, 443)), chance.choice(addresses)
        base = Question("", address=address.partition("/")[0], port=port, protocol="tcp")
        sni = (host or "").partition(":")[0] or None
        base = replace(base, tls="tls", sni=sni) if port == 443 else base
        sent = Request("http/1.1", "GET", chance.choice(PATHS), host, (), 0, 1) if port == 80 else None
        for pod in chance.sample(pods, len(pods)):
            plain = replace(base, namespace=pod.namespace, pod=pod.name)
            question = with_request(plain, sent) if sent else plain
            if answers.about(plain).answer(sent) != decide(mesh, question):
                found.append(question)
    return found


@pytest.mark.parametrize("seed", range(24))
def test_clients_of_many_namespaces_get_the_answers_that_each_would_get_alone(seed) -> None:
    chance = random.Random(seed)

    assert differing(many_namespaces(chance), chance, asked=40, clients=2) == []


# Recorded meshes.


@pytest.mark.skipif(not WORLDS, reason="no recordings beside the repository")
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_answers_for_any_client_are_those_that_it_would_get_alone(world) -> None:
    chance = random.Random(world.name)
    mesh = load_mesh([world / "mesh"])
    named = parse_calls((world / "calls.jsonl").read_bytes(), file="calls.jsonl")
    questions = [each.question for each in named if each.question.protocol in ("http", "tcp") and each.question.pod]
    answers = Answers(mesh)

    for question in chance.sample(questions, min(len(questions), 25)):
        for pod in chance.sample(mesh.pods, min(len(mesh.pods), 3)):
            asked = replace(question, namespace=pod.namespace, pod=pod.name, direction="outbound", endpoint=None)
            plain = replace(asked, protocol="tcp", host=None, path="/", method="GET", headers=())
            request = Request("http/1.1", asked.method, asked.path, asked.host, asked.headers, 0, 1)
            sent = request if question.protocol == "http" else None
            assert answers.about(plain).answer(sent) == decide(mesh, with_request(plain, sent) if sent else plain)


@pytest.mark.parametrize("known", [*CAPTURES, *WORLDS], ids=lambda known: known.name)
def test_clients_of_recorded_meshes_get_the_answers_that_each_would_get_alone(known) -> None:
    assert differing(load_mesh([known / "mesh"]), random.Random(known.name), asked=25, clients=1) == []
