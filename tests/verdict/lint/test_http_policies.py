"""HTTP fields of policies on opaque ports."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.http_policies import find_http_policies

GET = {"to": [{"operation": {"methods": ["GET"]}}]}


def policy(make, *rules, action: str = "ALLOW", name: str = "shop/x", **spec):
    return make.policy("AuthorizationPolicy", name, action=action, rules=list(rules), **spec)


def pod_with(make, *port_names: str):
    ports = [{"name": name, "port": 5432 + number} for number, name in enumerate(port_names)]
    return [make.service("shop/db", ports, app="db"), make.pod("shop/p", app="db")]


def test_a_denial_becomes_wider_on_a_tcp_port(make, lint):
    found = lint(find_http_policies, *pod_with(make, "tcp"), policy(make, GET, action="DENY"))

    assert [each.code.name for each in found] == ["http-deny-on-tcp"]
    assert "on TCP port 5432 of shop/p it denies without regard to request.method" in found[0].sentence


def test_nothing_is_allowed_on_a_tcp_port(make, lint):
    found = lint(find_http_policies, *pod_with(make, "tcp", "http"), policy(make, GET))

    assert [each.code.name for each in found] == ["http-allow-on-tcp"]
    assert "it allows nothing on TCP port 5432 of shop/p" in found[0].sentence


@pytest.mark.parametrize("action", ["ALLOW", "DENY"])
@pytest.mark.parametrize("names", [["http"], ["web"], []])
def test_without_a_tcp_port_fields_mean_what_they_say(make, codes, action: str, names: list[str]):
    documents = pod_with(make, *names) if names else [make.pod("shop/p")]

    assert codes(find_http_policies, *documents, policy(make, GET, action=action)) == []


@pytest.mark.parametrize(
    "rule",
    [
        {"to": [{"operation": {"methods": ["GET"], "ports": ["80"]}}]},
        {"to": [{"operation": {"methods": ["GET"], "notPorts": ["5432"]}}]},
        {**GET, "when": [{"key": "destination.port", "values": ["80"]}]},
        {"from": [{"source": {"namespaces": ["web"]}}]},
    ],
)
@pytest.mark.parametrize("action", ["ALLOW", "DENY"])
def test_rules_that_leave_the_port_out_or_ask_for_no_http_are_fine(make, codes, rule, action: str):
    assert codes(find_http_policies, *pod_with(make, "tcp"), policy(make, rule, action=action)) == []


def test_another_rule_or_policy_may_allow_the_port(make, codes):
    open_rule = {"to": [{"operation": {"ports": ["5432"]}}]}
    beside = policy(make, open_rule, name="shop/y", selector={"matchLabels": {"app": "db"}})

    assert codes(find_http_policies, *pod_with(make, "tcp"), policy(make, GET, open_rule)) == []
    assert codes(find_http_policies, *pod_with(make, "tcp"), policy(make, GET), beside) == []


def test_a_policy_of_the_root_namespace_looks_at_all_pods(make, codes):
    whole = policy(make, GET, action="DENY", name="istio-system/x")

    assert codes(find_http_policies, *pod_with(make, "tcp"), whole) == ["http-deny-on-tcp"]


def test_policies_that_enforce_nothing_are_left_alone(make, codes):
    dry = policy(make, GET, action="DENY")
    dry["metadata"]["annotations"] = {"istio.io/dry-run": "true"}
    attached = policy(make, GET, action="DENY", targetRefs=[{"kind": "Service", "name": "db"}])

    assert codes(find_http_policies, *pod_with(make, "tcp"), dry) == []
    assert codes(find_http_policies, *pod_with(make, "tcp"), attached) == []
    assert codes(find_http_policies, *pod_with(make, "tcp"), policy(make, GET, action="AUDIT")) == []
