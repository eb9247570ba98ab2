"""Prediction against packets: whether what happened fits what the model says must happen.

A disagreement is a finding of its own: a stale proxy, an EnvoyFilter, an application's error, or our mistake. So this
module says False only where the packets exclude the prediction, and None where they cannot tell.
"""

from __future__ import annotations

from analyzer.base.fact import replace
from analyzer.protocol.facts import Response
from analyzer.verdict.call import Call, Onward
from analyzer.verdict.decision import DROPPED, Decision, LocalResponse
from analyzer.verdict.inbound_policy import AUTHORIZATION
from analyzer.verdict.reasons import LOOPBACK
from analyzer.verdict.record import Observed
from analyzer.verdict.reply import (
    NO_UPSTREAM_TEXT,
    RBAC_TEXT,
    SERVICE_TIME,
    UPSTREAM_ERROR_TEXT,
    UPSTREAM_TIMEOUT_TEXT,
    is_unread,
)
from analyzer.verdict.roles import cluster_of_sni

_SILENT = frozenset({"reset", "closed", "refused", "no-answer"})
_HTTP = frozenset({"http/1.0", "http/1.1", "h2"})
# gRPC says its errors over HTTP 200, in grpc-status.
_GRPC_OK = 200
# Envoy writes these after it has taken the route: the network's failure, or the application's.
_TRIED_TEXTS = (UPSTREAM_ERROR_TEXT, UPSTREAM_TIMEOUT_TEXT)


def with_agreement(observed: Observed, call: Call, decision: Decision, upstream: Onward | None) -> Observed:
    """``observed`` with its ``agrees`` and, where that is False, ``why``."""
    agrees, why = compare_with(observed, call, decision, upstream)
    return replace(observed, agrees=agrees, why=why)


def compare_with(
    observed: Observed, call: Call, decision: Decision, upstream: Onward | None
) -> tuple[bool | None, str]:
    """Whether what was observed fits the decision, None where the packets cannot tell; and why it does not."""
    if decision.verdict is None or _is_handshake(observed, call, decision) or _may_be_frames(observed, call):
        return None, ""
    elsewhere = _other_cluster(call, decision, upstream)
    if elsewhere:
        return False, elsewhere
    response = call.exchange.response if call.exchange else None
    local = _local_reply(decision)
    if local is not None:
        passed_on = decision.outbound is not None and decision.outbound.response is None
        marked = response is not None and response.header(SERVICE_TIME) is not None and not passed_on
        return _against_local_reply(observed, local, marked=marked) if _told(response) else (None, "")
    if decision.verdict == DROPPED and decision.reason == AUTHORIZATION.name and _may_be_greeting(call):
        return None, ""  # the policy is asked when the client speaks (rbac_filter.cc, onData): the greeting has passed
    if decision.verdict == DROPPED:
        return _against_refusal(observed, response, decision.inbound.response if decision.inbound else None)
    if decision.reason == LOOPBACK.name:
        return (True, "") if observed.outcome == "answered" else (None, "")  # its server may be the pod's own Envoy
    if _is_protocol_error(observed, decision):
        return True, ""
    return _against_delivery(observed, response, upstream)


def _may_be_greeting(call: Call) -> bool:
    """Whether the server spoke first, or packets are missing that would show who did."""
    streams = call.said.wire.connection.from_client, call.said.wire.connection.from_server
    begun = all(stream.from_start and (stream.next_data(0) == 0 or not stream.length) for stream in streams)
    return call.said.conversation.server_first or (call.exchange is None and not begun)


def _is_protocol_error(observed: Observed, decision: Decision) -> bool:
    """Whether the server's Envoy says, as it should, that it cannot read what arrives: no routing decision."""
    expected = decision.inbound.response if decision.inbound else None
    said = observed.answered_by == "envoy" and observed.status is not None
    return said and expected is not None and observed.status == expected.code


def _is_handshake(observed: Observed, call: Call, decision: Decision) -> bool:
    """Whether the answer to a call that the server's Envoy refuses may be TLS records, which come before that."""
    tls = call.said.conversation.tls is not None and call.exchange is None
    at_home = decision.outbound is not None and decision.outbound.response is not None
    return tls and decision.verdict == DROPPED and observed.outcome == "answered" and not at_home


def _may_be_frames(observed: Observed, call: Call) -> bool:
    """Whether HTTP is spoken of which no request was captured: what the server sent may be no answer (SETTINGS)."""
    spoken = call.exchange is None and call.said.conversation.protocol in _HTTP
    return spoken and observed.status is None and observed.outcome == "answered"


def _told(response: Response | None) -> bool:
    """Whether a reply's headers say what they would; without ``grpc-status`` a status of 200 may be any error."""
    return response is None or response.whole or response.status != _GRPC_OK


def _local_reply(decision: Decision) -> LocalResponse | None:
    """What the client's Envoy, or a gateway's, must answer by itself."""
    sides = (decision.outbound, decision.gateway)
    return next((side.response for side in sides if side is not None and side.response is not None), None)


def _other_cluster(call: Call, decision: Decision, upstream: Onward | None) -> str:
    """The sentence about the client's own upstream leg whose SNI names another cluster than the predicted one."""
    predicted = decision.outbound.cluster if decision.outbound else None
    if upstream is None or not upstream.certain or predicted is None:
        return ""
    if upstream.said.wire.client.ip != call.said.wire.client.ip:
        return ""  # a gateway's, where the sidecar's leg was not captured
    if call.said.sni == upstream.said.sni:
        return ""  # the application's own TLS, passed on as it is
    seen = cluster_of_sni(upstream.said.sni) if upstream.said.istio_mtls else None
    if seen is None or seen == predicted:
        return ""
    return f"the sidecar's mutual TLS names {seen}, the mesh's YAML leads to {predicted}"


def _against_local_reply(observed: Observed, local: LocalResponse, *, marked: bool) -> tuple[bool | None, str]:
    """``marked``: as an upstream's answer, by the Envoy that should have answered; a sidecar marks a gateway's too."""
    if local.code is None:
        return _against_close(observed)
    agrees, why = _against_code(observed, local.code)
    if agrees is None and marked:
        return False, f"Envoy should have answered {local.code} by itself, the packets show an upstream's answer"
    return agrees, why


def _against_refusal(
    observed: Observed, response: Response | None, refusal: LocalResponse | None
) -> tuple[bool | None, str]:
    """The server's Envoy refuses: it closes, which the client's tells as an upstream error, or it answers a code."""
    if response is not None and RBAC_TEXT in response.body:
        return True, ""
    if response is not None and is_unread(response):
        return None, ""
    tried = response is not None and any(text in response.body for text in _TRIED_TEXTS)
    if refusal is None or refusal.code is None:
        return (True, "") if tried else _against_close(observed)
    return (None, "") if tried else _against_code(observed, refusal.code)


def _against_close(observed: Observed) -> tuple[bool | None, str]:
    if observed.outcome in _SILENT:
        return True, ""
    return (False, "the call was answered") if observed.outcome == "answered" else (None, "")


def _against_code(observed: Observed, code: int) -> tuple[bool | None, str]:
    if observed.status is None:
        return None, ""
    if observed.status == (_GRPC_OK if observed.grpc_status else code):
        return (True, "") if observed.answered_by == "envoy" else (None, "")
    return False, f"Envoy should have answered {code}, the packets show {observed.status}"


def _against_delivery(
    observed: Observed, response: Response | None, upstream: Onward | None
) -> tuple[bool | None, str]:
    if observed.outcome == "answered":
        may_be_own = observed.answered_by is None and response is not None and is_unread(response)
        return (None if may_be_own else True), ""
    if response is None or observed.answered_by != "envoy":
        return None, ""
    return _against_own_words(response, upstream)


def _against_own_words(response: Response, upstream: Onward | None) -> tuple[bool | None, str]:
    """An Envoy answered by itself although the call should have reached its upstream."""
    if is_unread(response) or any(text in response.body for text in _TRIED_TEXTS):
        return None, ""
    if RBAC_TEXT in response.body:
        return False, "an Envoy denied it by an AuthorizationPolicy that the input does not explain"
    if NO_UPSTREAM_TEXT in response.body:
        return False, "Envoy had no healthy upstream"
    if upstream is not None and upstream.certain:
        return None, ""  # the proxy may be told to write no x-envoy headers
    return False, f"Envoy answered {response.status} by itself"
