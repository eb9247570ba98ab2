"""What happened contradicts the model only where the packets exclude what it says."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.verdict.agreement import with_agreement
from analyzer.verdict.call import Onward
from analyzer.verdict.decision import Inbound, LocalResponse
from analyzer.verdict.observed import observe
from analyzer.verdict.roles import Role

SERVICE_TIME = {"x_envoy_upstream_service_time": 3}
UPSTREAM_ERROR = b"upstream connect error or disconnect/reset before headers. reset reason: connection termination"
RATINGS_SNI = "outbound_.80_._.ratings.shop.svc.cluster.local"
REVIEWS_SNI = "outbound_.9080_._.reviews.shop.svc.cluster.local"


def verdict(told, decision, upstream=None):
    call = told.call()
    seen = with_agreement(observe(call), call, decision, upstream)
    assert bool(seen.why) is (seen.agrees is False)
    return seen.agrees


def by(upstream, *, certain=True):
    return Onward(upstream.said(Role.UPSTREAM), None, certain)


# Where the model says nothing.


def test_an_undetermined_call_agrees_with_nothing_and_contradicts_nothing(app, decision) -> None:
    undetermined = decision(None, None, cluster=None, undetermined=("no-mesh",))

    assert verdict(app().ask().answer(), undetermined) is None


def test_a_sidecar_that_is_called_by_its_own_pod_may_answer_itself(app, decision) -> None:
    assert verdict(app().ask().answer(200, server="envoy"), decision("passthrough", "loopback", cluster=None)) is None


@pytest.mark.parametrize(("protocol", "agrees"), [("h2", None), ("http/1.1", None), ("tcp", False)])
def test_bytes_of_a_server_are_no_answer_while_no_request_was_captured(app, decision, protocol, agrees) -> None:
    call = app().send(b"x").reply(b"y").call()
    call = replace(call, said=replace(call.said, conversation=replace(call.said.conversation, protocol=protocol)))

    refused = decision("dropped", "tls-required", cluster=None)

    assert with_agreement(observe(call), call, refused, None).agrees is agrees


# Where the call should have reached its upstream.


def test_an_answer_of_the_application_is_what_a_delivery_promises(app, decision) -> None:
    assert verdict(app().ask().answer(500, server="envoy", **SERVICE_TIME), decision()) is True


def test_bytes_from_the_server_are_what_a_delivery_of_tcp_promises(app, decision) -> None:
    assert verdict(app().send(b"PING").reply(b"PONG"), decision("passthrough", "x", cluster=None)) is True


@pytest.mark.parametrize("reset", [True, False])
def test_a_close_without_an_answer_may_be_the_applications(app, decision, reset) -> None:
    assert verdict(app().ask().close("server", reset=reset), decision()) is None


@pytest.mark.parametrize("text", [UPSTREAM_ERROR, b"upstream request timeout"])
def test_an_upstream_that_failed_shows_that_the_route_was_taken(app, decision, text) -> None:
    assert verdict(app().ask().answer(503, server="envoy", body=text), decision()) is None


@pytest.mark.parametrize(("status", "text"), [(404, b""), (403, b"RBAC: access denied"), (503, b"no healthy upstream")])
def test_an_envoy_that_answers_by_itself_contradicts_a_delivery(app, decision, status, text) -> None:
    assert verdict(app().ask().answer(status, server="envoy", body=text), decision()) is False


@pytest.mark.parametrize(("status", "agrees"), [(426, True), (400, False)])
def test_a_servers_envoy_that_cannot_read_what_arrives_says_so(app, decision, status, agrees) -> None:
    refused = Inbound("shop/reviews-0", "0.0.0.0_9080", response=LocalResponse(426, "DPE"))

    assert verdict(app().ask().answer(status, server="istio-envoy"), replace(decision(), inbound=refused)) is agrees


def test_a_proxy_that_writes_no_service_time_contradicts_nothing_where_its_upstream_leg_was_seen(
    app, upstream, decision
) -> None:
    """Istio's ``proxyHeaders.envoyDebugHeaders`` can turn these headers off."""
    answered = app().ask().answer(200, server="envoy")

    assert verdict(answered, decision(), by(upstream().ask())) is None
    assert verdict(answered, decision(), by(upstream().ask(), certain=False)) is False


# Where the client's Envoy answers by itself.


def test_the_predicted_local_reply_agrees(app, decision) -> None:
    assert (
        verdict(app().ask().answer(404, server="envoy"), decision("dropped", "no-route", code=404, flag="NR")) is True
    )


def test_a_gateways_local_reply_bears_the_mark_of_the_clients_sidecar(app, decision) -> None:
    """The sidecar's upstream answered it: the gateway."""
    from analyzer.verdict.decision import LocalResponse, Outbound

    gateway = Outbound(pod="edge/gateway-0", response=LocalResponse(404, "NR"))
    refused = app().ask().answer(404, server="envoy", x_envoy_upstream_service_time=1)

    assert verdict(refused, decision("dropped", "no-route", gateway=gateway)) is None


def test_a_server_that_speaks_first_is_heard_before_a_policy_is_asked(app, decision) -> None:
    greeted = app().reply(b"5.7.44-log").send(b"login").close("server")

    assert verdict(greeted, decision("dropped", "authorization")) is None


def test_who_spoke_first_is_not_known_where_the_beginning_is_missing(app, decision) -> None:
    late = app(opened=False).send(b"login").reply(b"ok").close("server")

    assert verdict(late, decision("dropped", "authorization")) is None
    assert verdict(app().send(b"login").reply(b"ok").close("server"), decision("dropped", "authorization")) is False


def test_the_applications_own_tls_may_name_a_cluster(app, upstream, alpn, decision) -> None:
    own = app().hello("outbound_.80_._.ratings.shop.svc.cluster.local", alpn["http"])
    passed_on = upstream().hello("outbound_.80_._.ratings.shop.svc.cluster.local", alpn["http"])

    assert (
        verdict(own, decision("passthrough", "passthrough-cluster", cluster="PassthroughCluster"), by(passed_on))
        is None
    )


def test_a_gateways_local_reply_counts_as_the_clients_does(talk, decision) -> None:
    from analyzer.verdict.decision import LocalResponse, Outbound

    gateway = Outbound(pod="edge/gateway-0", response=LocalResponse(404, "NR"))
    refused = talk().ask().answer(404, server="istio-envoy")

    assert verdict(refused, decision("dropped", "no-route", cluster=None, gateway=gateway)) is True


def test_grpc_says_its_errors_over_http_200(app, decision) -> None:
    refused = app().ask().answer(200, server="envoy", grpc=12)

    assert verdict(refused, decision("dropped", "no-route", code=404, flag="NR")) is True


@pytest.mark.parametrize(("status", "agrees"), [(200, None), (503, False)])
def test_a_status_of_200_whose_headers_were_lost_may_be_an_error_of_grpc(app, decision, status, agrees) -> None:
    told = app().ask().answer(status)
    told.exchanges = [replace(each, response=replace(each.response, whole=False)) for each in told.exchanges]

    assert verdict(told, decision("dropped", "no-route", code=404, flag="NR")) is agrees


def test_another_status_contradicts_a_local_reply(app, decision) -> None:
    answered = app().ask().answer(200, server="envoy", **SERVICE_TIME)

    assert verdict(answered, decision("dropped", "no-route", code=404, flag="NR")) is False


def test_the_same_status_from_an_upstream_contradicts_a_local_reply(app, decision) -> None:
    answered = app().ask().answer(503, server="envoy", **SERVICE_TIME)

    assert verdict(answered, decision("dropped", "no-cluster", code=503, flag="NC")) is False


def test_the_same_status_without_a_sign_of_who_wrote_it_proves_nothing(app, decision) -> None:
    assert verdict(app().ask().answer(503), decision("dropped", "no-cluster", code=503, flag="NC")) is None


def test_a_local_reply_that_the_capture_does_not_show_may_have_come(app, decision) -> None:
    assert verdict(app().ask(), decision("dropped", "no-route", code=404, flag="NR")) is None


# Where an Envoy closes the connection.


@pytest.mark.parametrize("reset", [True, False])
def test_a_black_hole_resets_or_closes(app, decision, reset) -> None:
    hole = decision("dropped", "black-hole", cluster="BlackHoleCluster", flag="UH")

    assert verdict(app().send(b"PING").close("server", reset=reset), hole) is True


def test_an_answer_out_of_a_black_hole_is_a_contradiction(app, decision) -> None:
    hole = decision("dropped", "black-hole", cluster="BlackHoleCluster", flag="UH")

    assert verdict(app().send(b"PING").reply(b"PONG"), hole) is False


def test_a_black_hole_whose_end_was_not_captured_may_be_one(app, decision) -> None:
    assert verdict(app().send(b"PING"), decision("dropped", "black-hole", flag="UH")) is None


# Where the server's Envoy refuses.


def test_plaintext_into_strict_mutual_tls_is_reset(app, decision) -> None:
    strict = decision("dropped", "mtls-required", refused=0)

    assert verdict(app().send(b"PING").close("server", reset=True), strict) is True


def test_the_clients_http_manager_tells_a_refused_connection_as_an_upstream_error(app, decision) -> None:
    strict = decision("dropped", "mtls-required", refused=0)

    assert verdict(app().ask().answer(503, server="envoy", body=UPSTREAM_ERROR), strict) is True


def test_an_answer_contradicts_a_refused_connection(app, decision) -> None:
    strict = decision("dropped", "mtls-required", refused=0)

    assert verdict(app().ask().answer(200, server="envoy", **SERVICE_TIME), strict) is False


def test_another_local_reply_does_not_show_what_the_server_would_have_done(app, decision) -> None:
    strict = decision("dropped", "mtls-required", refused=0)

    assert verdict(app().ask().answer(503, server="envoy", body=b"no healthy upstream"), strict) is None


@pytest.mark.parametrize("server", ["envoy", "istio-envoy"])
def test_the_text_of_a_denial_proves_it_whoever_passed_it_on(app, decision, server) -> None:
    denied = app().ask().answer(403, server=server, body=b"RBAC: access denied", **SERVICE_TIME)

    assert verdict(denied, decision("dropped", "authorization", refused=403)) is True


def test_a_denial_without_a_body_may_be_the_applications(app, decision) -> None:
    """The reply to HEAD has none, and the client's sidecar adds its service time."""
    denied = app().ask(method="HEAD").answer(403, server="envoy", **SERVICE_TIME)

    assert verdict(denied, decision("dropped", "authorization", refused=403)) is None


def test_a_denial_of_grpc_is_told_over_http_200(app, decision) -> None:
    denied = app().ask().answer(200, server="envoy", grpc=7, **SERVICE_TIME)

    assert verdict(denied, decision("dropped", "authorization", refused=403)) is None


def test_a_missing_token_is_told_by_the_servers_sidecar(app, decision) -> None:
    refused = app().ask().answer(401, server="envoy", body=b"Jwt is missing", **SERVICE_TIME)

    assert verdict(refused, decision("dropped", "authentication", refused=401)) is True


def test_an_answer_with_another_status_contradicts_a_denial(app, decision) -> None:
    answered = app().ask().answer(200, server="envoy", **SERVICE_TIME)

    assert verdict(answered, decision("dropped", "authorization", refused=403)) is False


def test_an_upstream_that_failed_did_not_get_so_far_as_to_be_denied(app, decision) -> None:
    failed = app().ask().answer(503, server="envoy", body=UPSTREAM_ERROR)

    assert verdict(failed, decision("dropped", "authorization", refused=403)) is None


def test_a_denied_tcp_connection_is_closed(app, decision) -> None:
    assert verdict(app().send(b"PING").close("server"), decision("dropped", "authorization", refused=0)) is True


# Where mutual TLS names the cluster.


def test_an_sni_that_names_another_cluster_contradicts_whatever_was_answered(app, upstream, alpn, decision) -> None:
    told = app().ask().answer(200, server="envoy", **SERVICE_TIME)

    assert verdict(told, decision(), by(upstream().hello(RATINGS_SNI, alpn["http"]))) is False


@pytest.mark.parametrize(("sni", "certain"), [(REVIEWS_SNI, True), (RATINGS_SNI, False), ("reviews.example", True)])
def test_the_predicted_name_a_leg_that_is_only_probable_and_a_name_that_is_no_cluster_contradict_nothing(
    app, upstream, alpn, decision, sni, certain
) -> None:
    leg = by(upstream().hello(sni, alpn["http"]), certain=certain)

    assert verdict(app().ask().answer(200, server="envoy", **SERVICE_TIME), decision(), leg) is True


def test_the_leg_of_a_gateway_names_no_cluster_of_the_clients(app, upstream, alpn, decision) -> None:
    leg = by(upstream(client="10.244.3.5:40000").hello(RATINGS_SNI, alpn["http"]))

    assert verdict(app().ask().answer(200, server="envoy", **SERVICE_TIME), decision(), leg) is True


def test_an_applications_own_tls_names_no_cluster(app, upstream, decision) -> None:
    leg = by(upstream().hello(RATINGS_SNI, ("h2",)))

    assert verdict(app().hello("www.example.com").reply(b"hello"), decision(), leg) is True


def test_without_a_predicted_cluster_no_name_contradicts(app, upstream, alpn, decision) -> None:
    leg = by(upstream().hello(RATINGS_SNI, alpn["http"]))

    assert verdict(app().ask().answer(200), decision("passthrough", "not-captured", cluster=None), leg) is True


@pytest.mark.parametrize("refused", [True, False])
@pytest.mark.parametrize("passed_on", [{}, SERVICE_TIME])
def test_an_error_whose_text_was_cut_tells_nothing(app, decision, refused, passed_on) -> None:
    told = app().ask().answer(503, server="envoy", **passed_on)
    response = told.exchanges[0].response
    headers = (*response.headers, ("content-length", "95"))
    cut = replace(response, headers=headers, body=b"upstream conn", body_end=response.end + 95)
    told.exchanges = [replace(told.exchanges[0], response=cut)]

    assert verdict(told, decision("dropped", "mtls-required") if refused else decision()) is None


def test_the_records_of_a_handshake_do_not_contradict_a_refusal(app, decision) -> None:
    """In TLS 1.3 the server has spoken before it sees that the client shows no certificate."""
    told = app().hello("a.example").reply(b"\x16\x03\x03\0\x02hi")

    assert verdict(told, decision("dropped", "mtls-required")) is None
