"""A sidecar's own connection, seen without the application's, proves what its SNI and the server's YAML say."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.verdict.asking import target_pod
from analyzer.verdict.roles import Role
from analyzer.verdict.sealed import decide_sealed

SNI = "outbound_.9080_._.reviews.shop.svc.cluster.local"
CLUSTER = "outbound|9080||reviews.shop.svc.cluster.local"
DENY_ALL = """
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: nobody, namespace: shop}
spec: {}
"""
PUBLIC_ONLY = """
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: public, namespace: shop}
spec:
  action: %s
  rules: [{to: [{operation: {paths: ["/public"]}}]}]
"""
TOKENS = """
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: tokens, namespace: shop}
spec: {jwtRules: [{issuer: "https://issuer.example", jwksUri: "https://issuer.example/keys"}]}
"""
HEADLESS = """
apiVersion: v1
kind: Service
metadata: {name: etcd, namespace: shop}
spec:
  clusterIP: None
  selector: {app: reviews}
  ports: [{name: http, port: 2379, targetPort: 9080}]
"""


def decided(told, mesh):
    call = told.call(role=Role.UPSTREAM)
    return decide_sealed(mesh, call, target_pod(call.said, mesh))


def test_the_sni_of_istios_mutual_tls_is_the_clients_decision(upstream, alpn, shop) -> None:
    decision = decided(upstream().hello(SNI, alpn["http"]), shop())

    assert (decision.verdict, decision.outbound.cluster) == ("service-matched", CLUSTER)
    assert SNI in decision.steps[0].sentence


def test_the_servers_side_is_predicted_as_for_any_arrival(upstream, alpn, shop) -> None:
    decision = decided(upstream().hello(SNI, alpn["http"]), shop())

    assert (decision.inbound.pod, decision.inbound.mtls) == ("shop/reviews-0", True)
    assert len(decision.steps) > 1


def test_a_headless_service_is_told_by_its_yaml(upstream, alpn, shop) -> None:
    decision = decided(upstream().hello("outbound_.2379_._.etcd.shop.svc.cluster.local", alpn["tcp"]), shop(HEADLESS))

    assert decision.verdict == "headless-matched"


def test_a_cluster_that_the_mesh_does_not_have_proves_nothing(upstream, alpn, shop) -> None:
    assert decided(upstream().hello("outbound_.80_._.gone.shop.svc.cluster.local", alpn["http"]), shop()) is None


def test_a_name_that_only_looks_like_a_cluster_proves_nothing_without_istios_protocols(upstream, shop) -> None:
    assert decided(upstream(server="192.0.2.7:9080").hello(SNI, ("h2", "http/1.1")), shop()) is None


def test_plaintext_proves_what_strict_mutual_tls_refuses(upstream, shop, strict_yaml) -> None:
    decision = decided(upstream().ask(), shop(strict_yaml))

    assert (decision.verdict, decision.reason, decision.outbound) == ("dropped", "mtls-required", None)


def test_tls_whose_hello_was_not_seen_proves_nothing(upstream, shop, strict_yaml) -> None:
    """What Istio's own ALPN would have let in is not known to be refused."""
    assert decided(upstream().midstream_tls(), shop(strict_yaml)) is None


def test_plaintext_that_is_let_in_proves_nothing(upstream, shop) -> None:
    assert decided(upstream().ask(), shop()) is None


def test_plaintext_that_a_policy_denies_is_dropped(upstream, shop) -> None:
    decision = decided(upstream().ask("/a", "reviews"), shop(DENY_ALL))

    assert (decision.verdict, decision.reason) == ("dropped", "authorization")


def test_a_dropped_call_still_names_its_cluster(upstream, alpn, shop) -> None:
    decision = decided(upstream().hello(SNI, alpn["http"]), shop(DENY_ALL))

    assert (decision.verdict, decision.outbound.cluster) == ("dropped", CLUSTER)


def test_bytes_that_may_be_no_request_are_not_known_to_be_denied_as_one(upstream, alpn, shop) -> None:
    decision = decided(upstream().hello(SNI, alpn["tcp"]), shop(DENY_ALL))

    assert (decision.verdict, decision.undetermined) == (None, ("request-sealed",))
    assert decision.inbound.response is None


def test_a_connection_to_nowhere_that_the_mesh_knows_proves_its_cluster_only(upstream, alpn, shop) -> None:
    decision = decided(upstream(server="192.0.2.7:9080").hello(SNI, alpn["http"]), shop())

    assert (decision.verdict, decision.inbound) == ("service-matched", None)


def test_a_pod_that_does_not_end_mutual_tls_does_not_agree_about_it(upstream, alpn, shop) -> None:
    decision = decided(upstream(server="10.244.2.9:80").hello(SNI, alpn["http"]), shop())

    assert (decision.verdict, decision.undetermined) == (None, ("upstream-tls",))
    assert (decision.inbound, decision.outbound.cluster) == (None, CLUSTER)


def test_a_sidecar_that_shows_no_certificate_did_not_accept_the_servers(upstream, alpn, shop) -> None:
    call = upstream().hello(SNI, alpn["http"]).call(role=Role.UPSTREAM)
    tls = replace(call.said.conversation.tls, client_certificate=False)
    call = replace(call, said=replace(call.said, conversation=replace(call.said.conversation, tls=tls)))

    decision = decide_sealed(shop(), call, target_pod(call.said, shop()))

    assert (decision.verdict, decision.undetermined) == (None, ("upstream-tls",))
    assert decision.outbound.cluster == CLUSTER


def test_a_gateway_has_no_inbound_side_and_may_end_mutual_tls(upstream, alpn, shop) -> None:
    decision = decided(upstream(server="10.244.3.5:80").hello(SNI, alpn["http"]), shop())

    assert (decision.verdict, decision.inbound) == ("service-matched", None)


@pytest.mark.parametrize("policy", [PUBLIC_ONLY % "ALLOW", PUBLIC_ONLY % "DENY", TOKENS])
@pytest.mark.parametrize("kind", ["http", "tcp"])
def test_a_policy_that_looks_at_the_request_leaves_it_open_what_it_said(upstream, alpn, shop, policy, kind) -> None:
    decision = decided(upstream().hello(SNI, alpn[kind]), shop(policy))

    assert (decision.verdict, decision.undetermined) == (None, ("policy-facts",))
    assert (decision.outbound.cluster, decision.inbound.response) == (CLUSTER, None)


def test_a_policy_that_looks_at_the_connection_decides(upstream, alpn, shop) -> None:
    other_port = PUBLIC_ONLY.replace('paths: ["/public"]', 'ports: ["1"]') % "ALLOW"

    decision = decided(upstream().hello(SNI, alpn["http"]), shop(other_port))

    assert (decision.verdict, decision.reason) == ("dropped", "authorization")


def test_a_connection_on_which_nothing_was_said_yet_proves_no_refusal(upstream, shop, strict_yaml) -> None:
    assert decided(upstream(), shop(strict_yaml)) is None


def test_bytes_from_the_middle_of_a_connection_prove_no_refusal(upstream, shop, strict_yaml) -> None:
    assert decided(upstream(opened=False).reply(b"+OK"), shop(strict_yaml)) is None


def test_a_plaintext_request_from_the_middle_of_a_connection_is_refused_by_strict_mutual_tls(
    upstream, shop, strict_yaml
) -> None:
    assert decided(upstream(opened=False).ask(), shop(strict_yaml)).reason == "mtls-required"


@pytest.mark.parametrize(("carried", "expected"), [("http", "service-matched"), ("tcp", None)])
def test_what_a_gateway_refuses_may_have_opened_a_connection_of_opaque_bytes(
    upstream, alpn, shop, carried, expected
) -> None:
    policy = DENY_ALL.replace("shop", "edge")
    leg = upstream("10.244.3.5:40000").hello(SNI, alpn[carried])

    assert decided(leg, shop(policy)).verdict == expected
    assert decided(leg, shop()).verdict == "service-matched"
