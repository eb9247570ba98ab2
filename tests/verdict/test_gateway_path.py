"""Calls through gateways: their own decision, and how it joins the client's."""

import pytest

from analyzer.base.errors import UsageError
from analyzer.base.fact import replace
from analyzer.verdict.arrival import Arrival
from analyzer.verdict.decide import decide
from analyzer.verdict.decision import Decision, Inbound, Outbound, Step
from analyzer.verdict.gateway_path import answer_gateway, at_gateway, through_gateways
from analyzer.verdict.question import Question

ROUTE = [{"route": [{"destination": {"host": "reviews.shop.svc.cluster.local", "port": {"number": 9080}}}]}]
SERVERS = [
    {"port": {"number": 80, "protocol": "HTTP", "name": "http"}, "hosts": ["*"]},
    {"port": {"number": 9000, "protocol": "TCP", "name": "tcp"}, "hosts": ["*"]},
]
DENY_ALL = {"action": "DENY", "rules": [{}]}


@pytest.fixture
def edge(shop, resource):
    """A mesh whose gateway sends HTTP at 80 and bytes at 9000 to reviews."""
    istio = "networking.istio.io/v1"
    gateway = resource(istio, "Gateway", "edge/gw", {"selector": {"app": "gateway-0"}, "servers": SERVERS})
    bound = {"hosts": ["*"], "gateways": ["gw"], "http": ROUTE, "tcp": ROUTE}
    return lambda *extra: shop(gateway, resource(istio, "VirtualService", "edge/vs", bound), *extra)


def asked(port=80, **fields):
    values = {"pod": "gateway-0", "address": "10.244.3.5", "host": "a.com", "peer": "shop/sleep-0", **fields}
    return Question("edge", direction="gateway", port=port, **values)


def test_a_gateways_decision_is_followed_to_the_pods_behind_it(edge):
    found = decide(edge(), asked())
    assert (found.verdict, found.reason, found.outbound) == ("service-matched", "service", None)
    assert found.gateway.cluster == "outbound|9080||reviews.shop.svc.cluster.local"
    assert (found.inbound.pod, found.inbound.cluster) == ("shop/reviews-0", "inbound|9080||")


def test_a_denied_request_has_no_inbound(edge, security):
    found = decide(edge(security("AuthorizationPolicy", DENY_ALL, "edge/own")), asked())
    assert (found.verdict, found.reason, found.inbound) == ("dropped", "authorization", None)


def test_a_denied_connection_shows_the_pod_that_it_reached(edge, security):
    found = decide(edge(security("AuthorizationPolicy", DENY_ALL, "edge/own")), asked(9000, protocol="tcp", host=None))
    assert (found.verdict, found.reason) == ("dropped", "authorization")
    assert found.inbound.pod == "shop/reviews-0"


def test_a_pod_outside_the_input_cannot_be_asked(edge):
    with pytest.raises(UsageError, match="edge/other is not in the mesh input"):
        decide(edge(), asked(pod="other"))


def test_a_pod_that_is_no_gateway_cannot_be_asked(edge):
    question = replace(asked(pod="reviews-0"), namespace="shop")
    with pytest.raises(UsageError, match="shop/reviews-0 is no gateway"):
        decide(edge(), question)


def nowhere(_mesh, _question, decided, _pod):
    """Follows a decision to nobody."""
    return Decision(decided.verdict, decided.reason, decided.undetermined, outbound=decided.outbound)


def test_a_client_outside_the_mesh_needs_no_peer(edge):
    found = answer_gateway(edge(), asked(peer=None), nowhere)
    assert (found.verdict, found.gateway.pod) == ("service-matched", "edge/gateway-0")


def test_the_endpoint_that_the_recording_shows_is_passed_on(edge):
    mesh = edge()
    seen = []

    def follow(mesh, question, decided, pod):
        seen.append((question.endpoint, pod.full_name))
        return nowhere(mesh, question, decided, pod)

    arrival = Arrival(mesh.pod("edge", "gateway-0"), "10.244.3.5", 80, host="a.com")
    at_gateway(mesh, arrival, follow, endpoint=("10.244.1.11", 9080))
    assert seen == [(("10.244.1.11", 9080), "edge/gateway-0")]


CLIENT = Decision("service-matched", "service", outbound=Outbound(cluster="outbound|80||gw"), steps=(Step("client"),))
PLAIN = Decision(None, None)


def end(verdict="service-matched", reason="service", *, pod="edge/gateway-0", behind="shop/reviews-0", **fields):
    gateway = Outbound(listener="0.0.0.0_80", cluster="c", pod=pod)
    return Decision(verdict, reason, gateway=gateway, inbound=Inbound(behind), steps=(Step("gateway"),), **fields)


def test_the_clients_class_stands_where_the_gateway_sends_the_call_on():
    found = through_gateways(CLIENT, [end("headless-matched", "headless-service")])
    assert (found.verdict, found.reason) == ("service-matched", "service")
    assert (found.gateway.cluster, found.inbound.pod, found.outbound.cluster) == (
        "c",
        "shop/reviews-0",
        "outbound|80||gw",
    )
    assert [step.sentence for step in found.steps] == ["client", "gateway"]


def test_a_client_without_a_part_in_it_takes_the_gateways_class():
    assert through_gateways(PLAIN, [end("headless-matched", "headless-service")]).verdict == "headless-matched"


def test_a_call_that_the_gateway_drops_is_dropped():
    found = through_gateways(CLIENT, [end("dropped", "no-route")])
    assert (found.verdict, found.reason) == ("dropped", "no-route")


def test_what_the_gateway_leaves_open_is_open():
    found = through_gateways(CLIENT, [end(None, None, undetermined=("policy-facts",))])
    assert (found.verdict, found.undetermined) == (None, ("policy-facts",))


def test_a_port_that_the_gateway_does_not_listen_on_leaves_the_clients_class():
    found = through_gateways(CLIENT, [end(None, None, undetermined=("no-listener",))])
    assert (found.verdict, found.gateway, found.undetermined) == ("service-matched", None, ())
    assert through_gateways(PLAIN, [end(None, None, undetermined=("no-listener",))]).undetermined == ("no-listener",)


def test_gateways_that_do_the_same_are_one_without_a_name():
    ends = [end(), end(pod="edge/gateway-1", behind="shop/reviews-1")]
    found = through_gateways(CLIENT, ends)
    assert (found.gateway.pod, found.gateway.cluster, found.verdict) == (None, "c", "service-matched")


def test_the_name_stays_where_only_the_pods_behind_differ():
    assert through_gateways(CLIENT, [end(), end(behind="shop/reviews-1")]).gateway.pod == "edge/gateway-0"


def test_gateways_that_do_different_things_leave_the_call_open():
    found = through_gateways(CLIENT, [end(), end("dropped", "no-route")])
    assert (found.verdict, found.undetermined) == (None, ("balanced",))
    assert (found.gateway, found.inbound) == (None, None)


def test_ends_without_gateway_are_alike():
    bare = Decision("dropped", "no-route", outbound=None, gateway=None)
    assert through_gateways(CLIENT, [bare, bare]).verdict == "dropped"
