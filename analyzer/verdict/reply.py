"""Who wrote an HTTP reply: an application, or an Envoy on the way by itself.

``server:`` tells which HTTP manager handled a reply (``envoy`` the client's, ``istio-envoy`` the server's), not who
wrote it; ``x-envoy-upstream-service-time`` is there only where that manager had the reply from an upstream.
"""

from __future__ import annotations

import re

from analyzer.protocol.facts import Response

SERVICE_TIME = "x-envoy-upstream-service-time"
_OUTBOUND_MANAGER = "envoy"
_MANAGERS = frozenset({_OUTBOUND_MANAGER, "istio-envoy"})
# Texts of Envoy's own replies (source/common/router/router.cc, filters/http/rbac/rbac_filter.cc): no application's.
RBAC_TEXT = b"RBAC: access denied"
UPSTREAM_ERROR_TEXT = b"upstream connect error or disconnect/reset before headers"
UPSTREAM_TIMEOUT_TEXT = b"upstream request timeout"
NO_UPSTREAM_TEXT = b"no healthy upstream"
_ENVOY_TEXTS = (RBAC_TEXT, UPSTREAM_ERROR_TEXT, NO_UPSTREAM_TEXT)
# What the JWT filter says with its 401 (jwt_verify_lib, status.cc): every text begins like one of these.
_JWT_TEXTS = (b"Jwt ", b"Jwks ", b"Audiences in Jwt ")
_UNAUTHORIZED = 401
OWN_TEXTS = frozenset((*_ENVOY_TEXTS, UPSTREAM_TIMEOUT_TEXT))
_LONGEST_TEXT = max(map(len, OWN_TEXTS))
# Errors alone bear these texts.
_FIRST_ERROR = 400
_LENGTH = re.compile(r"[0-9]{1,9}")


def written_by(response: Response) -> str | None:
    """``envoy`` where a sidecar wrote the reply by itself, else ``app``; None where a cut capture leaves it open."""
    body = response.body
    for text in _ENVOY_TEXTS:
        if text in body:
            return "envoy"
    if response.status == _UNAUTHORIZED and response.body.startswith(_JWT_TEXTS):
        return "envoy"
    server = _server(response)
    if server and server not in _MANAGERS:
        return "app"
    if response.header(SERVICE_TIME) is not None:
        return None if is_unread(response) else "app"
    if not response.whole:
        return None
    return "envoy" if server else "app"


def is_unread(response: Response) -> bool:
    """Whether an error's text, by which Envoys are known, is not in the capture, or not whole.

    That of the answer to a HEAD is not sent.
    """
    if response.status < _FIRST_ERROR:
        return False
    length = _LENGTH.fullmatch(response.header("content-length") or "")
    if not response.whole or length is None:
        return not response.whole
    return len(response.body) < min(int(length[0]), _LONGEST_TEXT)


def passed_http_manager(response: Response) -> bool:
    """Whether the HTTP manager of the client's own sidecar handled the reply: to it the call was no opaque TCP."""
    return _server(response) == _OUTBOUND_MANAGER


def written_at_home(response: Response) -> bool:
    """Whether the client's own sidecar wrote the reply without having tried an upstream.

    To gRPC Envoy says in ``grpc-message`` what the body says to others (Grpc::Utility, ``sendLocalReply``).
    """
    if not passed_http_manager(response) or response.header(SERVICE_TIME) is not None or not response.whole:
        return False
    said = response.body + (response.header("grpc-message") or "").encode("latin-1", "replace")
    return UPSTREAM_ERROR_TEXT not in said and UPSTREAM_TIMEOUT_TEXT not in said


def _server(response: Response) -> str:
    return (response.header("server") or "").lower()
