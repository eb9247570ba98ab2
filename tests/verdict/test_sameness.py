"""Requests of one class have one decision, whatever the mesh's rules look at."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.fact import replace
from analyzer.mesh.load import load_mesh
from analyzer.protocol.facts import Request
from analyzer.verdict.answers import Answers
from analyzer.verdict.asking import with_request
from analyzer.verdict.calls_file import parse_calls
from analyzer.verdict.decide import decide
from analyzer.verdict.question import Question
from analyzer.verdict.sameness import sameness_of

WORLDS = sorted((Path(__file__).parents[3] / "shared" / "worlds").glob("q0*3"))
CONNECTION = Question("shop", "sleep-0", address="10.96.0.11", port=9080, protocol="tcp")
VERSIONS = {"http": "http/1.1", "http/1.0": "http/1.0", "http2": "h2"}


def service(*rules) -> str:
    """A VirtualService for reviews with these rules of ``http``."""
    listed = "".join(f"  - {rule}\n" for rule in rules)
    return f"""
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: reviews, namespace: shop}}
spec:
  hosts: [reviews]
  http:
{listed}"""


TO_REVIEWS = "route: [{destination: {host: reviews, port: {number: 9080}}}]"
EVERY_KIND = service(
    "{match: [{uri: {exact: /a}}], directResponse: {status: 201}}",
    "{match: [{uri: {prefix: /A}, ignoreUriCase: true}], directResponse: {status: 202}}",
    "{match: [{uri: {regex: '/b[0-9]*'}}], directResponse: {status: 203}}",
    "{match: [{queryParams: {q: {exact: '1'}}}], directResponse: {status: 204}}",
    "{match: [{headers: {x-user: {exact: jason}}}], directResponse: {status: 205}}",
    "{match: [{withoutHeaders: {x-any: {}}, method: {exact: POST}}], directResponse: {status: 206}}",
    "{match: [{uri: {prefix: /told}}, {method: {exact: PUT}}], " + TO_REVIEWS + "}",
)


def same(mesh, one: str, other: str) -> bool:
    found = sameness_of(mesh)
    return found.class_of(one) == found.class_of(other)


# Headers.


def test_headers_that_no_rule_mentions_are_left_out(shop) -> None:
    assert sameness_of(shop()).seen_of((("user-agent", "curl"), ("x-user", "jason"))) == ()


def test_headers_that_a_route_asks_for_stay(shop) -> None:
    mesh = shop(service("{match: [{headers: {X-User: {exact: jason}}}], " + TO_REVIEWS + "}"))

    assert sameness_of(mesh).seen_of((("user-agent", "curl"), ("x-user", "jason"))) == (("x-user", "jason"),)


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ({"rules": [{"when": [{"key": "request.headers[X-Team]", "values": ["a"]}]}]}, "x-team"),
        ({"rules": [{"from": [{"source": {"remoteIpBlocks": ["10.0.0.0/8"]}}]}]}, "x-forwarded-for"),
    ],
)
def test_headers_that_a_policy_asks_for_stay(shop, security, spec, name) -> None:
    assert name in sameness_of(shop(security("AuthorizationPolicy", spec))).headers


def test_headers_that_may_hold_a_token_stay(shop, security) -> None:
    rules = [{"issuer": "me", "fromHeaders": [{"name": "X-Token"}]}]
    mesh = shop(security("RequestAuthentication", {"jwtRules": rules}))

    assert sameness_of(mesh).headers >= {"x-token", "authorization", "cookie", "origin"}


def test_the_header_that_says_the_scheme_stays_where_a_route_asks_for_it(shop) -> None:
    """Envoy's ConnectionManagerUtility::mutateRequestHeaders: sidecars believe x-forwarded-proto."""
    mesh = shop(service("{match: [{scheme: {exact: https}}], " + TO_REVIEWS + "}"))
    assert sameness_of(mesh).headers == {"x-forwarded-proto"}


def test_headers_of_a_preflight_stay_where_a_route_has_cors(shop) -> None:
    mesh = shop(service("{corsPolicy: {allowOrigins: [{exact: 'https://a'}]}, " + TO_REVIEWS + "}"))
    assert sameness_of(mesh).headers == {"origin", "access-control-request-method"}


def test_all_counts_where_a_proxy_says_by_itself_what_it_looks_at(shop) -> None:
    kind = "'@type': type.googleapis.com/envoy.admin.v3"
    bootstrap = f"{{{kind}.BootstrapConfigDump, bootstrap: {{node: {{id: 'sidecar~10.1.0.1~sleep-0.shop~x'}}}}}}"
    rest = [f"{{{kind}.{each}ConfigDump}}" for each in ("Listeners", "Routes", "Clusters")]
    mesh = shop(f"\nconfigs: [{', '.join((bootstrap, *rest))}]")
    assert sameness_of(mesh).seen_of((("x-a", "1"),)) == (("x-a", "1"),)
    assert not same(mesh, "/a", "/b")


# Paths.


def test_all_counts_where_a_proxy_is_told_how_to_read_requests(shop) -> None:
    assert sameness_of(
        shop("\nrootNamespace: istio-system\ndefaultConfig: {connectionSettings: {httpMergeSlashes: true}}\n")
    ).all_headers
    assert not sameness_of(shop()).all_headers


def test_without_rules_all_plain_paths_are_alike(shop) -> None:
    assert same(shop(), "/a/b", "/c?d=e")


@pytest.mark.parametrize("odd", ["/a/../b", "//a", "/a%41", "http://other/a", "*", "/a#b", "/a?b#c"])
def test_a_target_that_normalisation_may_change_is_only_like_itself(shop, odd) -> None:
    assert sameness_of(shop()).class_of(odd) == odd


@pytest.mark.parametrize("other", ["/api/b", "/api/a/c"])
def test_paths_that_begin_alike_are_alike(shop, other) -> None:
    assert same(shop(service("{match: [{uri: {prefix: /api}}], " + TO_REVIEWS + "}")), "/api/a", other)


@pytest.mark.parametrize("other", ["/api", "/apis", "/ap", "/API/a"])
def test_paths_that_a_matcher_may_tell_apart_are_not_alike(shop, other) -> None:
    assert not same(shop(service("{match: [{uri: {prefix: /api}}], " + TO_REVIEWS + "}")), "/api/a", other)


def test_a_matcher_without_regard_to_case_takes_both(shop) -> None:
    mesh = shop(service("{match: [{uri: {prefix: /api}, ignoreUriCase: true}], " + TO_REVIEWS + "}"))

    assert same(mesh, "/api/a", "/API/b")
    assert not same(mesh, "/api/a", "/b")


def test_queries_matter_where_a_rule_asks_for_them(shop) -> None:
    mesh = shop(service("{match: [{queryParams: {q: {exact: '1'}}}], " + TO_REVIEWS + "}"))

    assert not same(mesh, "/a?q=1", "/a?q=2")


def test_paths_that_a_policy_takes_are_not_like_others(shop, security) -> None:
    spec = {"rules": [{"to": [{"operation": {"paths": ["*.css"], "notPaths": ["/{*}/b"]}}]}]}
    mesh = shop(security("AuthorizationPolicy", spec))

    assert same(mesh, "/a.css", "/b.css")
    assert not same(mesh, "/a.css", "/a.js")
    assert not same(mesh, "/a/b", "/a/c")


def test_only_equal_paths_are_alike_where_what_a_route_makes_of_them_is_judged_again(shop, security) -> None:
    rewriting = service("{match: [{uri: {prefix: /a}}], rewrite: {uri: /b}, " + TO_REVIEWS + "}")
    policy = security("AuthorizationPolicy", {"rules": [{"to": [{"operation": {"paths": ["/b"]}}]}]})

    assert same(shop(policy), "/a/1", "/a/2")
    assert not same(shop(rewriting + "---" + policy), "/a/1", "/a/2")


def test_only_equal_paths_are_alike_where_the_path_is_asked_for_as_a_header(shop) -> None:
    mesh = shop(service("{match: [{headers: {':path': {prefix: /a}}}], " + TO_REVIEWS + "}"))

    assert not same(mesh, "/b", "/c")


# Decisions.


def alike(mesh, connection: Question, requests: list[Request]) -> bool:
    """Whether shared answers are those that each request would get by itself."""
    desk = Answers(mesh).about(connection)
    return all(desk.answer(each) == decide(mesh, with_request(connection, each)) for each in requests)


TARGETS = st.lists(
    st.sampled_from(["/a", "/A", "/b", "/b1", "/told", "/x", "a", "/", "//", "..", "?q=1", "?q=2", "%61", "/c"]),
    min_size=1,
    max_size=4,
).map(lambda parts: "/" + "".join(parts).lstrip("/"))
HEADERS = st.lists(st.sampled_from([("x-user", "jason"), ("x-user", "eve"), ("x-any", "1"), ("accept", "*/*")]))
REQUESTS = st.lists(
    st.builds(
        lambda target, method, headers: Request("http/1.1", method, target, "reviews:9080", tuple(headers), 0, 1),
        TARGETS,
        st.sampled_from(["GET", "POST", "PUT"]),
        HEADERS,
    ),
    max_size=12,
)


@given(requests=REQUESTS)
@settings(max_examples=60, deadline=None)
def test_shared_decisions_are_those_of_each_request(shop, requests) -> None:
    assert alike(shop(EVERY_KIND), CONNECTION, requests)


@pytest.mark.skipif(not WORLDS, reason="no recordings beside the repository")
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_shared_decisions_are_those_of_each_request_in_recorded_meshes(world) -> None:
    chance = random.Random(world.name)
    mesh = load_mesh([world / "mesh"])
    named = parse_calls((world / "calls.jsonl").read_bytes(), file="calls.jsonl")
    questions = [each.question for each in named if each.question.protocol in VERSIONS]
    targets = [each.path + more for each in questions for more in ("", "/a", "b", "?version=v2")]
    headers = [each for question in questions for each in question.headers] or [("x-none", "")]

    for question in chance.sample(questions, min(len(questions), 12)):
        plain = replace(question, protocol="tcp", host=None, path="/", method="GET", headers=(), endpoint=None)
        version, host = VERSIONS[question.protocol], question.host
        requests = [
            Request(version, question.method, chance.choice(targets), host, (chance.choice(headers),), 0, 1)
            for _ in range(6)
        ]
        assert alike(mesh, plain, requests)


def test_an_upgrade_that_envoy_refuses_is_seen_whatever_the_rules(shop) -> None:
    seen_of = sameness_of(shop()).seen_of
    asking = (("connection", "Upgrade"), ("upgrade", "tcp"), ("x-other", "1"))
    assert {name for name, _ in seen_of(asking)} >= {"connection", "upgrade"}
    assert "connection" not in {name for name, _ in seen_of((("connection", "keep-alive"),))}
