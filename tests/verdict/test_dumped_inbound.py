"""The server's side by its sidecar's own configuration."""

from __future__ import annotations

import json

import pytest

from analyzer.mesh.load import parse_mesh
from analyzer.verdict.decide import decide
from analyzer.verdict.decision import DROPPED, SERVICE_MATCHED, Decision
from analyzer.verdict.question import Question

ADMIN = "type.googleapis.com/envoy.admin.v3."
ANY = [{"any": True}]
TLS = {"transport_socket": {"typed_config": {"@type": "x.DownstreamTlsContext"}}}


def rbac(action: str, **permission):
    policies = {"p": {"permissions": [permission or {"any": True}], "principals": ANY}}
    return {"name": "envoy.filters.http.rbac", "typed_config": {"rules": {"action": action, "policies": policies}}}


def chain(*filters, transport: str = "raw_buffer", cluster: str = "inbound|8080||", http10: bool = False, **more):
    routes = [{"match": {"prefix": "/"}, "route": {"cluster": cluster}}]
    config = {
        "@type": "x.HttpConnectionManager",
        "route_config": {"virtual_hosts": [{"domains": ["*"], "routes": routes}]},
        "http_filters": list(filters),
        "http_protocol_options": {"accept_http_10": http10},
    }
    match = {"destination_port": 8080, "transport_protocol": transport}
    return {"name": "own", "filter_chain_match": match, "filters": [{"name": "hcm", "typed_config": config}], **more}


@pytest.fixture
def arrive(town):
    """What the sidecar of ``web`` makes of an arrival, by a dump with these chains; ``yaml``: beside the YAML."""

    def decided(*chains, yaml: bool = True, **question) -> Decision:
        town.pod("shop/web-0", "10.1.0.2").service("shop/web", "10.9.0.1")
        node = {"id": "sidecar~10.1.0.2~web-0.shop~shop.svc.cluster.local"}
        listener = {"name": "virtualInbound", "filter_chains": list(chains)}
        content = [
            {"@type": f"{ADMIN}BootstrapConfigDump", "bootstrap": {"node": node}},
            {"@type": f"{ADMIN}ListenersConfigDump", "dynamic_listeners": [{"active_state": {"listener": listener}}]},
            {"@type": f"{ADMIN}RoutesConfigDump"},
            {"@type": f"{ADMIN}ClustersConfigDump"},
        ]
        documents = [*([town.text] if yaml else []), json.dumps({"configs": content})]
        asked = {"host": "web", **question}
        mesh = parse_mesh("\n---\n".join(documents))
        return decide(mesh, Question("shop", "web-0", direction="inbound", address="10.1.0.2", port=8080, **asked))

    return decided


def differing(decision: Decision) -> list[str]:
    return [step.sentence for step in decision.steps if step.code == "dump-differs"]


def test_a_dump_that_agrees_says_nothing_of_it(arrive) -> None:
    decision = arrive(chain(), chain(transport="tls", **TLS))

    assert (decision.verdict, decision.inbound.filter_chain) == (SERVICE_MATCHED, "own")
    assert differing(decision) == []
    assert any("by its own configuration shop/web-0 leads port 8080" in step.sentence for step in decision.steps)


def test_a_proxy_that_has_not_heard_of_a_mode_decides_by_what_it_has(arrive) -> None:
    decision = arrive(chain(transport="tls", **TLS))

    assert (decision.verdict, decision.reason) == (DROPPED, "mtls-required")
    assert differing(decision) == [
        "the mesh's YAML says otherwise: taken by inbound|8080|| with no mutual TLS",
    ]


def test_a_policy_that_the_proxy_does_not_have_is_a_difference(arrive, town) -> None:
    town.security("AuthorizationPolicy", "shop/nothing")

    decision = arrive(chain())

    assert decision.verdict == SERVICE_MATCHED
    assert differing(decision) == ["the mesh's YAML says otherwise: dropped (authorization)"]


def test_what_the_yaml_leaves_open_is_a_difference(arrive, town) -> None:
    when = [{"key": "experimental.envoy.filters.a[b]", "values": ["c"]}]
    town.security("AuthorizationPolicy", "shop/odd", action="DENY", rules=[{"when": when}])

    assert differing(arrive(chain())) == ["the mesh's YAML says otherwise: undetermined (policy-facts)"]


@pytest.mark.parametrize(("action", "verdict"), [("DENY", DROPPED), ("ALLOW", SERVICE_MATCHED)])
def test_the_proxys_own_rbac_filters_are_asked(arrive, action, verdict) -> None:
    assert arrive(chain(rbac(action)), yaml=False).verdict == verdict


def test_a_denial_is_answered_403(arrive) -> None:
    decision = arrive(chain(rbac("DENY")))

    assert (decision.reason, decision.inbound.response.code) == ("authorization", 403)


def test_what_a_filter_asks_for_and_nobody_knows_leaves_it_open(arrive) -> None:
    assert arrive(chain(rbac("ALLOW", matcher={}))).undetermined == ("policy-facts",)


def test_a_filter_that_is_not_modelled_leaves_it_open(arrive) -> None:
    decision = arrive(chain({"name": "envoy.filters.http.ext_authz"}))

    assert decision.undetermined == ("dump-unmodelled",)
    assert differing(decision) == []


JWT = {"name": "envoy.filters.http.jwt_authn"}


def test_tokens_are_judged_by_the_yaml(arrive, town) -> None:
    town.security("RequestAuthentication", "shop/jwt", jwtRules=[{"issuer": "me", "jwks": "{}"}])

    decision = arrive(chain(JWT), headers=(("authorization", "Bearer junk"),))

    assert (decision.verdict, decision.reason) == (DROPPED, "authentication")


def test_without_its_rules_a_token_cannot_be_judged(arrive) -> None:
    assert arrive(chain(JWT), headers=(("authorization", "Bearer x"),)).undetermined == ("token-unverified",)
    assert arrive(chain(JWT)).verdict == SERVICE_MATCHED


@pytest.mark.parametrize(("http10", "verdict"), [(True, SERVICE_MATCHED), (False, DROPPED)])
def test_http10_is_taken_as_the_connection_manager_says(arrive, http10, verdict) -> None:
    assert arrive(chain(http10=http10), protocol="http/1.0").verdict == verdict


def test_without_yaml_there_is_nothing_to_differ_from(arrive) -> None:
    decision = arrive(chain(transport="tls", **TLS), yaml=False)

    assert decision.verdict == DROPPED
    assert differing(decision) == []
