"""Who answered a call, and with what, or who closed without a word."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.protocol.facts import Response
from analyzer.verdict.call import Call
from analyzer.verdict.observed import observe

SERVICE_TIME = {"x_envoy_upstream_service_time": 3}


def answered(app, status, **response):
    return observe(app().ask().answer(status, **response).call())


def test_an_applications_error_is_an_answer(app) -> None:
    seen = answered(app, 503, server="envoy", body=b"no database", **SERVICE_TIME)

    assert (seen.outcome, seen.status, seen.answered_by) == ("answered", 503, "app")


def test_a_local_reply_is_not_the_applications(app) -> None:
    seen = answered(app, 404, server="envoy", content_length=0)

    assert (seen.outcome, seen.status, seen.answered_by) == ("local-reply", 404, "envoy")


def test_a_refusal_by_the_callees_sidecar_is_a_local_reply_too(app) -> None:
    seen = answered(app, 403, server="envoy", body=b"RBAC: access denied", **SERVICE_TIME)

    assert (seen.outcome, seen.answered_by) == ("local-reply", "envoy")


def test_a_grpc_failure_over_http_200_keeps_its_own_status(app) -> None:
    seen = answered(app, 200, server="envoy", grpc=12)

    assert (seen.status, seen.grpc_status, seen.answered_by) == (200, 12, "envoy")


def test_who_closed_after_a_whole_response_says_nothing_about_the_call(app) -> None:
    whole = app().ask().answer(200).close("server")

    assert observe(whole.call()).closed_by is None


def test_a_close_inside_a_response_is_told(app) -> None:
    cut = app().ask().answer(200, complete=False).close("server", reset=True)

    assert observe(cut.call()).closed_by == "server"


def test_a_request_that_the_server_resets_was_reset(app) -> None:
    assert observe(app().ask().close("server", reset=True).call()).outcome == "reset"


def test_a_close_by_the_server_without_a_byte_is_a_close(app) -> None:
    seen = observe(app().send(b"PING").close("server").call())

    assert (seen.outcome, seen.closed_by) == ("closed", "server")


def test_a_black_hole_that_closes_before_it_resets_was_a_reset_by_the_server(app) -> None:
    hole = app().close("server").send(b"GET / HTTP/1.1").close("server", reset=True)

    assert observe(hole.call()).outcome == "reset"


def test_silence_until_the_client_gives_up_is_no_answer(app) -> None:
    assert observe(app().close("client", at=12_000).call()).outcome == "no-answer"


def test_a_syn_without_answer_is_no_answer(talk) -> None:
    assert observe(talk().unanswered_syn().call()).outcome == "no-answer"


def test_a_reset_of_the_syn_is_a_refusal(talk) -> None:
    assert observe(talk().refused().call()).outcome == "refused"


def test_who_was_heard_to_accept_did_not_refuse(talk) -> None:
    call = talk().refused().call()
    wire = call.said.wire
    sighting = replace(wire.main, connection=replace(wire.connection, history="SAr"))

    late = replace(call, said=replace(call.said, wire=replace(wire, main=sighting, sightings=(sighting,))))

    assert observe(late).outcome == "reset"


def test_a_capture_that_ends_before_anything_happened_leaves_the_call_open(app) -> None:
    assert observe(app().ask().call()).outcome == "open"


def test_bytes_from_the_server_of_a_tcp_connection_are_an_answer(app) -> None:
    seen = observe(app().send(b"PING").reply(b"PONG").close("server").call())

    assert (seen.outcome, seen.answered_by, seen.closed_by) == ("answered", None, "server")


def test_a_fatal_tls_alert_is_told_by_its_name(app) -> None:
    seen = observe(app().hello("www.example.com").alert("unknown_ca").close("server").call())

    assert (seen.outcome, seen.tls_alert, seen.closed_by) == ("tls-alert", "unknown_ca", "server")


def test_a_warning_alert_is_no_failure(app) -> None:
    assert observe(app().hello("a.example").alert("close_notify", level=1).call()).outcome == "answered"


@pytest.mark.parametrize("side", ["reset_by_client", "reset_by_server"])
def test_a_reset_stream_is_a_reset_although_the_connection_lives_on(app, side) -> None:
    from analyzer.base.fact import replace

    call = app().ask().call()

    assert observe(replace(call, exchange=replace(call.exchange, **{side: 8}))).outcome == "reset"


def test_an_answer_in_http_to_what_is_none_is_an_answer(app) -> None:
    """Envoy says 400 to garbage on a port that is declared HTTP."""
    told = app().send(b"garbage").reply(b"HTTP/1.1 400 Bad Request")
    answer = Response(400, (("server", "envoy"),), 0, 24, complete=True)
    said = replace(told.said(), conversation=replace(told.conversation, answer=answer))

    seen = observe(Call(said, 1, None))

    assert (seen.outcome, seen.status, seen.answered_by) == ("local-reply", 400, "envoy")
