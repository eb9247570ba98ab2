"""Prediction against packets: whether what happened fits what the model says must happen.

A disagreement is a finding of its own: a stale proxy, an EnvoyFilter, an application's error, or our mistake. So this
module says False only where the packets exclude the prediction, and None where they cannot tell.
"""

from __future__ import annotations

from dataclasses import replace

from analyzer.protocol.facts import Response
from analyzer.verdict.decision import DROPPED, Decision, LocalResponse
from analyzer.verdict.record import Observed
from analyzer.verdict.reply import NO_UPSTREAM_TEXT, RBAC_TEXT, UPSTREAM_ERROR_TEXT
from analyzer.verdict.roles import cluster_of_sni
from analyzer.verdict.stitch import Call, Onward

_SILENT = frozenset({"reset", "closed", "refused", "no-answer"})
_INBOUND_REFUSALS = frozenset({"mtls-required", "tls-required"})
# gRPC says its errors over HTTP 200, in grpc-status.
_GRPC_OK = 200


def with_agreement(observed: Observed, call: Call, decision: Decision, upstream: Onward | None) -> Observed:
    """``observed`` with its ``agrees`` and, where that is False, ``why``."""
    agrees, why = _compare(observed, call, decision, upstream)
    return replace(observed, agrees=agrees, why=why)


def _compare(observed: Observed, call: Call, decision: Decision, upstream: Onward | None) -> tuple[bool | None, str]:
    if decision.verdict is None:
        return None, ""
    elsewhere = _other_cluster(decision, upstream)
    if elsewhere:
        return False, elsewhere
    local = decision.outbound.response if decision.outbound else None
    if local is None and decision.gateway:
        local = decision.gateway.response
    if local is not None:
        return _against_local_reply(observed, local)
    if decision.verdict == DROPPED:
        return _against_refusal(observed, call, decision)
    return _against_delivery(observed, call)


def _other_cluster(decision: Decision, upstream: Onward | None) -> str:
    """The sentence about an upstream leg whose SNI names another cluster than the predicted one."""
    predicted = decision.outbound.cluster if decision.outbound else None
    if upstream is None or not upstream.certain or predicted is None:
        return ""
    seen = cluster_of_sni(upstream.said.sni) if upstream.said.istio_mtls else None
    if seen is None or seen == predicted:
        return ""
    return f"the sidecar's mutual TLS names {seen}, the mesh's YAML leads to {predicted}"


def _against_local_reply(observed: Observed, local: LocalResponse) -> tuple[bool | None, str]:
    if local.code is None:
        if observed.outcome in _SILENT:
            return True, ""
        return (False, "the connection was answered") if observed.outcome == "answered" else (None, "")
    if observed.status is None:
        return None, ""
    if observed.status in (local.code, _GRPC_OK if observed.grpc_status else local.code):
        return (True, "") if observed.answered_by == "envoy" else (None, "")
    return False, f"Envoy should have answered {local.code}, the packets show {observed.status}"


def _against_refusal(observed: Observed, call: Call, decision: Decision) -> tuple[bool | None, str]:
    response = call.exchange.response if call.exchange else None
    if decision.reason in _INBOUND_REFUSALS:
        if observed.outcome in _SILENT or (response and UPSTREAM_ERROR_TEXT in response.body):
            return True, ""
        return (None, "") if observed.outcome in ("open", "tls-alert") else (False, "the call was answered")
    if response is not None and RBAC_TEXT in response.body:
        return True, ""
    if observed.outcome in _SILENT or observed.answered_by == "envoy":
        return True, ""
    return (False, "the application answered") if observed.answered_by == "app" else (None, "")


def _against_delivery(observed: Observed, call: Call) -> tuple[bool | None, str]:
    response = call.exchange.response if call.exchange else None
    if observed.outcome == "answered":
        return True, ""
    if response is None or observed.answered_by != "envoy":
        return None, ""
    return _against_own_words(response)


def _against_own_words(response: Response) -> tuple[bool | None, str]:
    """An Envoy answered by itself although the call should have reached its upstream."""
    if UPSTREAM_ERROR_TEXT in response.body:
        return None, ""  # the network's or the application's failure: the route was taken
    if RBAC_TEXT in response.body:
        return False, "an Envoy denied it by an AuthorizationPolicy that the input does not explain"
    if NO_UPSTREAM_TEXT in response.body:
        return False, "Envoy had no healthy upstream"
    return False, f"Envoy answered {response.status} by itself"
