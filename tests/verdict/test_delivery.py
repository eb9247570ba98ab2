"""The server's side of a call."""

from __future__ import annotations

import pytest

from analyzer.verdict.arrival import InboundDecision
from analyzer.verdict.decision import Inbound, Outbound
from analyzer.verdict.delivery import Delivery, arrivals_of, deliver
from analyzer.verdict.outbound import decide_outbound
from analyzer.verdict.question import Question
from analyzer.verdict.upstream import OutboundDecision, Target

SUFFIX = ".svc.cluster.local"


def delivered(town, address="10.9.0.1", port=80, host="web", **question) -> Delivery:
    mesh, proxy = town.proxy("shop/sleep-0")
    asked = Question("shop", "sleep-0", address=address, port=port, host=host, **question)
    return deliver(mesh, asked, decide_outbound(mesh, proxy, asked), mesh.pod("shop", "sleep-0"))


def test_pods_that_act_alike_are_one_group_without_a_name(market) -> None:
    (group,) = delivered(market).groups
    assert group.inbound == Inbound(None, "0.0.0.0_8080", "inbound|8080||", True)


def test_the_pod_that_was_chosen_has_its_name(market) -> None:
    (group,) = delivered(market, endpoint=("10.1.0.3", 8080)).groups
    assert group.inbound.pod == "shop/web-1"


def test_a_recorded_endpoint_that_the_mesh_does_not_know_binds_nothing(market) -> None:
    assert delivered(market, endpoint=("192.0.2.1", 1)).groups == delivered(market).groups


def test_kube_proxys_choice_may_be_recorded_too(market) -> None:
    (group,) = delivered(market, host="x.org", endpoint=("10.1.0.2", 8080)).groups
    assert (group.inbound.pod, group.inbound.mtls) == ("shop/web-0", False)


def test_what_is_not_in_the_mesh_is_not_followed(market) -> None:
    assert delivered(market, "192.0.2.1", host="x.org").groups == ()


def test_a_request_arrives_as_it_was_forwarded(market) -> None:
    rewrite = {"rewrite": {"uri": "/new", "authority": "other"}, "route": [{"destination": {"host": "web"}}]}
    market.rule("VirtualService", "shop/vs", hosts=["web"], http=[rewrite])
    mesh, proxy = market.proxy("shop/sleep-0")
    asked = Question("shop", "sleep-0", address="10.9.0.1", port=80, host="web", path="/old")
    arrivals = arrivals_of(mesh, asked, decide_outbound(mesh, proxy, asked), None)
    assert {(each.host, each.path) for each in arrivals} == {("other", "/newold")}


def test_pods_with_chains_of_their_own_address_are_alike(market) -> None:
    ingress = [{"port": {"number": 8080, "protocol": "HTTP"}, "defaultEndpoint": "127.0.0.1:8080"}]
    market.rule("Sidecar", "shop/in", workloadSelector={"labels": {"app": "web"}}, ingress=ingress)
    groups = delivered(market).groups
    assert len(groups) == 1


def test_a_handshake_that_fails_is_retried_elsewhere(market) -> None:
    market.pod("shop/web-2", sidecar=False).rule(
        "DestinationRule", "shop/dr", host="web", trafficPolicy={"tls": {"mode": "ISTIO_MUTUAL"}}
    )
    assert [group.undetermined for group in delivered(market).groups] == [()]


def test_a_handshake_that_may_fail_more_often_than_it_is_retried_leaves_the_end_open(market) -> None:
    market.pod("shop/web-2", sidecar=False).pod("shop/web-3", sidecar=False)
    market.rule("DestinationRule", "shop/dr", host="web", trafficPolicy={"tls": {"mode": "ISTIO_MUTUAL"}})
    market.settings(defaultHttpRetryPolicy={"attempts": 1})
    assert [group.undetermined for group in delivered(market).groups] == [(), ("upstream-tls",)]


def test_mutual_tls_to_a_pod_that_does_not_end_it_is_a_clash(market) -> None:
    tls = {"mode": "ISTIO_MUTUAL"}
    market.rule("DestinationRule", "shop/dr", host="web", trafficPolicy={"tls": tls})
    market.security("PeerAuthentication", "shop/default", mtls={"mode": "DISABLE"})
    (group,) = delivered(market).groups
    assert group.undetermined == ("upstream-tls",)
    assert "does not end the mutual TLS" in group.steps[-1].sentence


def test_a_certificate_of_another_account_is_a_clash(market) -> None:
    market.pod("shop/other-0", "10.1.0.9", account="other")
    (group,) = delivered(market, "10.1.0.9", 8080, "db.shop").groups
    assert group.undetermined == ("upstream-tls",)
    assert "sa/other" in group.steps[-1].sentence


@pytest.mark.parametrize(
    ("tls", "dropped", "undetermined"),
    [
        ({"mode": "SIMPLE"}, True, ()),
        ({"mode": "MUTUAL", "clientCertificate": "/c.pem", "privateKey": "/k.pem"}, False, ("upstream-tls",)),
    ],
)
def test_a_sidecar_refuses_who_shows_no_certificate_and_may_refuse_one_of_another_kind(
    market, tls, dropped, undetermined
) -> None:
    market.rule("DestinationRule", "shop/dr", host="cache", trafficPolicy={"tls": tls})
    market.security("PeerAuthentication", "shop/default", mtls={"mode": "STRICT"})
    (group,) = delivered(market, "10.9.0.2", 6379, protocol="tcp").groups
    assert (group.dropped, group.undetermined) == (dropped, undetermined)


def test_ordinary_tls_that_the_application_may_end_is_none(market) -> None:
    market.rule("DestinationRule", "shop/dr", host="cache", trafficPolicy={"tls": {"mode": "SIMPLE"}})
    (group,) = delivered(market, "10.9.0.2", 6379, protocol="tcp").groups
    assert (group.dropped, group.undetermined) == (False, ())


def test_ordinary_tls_to_a_pod_without_sidecar_is_not_known(market) -> None:
    market.pod("shop/plain-0", sidecar=False).service("shop/plain", "10.9.0.7", ports=("tcp:99:99",))
    market.rule("DestinationRule", "shop/dr", host="plain", trafficPolicy={"tls": {"mode": "SIMPLE"}})
    (group,) = delivered(market, "10.9.0.7", 99, protocol="tcp").groups
    assert group.undetermined == ("upstream-tls",)


def test_the_single_decision_is_that_of_all_pods_with_a_sidecar() -> None:
    plain, taken = InboundDecision(None), InboundDecision(Inbound("a/b"))
    assert Delivery((plain, taken)).single is taken
    assert Delivery((plain,)).single is plain
    assert Delivery((taken, InboundDecision(Inbound("a/c")))).single is None
    assert Delivery(()).single is None


def test_a_caller_without_a_sidecar_is_judged_by_the_other_pods_of_its_service(market) -> None:
    market.pod("shop/web-2", "10.1.0.9", sidecar=False)
    mesh, _ = market.proxy("shop/sleep-0")
    own = mesh.pod("shop", "web-2")
    dialled = OutboundDecision(Outbound(), None, None, targets=(Target("10.9.0.1", 80, "plaintext", "http"),))
    (group,) = deliver(mesh, Question("shop", "web-2"), dialled, own).groups
    assert group.inbound.cluster == "inbound|8080||"
