"""Who wrote a reply is told by its headers and by the texts that only Envoy writes."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.protocol.facts import Response
from analyzer.verdict.reply import is_unread, passed_http_manager, written_at_home, written_by

UPSTREAM_ERROR = b"upstream connect error or disconnect/reset before headers. reset reason: connection termination"


def reply(status=200, server=None, service_time=None, body=b"") -> Response:
    headers = (("server", server), ("x-envoy-upstream-service-time", service_time))
    return Response(status, tuple((k, v) for k, v in headers if v is not None), 0, 0, body)


@pytest.mark.parametrize(
    ("server", "service_time", "who"),
    [
        ("envoy", "3", "app"),
        ("envoy", None, "envoy"),
        ("istio-envoy", "3", "app"),
        ("istio-envoy", None, "envoy"),
        ("Envoy", None, "envoy"),
        ("nginx", None, "app"),
        (None, None, "app"),
    ],
)
def test_an_envoy_wrote_what_has_no_upstream_service_time(server, service_time, who) -> None:
    assert written_by(reply(200, server, service_time)) == who


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (403, b"RBAC: access denied"),
        (503, UPSTREAM_ERROR),
        (503, b"no healthy upstream"),
        (401, b"Jwt is missing"),
        (401, b"Jwks remote fetch is failed"),
        (401, b"Audiences in Jwt are not allowed"),
    ],
)
def test_the_callees_envoy_wrote_its_own_texts_although_the_callers_adds_a_service_time(status, text) -> None:
    assert written_by(reply(status, "envoy", "3", text)) == "envoy"


def test_an_application_may_speak_of_tokens() -> None:
    assert written_by(reply(400, "envoy", "3", b"Jwt is missing")) == "app"


@pytest.mark.parametrize(
    ("server", "passed"), [("envoy", True), ("istio-envoy", False), ("nginx", False), (None, False)]
)
def test_the_clients_http_manager_names_itself_in_every_reply(server, passed) -> None:
    assert passed_http_manager(reply(server=server)) is passed


@pytest.mark.parametrize(
    ("response", "at_home"),
    [
        (reply(404, "envoy"), True),
        (reply(503, "envoy", None, b"no healthy upstream"), True),
        (reply(200, "envoy", "3"), False),
        (reply(403, "istio-envoy", None, b"RBAC: access denied"), False),
        (reply(503, "envoy", None, UPSTREAM_ERROR), False),
        (reply(504, "envoy", None, b"upstream request timeout"), False),
    ],
)
def test_the_clients_sidecar_wrote_what_passed_it_without_an_upstream_having_been_tried(response, at_home) -> None:
    assert written_at_home(response) is at_home


@pytest.mark.parametrize(
    ("server", "service_time", "body", "who"),
    [
        ("envoy", None, b"", None),
        (None, None, b"", None),
        ("envoy", "3", b"", "app"),
        ("nginx", None, b"", "app"),
        (None, None, b"RBAC: access denied", "envoy"),
    ],
)
def test_a_head_that_was_cut_may_leave_it_open(server, service_time, body, who) -> None:
    cut = replace(reply(200, server, service_time, body), whole=False)

    assert written_by(cut) == who
    assert not written_at_home(cut)


@pytest.mark.parametrize(
    ("status", "length", "body", "unread"),
    [
        (503, "95", b"", True),
        (503, "95", UPSTREAM_ERROR[:20], True),
        (503, "95", UPSTREAM_ERROR, False),
        (503, "0", b"", False),
        (503, None, b"", False),
        (503, "9" * 5000, b"", False),
        (200, "95", b"", False),
    ],
)
def test_an_errors_text_that_the_capture_cut_is_unread(status, length, body, unread) -> None:
    headers = (("content-length", length),) if length is not None else ()

    assert is_unread(replace(reply(status, body=body), headers=headers, end=1, body_end=96)) is unread


@pytest.mark.parametrize(("length", "unread"), [("95", True), ("0", False)])
def test_the_answer_to_a_head_request_keeps_its_text_to_itself(length: str, unread: bool) -> None:
    assert is_unread(replace(reply(503), headers=(("content-length", length),), end=1, body_end=1)) is unread


def test_an_error_without_its_text_may_be_an_envoys_whatever_passed_it_on() -> None:
    cut = reply(403, "envoy", "3")

    assert written_by(replace(cut, headers=(*cut.headers, ("content-length", "19")), end=1, body_end=20)) is None


def test_to_grpc_envoy_says_in_a_header_that_an_upstream_failed() -> None:
    headers = (("server", "envoy"), ("grpc-status", "14"), ("grpc-message", UPSTREAM_ERROR.decode()))

    assert not written_at_home(Response(200, headers, 0, 0))
    assert written_at_home(Response(200, headers[:2], 0, 0))
