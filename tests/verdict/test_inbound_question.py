"""Questions about a pod's own sidecar."""

import pytest

from analyzer.verdict.arrival import InboundDecision
from analyzer.verdict.inbound_question import answer_inbound, class_of_arrival
from analyzer.verdict.question import Question


@pytest.fixture
def answer():
    def ask(mesh, **fields):
        values = {
            "pod": "reviews-0", "address": "10.244.1.11", "port": 9080, "host": "reviews", "peer": "shop/sleep-0"
        }  # fmt: skip
        return answer_inbound(mesh, Question("shop", direction="inbound", **{**values, **fields}))

    return ask


def test_a_declared_port_is_matched_by_its_service(shop, answer):
    found = answer(shop())
    assert (found.verdict, found.reason) == ("service-matched", "service")
    assert found.inbound.cluster == "inbound|9080||"


def test_an_undeclared_port_is_passed_through(shop, answer):
    found = answer(shop(), port=1234)
    assert (found.verdict, found.reason) == ("passthrough", "inbound-passthrough")


def test_a_pod_outside_the_input_is_not_known(shop, answer):
    found = answer(shop(), pod="other-0")
    assert (found.verdict, found.undetermined) == (None, ("pod-unknown",))


def test_labels_find_the_pod(shop, answer):
    assert answer(shop(), pod=None, labels={"app": "reviews"}).inbound.pod == "shop/reviews-0"
    assert answer(shop(), pod=None, labels={"app": "none"}).undetermined == ("pod-unknown",)


def test_a_pod_without_sidecar_takes_what_comes(shop, answer, pod_text):
    found = answer(shop(pod_text("shop/naked-0", "10.244.1.12", sidecar=False)), pod="naked-0")
    assert (found.verdict, found.reason, found.inbound) == ("passthrough", "no-sidecar", None)


def test_an_ambient_pod_is_not_modelled(shop, answer, pod_text):
    mesh = shop(pod_text("shop/deep-0", "10.244.1.12", sidecar=False, labels="istio.io/dataplane-mode: ambient"))
    assert answer(mesh, pod="deep-0").undetermined == ("ambient",)


def test_a_peer_is_known_by_its_identity(shop, answer, security):
    source = {"source": {"principals": ["cluster.local/ns/shop/sa/default"]}}
    mesh = shop(security("AuthorizationPolicy", {"rules": [{"from": [source]}]}))
    assert answer(mesh, tls="mtls").verdict == "service-matched"
    assert answer(mesh).verdict == "dropped"


def test_a_policy_that_asks_for_an_unknown_identity_leaves_the_call_open(shop, answer, security):
    source = {"source": {"principals": ["cluster.local/ns/shop/sa/default"]}}
    found = answer(shop(security("AuthorizationPolicy", {"rules": [{"from": [source]}]})), tls="mtls", peer=None)
    assert (found.verdict, found.reason, found.undetermined) == (None, None, ("policy-facts",))
    assert found.inbound.cluster == "inbound|9080||"


def test_what_the_codec_refuses_is_dropped(shop, answer):
    found = answer(shop(), protocol="tcp")
    assert (found.verdict, found.reason) == ("dropped", "protocol-error")


@pytest.mark.parametrize(
    ("decided", "expected"),
    [
        ({"port_class": "service"}, ("service-matched", "service")),
        ({"port_class": "headless"}, ("headless-matched", "headless-service")),
        ({"port_class": "passthrough"}, ("passthrough", "inbound-passthrough")),
        ({"port_class": "service", "dropped": True, "reason": "authorization"}, ("dropped", "authorization")),
        ({"port_class": "service", "protocol_error": True}, ("dropped", "protocol-error")),
        ({"port_class": "no-sidecar"}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_the_class_by_the_servers_side_alone(decided, expected):
    assert class_of_arrival(InboundDecision(None, **decided)) == expected
