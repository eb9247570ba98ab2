"""RBAC filters as istiod writes them, and as Envoy reads them."""

from __future__ import annotations

import json

import pytest

from analyzer.base.fact import replace
from analyzer.mesh.dump.rbac import rbac_verdict
from analyzer.mesh.policy.subject import Subject
from analyzer.mesh.resource import Node
from analyzer.mesh.source import read_documents

ANY = {"any": True}
CALLER = Subject(
    True, "10.1.0.2", 8080, "10.1.0.1", ("cluster.local/ns/shop/sa/sleep",), "web", "web:80", "GET", "/a?q=1",
    (("x-a", "1"),), {"iss": "me", "groups": ["one", "two"], "nested": {"a": "b"}},
)  # fmt: skip


def node(content) -> Node:
    root = next(iter(read_documents(json.dumps(content), "dump.json", [])))
    return Node("dump.json", root, root, (), [])


def rbac(*, action: str = "", permission=ANY, principal=ANY, name: str = "http", **policy) -> Node:
    policies = {"p": {"permissions": [permission], "principals": [principal], **policy}}
    rules = {**({"action": action} if action else {}), "policies": policies}
    return node({"name": f"envoy.filters.{name}.rbac", "typed_config": {"rules": rules}})


def allowed(subject: Subject = CALLER, **parts) -> bool | None:
    verdict = rbac_verdict((rbac(**parts),), subject)
    assert verdict is not None
    return verdict.allowed


def exact(text: str):
    return {"exact": text}


@pytest.mark.parametrize(
    ("permission", "holds"),
    [
        ({"destination_port": 8080}, True),
        ({"destination_port": 80}, False),
        ({"destination_port_range": {"start": 8000, "end": 8081}}, True),
        ({"destination_ip": {"address_prefix": "10.1.0.0", "prefix_len": 16}}, True),
        ({"header": {"name": ":method", "string_match": exact("GET")}}, True),
        ({"header": {"name": ":method", "string_match": exact("POST")}}, False),
        ({"header": {"name": ":authority", "string_match": {"exact": "WEB:80", "ignore_case": True}}}, True),
        ({"header": {"name": "X-A", "present_match": True}}, True),
        ({"header": {"name": "x-b", "present_match": True}}, False),
        ({"header": {"name": "x-b", "string_match": exact("1")}}, False),
        ({"header": {"name": "x-b", "string_match": exact("1"), "invert_match": True}}, True),
        ({"url_path": {"path": exact("/a")}}, True),
        ({"url_path": {"path": {"prefix": "/b"}}}, False),
        ({"requested_server_name": exact("web")}, True),
        ({"not_rule": {"destination_port": 80}}, True),
        ({"and_rules": {"rules": [ANY, {"destination_port": 80}]}}, False),
        ({"or_rules": {"rules": [{"destination_port": 8080}, {"destination_port": 80}]}}, True),
    ],
)
def test_permissions(permission, holds) -> None:
    assert allowed(permission=permission) is holds


@pytest.mark.parametrize(
    ("principal", "holds"),
    [
        ({"authenticated": {"principal_name": exact("spiffe://cluster.local/ns/shop/sa/sleep")}}, True),
        ({"authenticated": {"principal_name": {"safe_regex": {"regex": ".*/ns/bank/.*"}}}}, False),
        ({"authenticated": {}}, True),
        (
            {"filter_state": {"key": "io.istio.peer_principal", "string_match": {"prefix": "spiffe://cluster.local/"}}},
            True,
        ),
        ({"direct_remote_ip": {"address_prefix": "10.1.0.1", "prefix_len": 32}}, True),
        ({"remote_ip": {"address_prefix": "192.0.2.0", "prefix_len": 24}}, False),
        ({"source_ip": {"address_prefix": "10.1.0.1", "prefix_len": 32}}, True),
        ({"not_id": {"authenticated": {}}}, False),
        ({"and_ids": {"ids": [ANY, {"or_ids": {"ids": [ANY]}}]}}, True),
    ],
)
def test_principals(principal, holds) -> None:
    assert allowed(principal=principal) is holds


def claim(*path: str, **value):
    keys = [{"key": each} for each in ("payload", *path)]
    return {"metadata": {"filter": "envoy.filters.http.jwt_authn", "path": keys, "value": value}}


@pytest.mark.parametrize(
    ("principal", "holds"),
    [
        (claim("iss", string_match=exact("me")), True),
        (claim("iss", string_match=exact("you")), False),
        (claim("nested", "a", string_match=exact("b")), True),
        (claim("missing", string_match=exact("b")), False),
        (claim("groups", list_match={"one_of": {"string_match": exact("two")}}), True),
        (claim("groups", or_match={"value_matchers": [{"string_match": exact("x")}]}), False),
    ],
)
def test_claims(principal, holds) -> None:
    assert allowed(principal=principal) is holds


@pytest.mark.parametrize(
    ("subject", "parts"),
    [
        (CALLER, {"permission": {"matcher": {}}}),
        (CALLER, {"permission": {}}),
        (CALLER, {"permission": {"destination_ip": {"address_prefix": "junk"}}}),
        (CALLER, {"permission": {"url_path": {"path": {"custom": {}}}}}),
        (CALLER, {"permission": {"header": {"name": "x-a", "range_match": {}}}}),
        (CALLER, {"principal": {"filter_state": {"key": "own"}}}),
        (CALLER, {"principal": {"metadata": {"filter": "istio_authn"}}}),
        (CALLER, {"principal": claim("iss", present_match=True)}),
        (CALLER, {"condition": {"call_expr": {}}}),
        (replace(CALLER, principals=None), {"principal": {"authenticated": {}}}),
        (replace(CALLER, claims=None), {"principal": claim("iss", string_match=exact("me"))}),
        (replace(CALLER, source_ip=None), {"principal": {"direct_remote_ip": {"address_prefix": "10.0.0.0"}}}),
        (replace(CALLER, request_seen=False), {"permission": {"url_path": {"path": exact("/a")}}}),
        (replace(CALLER, request_seen=False), {"permission": {"header": {"name": "x-a", "present_match": True}}}),
    ],
)
def test_what_is_not_known_leaves_it_open(subject, parts) -> None:
    assert allowed(subject, **parts) is None


@pytest.mark.parametrize(("action", "passes"), [("", True), ("ALLOW", True), ("DENY", False)])
def test_the_action_says_what_a_match_means(action, passes) -> None:
    assert allowed(action=action) is passes


def test_a_filter_that_only_logs_stops_nothing() -> None:
    assert allowed(action="LOG", permission={"destination_port": 1}) is True


def test_filters_stand_one_behind_the_other() -> None:
    first, second = rbac(action="DENY", permission={"destination_port": 80}), rbac(permission={"destination_port": 80})

    verdict = rbac_verdict((first, second), CALLER)

    assert (verdict.allowed, verdict.sentence) == (False, "no ALLOW policy matches in the proxy's own RBAC filter")


def test_a_denial_counts_even_where_another_filter_leaves_it_open() -> None:
    verdict = rbac_verdict((rbac(permission={"matcher": {}}), rbac(action="DENY")), CALLER)

    assert verdict.allowed is False


@pytest.mark.parametrize("filters", [(), (node({"name": "istio.stats"}),)])
def test_without_rules_there_is_no_verdict(filters) -> None:
    assert rbac_verdict(filters, CALLER) is None


def test_shadow_rules_only_log() -> None:
    shadow = node({"name": "envoy.filters.http.rbac", "typed_config": {"shadow_rules": {"action": "DENY"}}})

    assert rbac_verdict((shadow,), CALLER) is None
