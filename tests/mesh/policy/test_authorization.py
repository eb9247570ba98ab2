"""AuthorizationPolicy: CUSTOM, DENY, ALLOW, and what is left open."""

import pytest

from analyzer.mesh.policy.authorization import authorize
from analyzer.mesh.policy.subject import Subject

ALICE = {"to": [{"operation": {"methods": ["POST"]}}]}
WEB = ("cluster.local/ns/shop/sa/web",)


def verdict(world, **fields):
    given = {
        "http": True, "destination_ip": "10.0.0.9", "destination_port": 80, "source_ip": "10.0.0.1",
        "principals": WEB, "host": "web",
    }  # fmt: skip
    mesh = world.pod("web-0").mesh()
    return authorize(mesh, mesh.pod("shop", "web-0"), Subject(**{**given, **fields}))


def policy(world, name, action, *rules, **rest):
    return world.add("AuthorizationPolicy", name, {"action": action, "rules": list(rules)}, **rest)


def test_without_policies_there_is_no_verdict(world):
    assert verdict(world) is None


def test_audit_and_dry_run_policies_only_log(world):
    policy(world, "a", "AUDIT", {})
    policy(world, "b", "DENY", {}, annotations={"istio.io/dry-run": "true"})
    assert verdict(world) is None


@pytest.mark.parametrize(("provider", "missing"), [("ext", ("external-authorization",)), ("gone", None)])
def test_the_authorizer_of_a_dry_run_is_asked_all_the_same(world, provider, missing):
    """authz/builder/builder.go buildHTTP: both kinds of rules set what ext_authz looks at."""
    world.settings(extensionProviders=[{"name": "ext", "envoyExtAuthzHttp": {"service": "x", "port": 80}}])
    spec = {"action": "CUSTOM", "provider": {"name": provider}, "rules": [{}]}
    world.add("AuthorizationPolicy", "c", spec, annotations={"istio.io/dry-run": "true"})
    found = verdict(world)
    assert (found and found.missing) == missing


def test_a_deny_rule_that_matches_denies(world):
    policy(world, "d", "DENY", {"to": [{"operation": {"paths": ["/x"]}}]}, ALICE)
    found = verdict(world, method="POST")
    assert (found.allowed, found.sentence) == (False, "rule 1 of AuthorizationPolicy shop/d denies it")
    assert found.yaml[0].field == "spec.rules[1]"


def test_a_deny_policy_whose_rules_do_not_match_allows(world):
    policy(world, "d", "DENY", ALICE)
    assert verdict(world).allowed is True


def test_an_allow_policy_must_match(world):
    policy(world, "a", "ALLOW", ALICE)
    assert verdict(world).allowed is False
    assert verdict(world, method="POST").allowed is True


def test_an_allow_policy_without_rules_denies_everything(world):
    world.add("AuthorizationPolicy", "a", {})
    assert verdict(world).allowed is False


def test_a_denial_comes_before_an_allowance(world):
    policy(world, "a", "ALLOW", {})
    policy(world, "d", "DENY", ALICE)
    assert verdict(world, method="POST").allowed is False


def test_sources_operations_and_conditions_must_all_hold(world):
    rule = {
        "from": [
            {"source": {"namespaces": ["pay"]}},
            {"source": {"namespaces": ["shop"], "notPrincipals": ["*/sa/db"]}},
        ],
        "to": [{"operation": {"ports": ["81"]}}, {"operation": {"ports": ["80"]}}],
        "when": [{"key": "request.headers[x-user]", "notValues": ["bob"]}],
    }
    policy(world, "d", "DENY", rule)
    assert verdict(world).allowed is False
    assert verdict(world, headers=(("x-user", "bob"),)).allowed is True
    assert verdict(world, principals=("cluster.local/ns/shop/sa/db",)).allowed is True
    assert verdict(world, destination_port=82).allowed is True


def test_what_is_missing_leaves_it_open(world):
    policy(world, "d", "DENY", {"from": [{"source": {"namespaces": ["pay"]}}]})
    found = verdict(world, principals=None)
    assert (found.allowed, found.missing) == (None, ("source.namespace",))


def test_a_certain_denial_counts_whatever_is_missing(world):
    policy(world, "d", "DENY", {"from": [{"source": {"namespaces": ["pay"]}}]})
    policy(world, "a", "ALLOW", ALICE)
    assert verdict(world, principals=None).allowed is False


def test_an_allowance_that_cannot_be_known_leaves_it_open(world):
    policy(world, "a", "ALLOW", {"from": [{"source": {"ipBlocks": ["192.0.2.0/24"]}}]})
    found = verdict(world, source_ip=None)
    assert (found.allowed, found.missing) == (None, ("source.ip",))
    assert found.yaml


def test_an_outside_authorizer_leaves_it_open_where_its_rules_match(world):
    world.add("AuthorizationPolicy", "c", {"action": "CUSTOM", "provider": {"name": "ext"}, "rules": [ALICE]})
    assert verdict(world).allowed is True
    assert verdict(world, method="POST").missing == ("external-authorization",)


@pytest.mark.parametrize(("action", "allowed"), [("ALLOW", False), ("DENY", False)])
def test_on_opaque_connections_http_fields_make_allow_vanish_and_deny_wider(world, action, allowed):
    policy(world, "p", action, {"to": [{"operation": {"ports": ["80"], "paths": ["/a"]}}]})
    assert verdict(world, http=False).allowed is allowed


def test_on_opaque_connections_other_fields_still_decide(world):
    policy(world, "p", "DENY", {"to": [{"operation": {"ports": ["81"], "notPaths": ["/a"]}}]})
    assert verdict(world, http=False).allowed is True


def test_a_value_that_does_not_parse_vanishes_from_a_denial_and_with_its_rule_from_an_allowance(world):
    policy(world, "d", "DENY", {"from": [{"source": {"ipBlocks": ["nonsense", "192.0.2.0/24"]}}]})
    assert verdict(world).allowed is True
    policy(world, "a", "ALLOW", {"from": [{"source": {"ipBlocks": ["nonsense", "10.0.0.0/8"]}}]})
    assert verdict(world).allowed is False


def test_a_rule_with_an_unknown_key_is_skipped(world):
    policy(world, "d", "DENY", {"when": [{"key": "source.shoeSize", "values": ["42"]}]})
    assert verdict(world).allowed is True


@pytest.mark.parametrize(
    ("providers", "named", "allowed"),
    [
        ([], "ext", False),
        ([{"name": "ext", "zipkin": {}}], "ext", False),
        ([{"name": "ext", "envoyExtAuthzGrpc": {"service": "a"}}], "ext", None),
    ],
)
def test_istio_denies_where_the_outside_authorizer_is_not_configured(world, providers, named, allowed):
    world.settings(trustDomain="cluster.local", extensionProviders=providers)
    world.add("AuthorizationPolicy", "c", {"action": "CUSTOM", "provider": {"name": named}, "rules": [ALICE]})
    assert verdict(world, method="POST").allowed is allowed
    assert verdict(world).allowed is True


def test_two_outside_authorizers_for_one_workload_deny(world):
    for name in ("one", "two"):
        world.add("AuthorizationPolicy", name, {"action": "CUSTOM", "provider": {"name": name}, "rules": [{}]})
    assert "one provider, not one, two" in verdict(world).sentence


def test_an_outside_authorizer_over_http_is_not_asked_about_opaque_connections(world):
    world.settings(extensionProviders=[{"name": "ext", "envoyExtAuthzHttp": {"service": "a"}}])
    world.add("AuthorizationPolicy", "c", {"action": "CUSTOM", "provider": {"name": "ext"}, "rules": [{}]})
    assert verdict(world, http=False) is None
