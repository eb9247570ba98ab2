"""Which heads of requests no HTTP/2 codec of Envoy takes: it closes the connection and answers none of them.

A rule stands here where both codecs have it: nghttp2 (nghttp2_http.c, http_request_on_header) and oghttp2 (quiche,
http2/adapter/header_validator.cc), under the defaults of Http2ProtocolOptions, where an invalid message is an error of
the connection; and ConnectionImpl::saveHeader for sizes. What only one of them refuses is not refused here: a
pseudo-header behind a header, two Content-Length of one value, a control character in the value of a header. Nor is a
body of another length than its Content-Length, which is told as an oddity: the request was routed by then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from analyzer.protocol.facts import Headers
from analyzer.protocol.http1_head import ENVOY_MAX_HEADERS, ENVOY_MAX_REQUEST_HEAD_LEN
from analyzer.protocol.http1_refusal import AUTHORITY

_PSEUDO = frozenset({":method", ":scheme", ":authority", ":path"})
_REQUIRED = _PSEUDO - {":authority"}
_OF_CONNECT = frozenset({":method", ":authority"})
_OF_CONNECTIONS = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# oghttp2 takes a number as absl::SimpleAtoi does.
_LENGTH = re.compile(r"[ \t]*\+?([0-9]{1,20})[ \t]*")


def refusal_of(headers: Headers, *, capitals: bool) -> str:
    """Why Envoy closes the connection over the whole head of a request, empty where it takes it.

    ``capitals``: the name of a header has one.
    """
    if capitals:
        return "the name of a header has a capital"
    if _is_too_large(headers):
        return f"it has more than {ENVOY_MAX_HEADERS} headers or {ENVOY_MAX_REQUEST_HEAD_LEN // 1024} KiB"
    pseudo = [pair for pair in headers if pair[0][:1] == ":"]
    fields = dict(pseudo)
    if len(fields) < len(pseudo):
        return "a pseudo-header is repeated"
    if any(_CONTROL.search(value) is not None for value in fields.values()):
        return "a pseudo-header has a control character"
    named = bool(fields.get(":authority")) or any(name == "host" for name, _ in headers)
    refusal = _of_connect(fields, named) if fields.get(":method") == "CONNECT" else _of_request(fields, named)
    return refusal or _of_fields(headers)


def _is_too_large(headers: Headers) -> bool:
    kept = [pair for pair in headers if pair[0] != "cookie"]
    return len(kept) > ENVOY_MAX_HEADERS or sum(len(n) + len(v) for n, v in kept) > ENVOY_MAX_REQUEST_HEAD_LEN


def _of_request(pseudo: Mapping[str, str], named: bool) -> str:
    """RFC 9113 section 8.3.1: which pseudo-headers there must be, and what they may hold."""
    if not pseudo.keys() <= _PSEUDO:
        return "it has a pseudo-header that no request has"
    if not pseudo.keys() >= _REQUIRED or not (named or ":authority" in pseudo):
        return "a pseudo-header is missing"
    if _TOKEN.fullmatch(pseudo[":method"]) is None or AUTHORITY.fullmatch(pseudo.get(":authority", "")) is None:
        return "its method or authority has a character that none has"
    path = pseudo[":path"]
    rooted = path[:1] == "/" or (path == "*" and pseudo[":method"] == "OPTIONS")
    return "" if rooted else "its path does not begin with a slash"


def _of_connect(pseudo: Mapping[str, str], named: bool) -> str:
    """RFC 9113 section 8.5; an extended one (RFC 8441) may be allowed and is not judged."""
    if ":protocol" in pseudo or (named and pseudo.keys() <= _OF_CONNECT):
        return ""
    return "a CONNECT has an authority and no other pseudo-header"


def _of_fields(headers: Headers) -> str:
    """RFC 9113 section 8.2.2, and lengths that are no numbers, or two."""
    lengths = {length_of(value) for name, value in headers if name == "content-length"}
    if len(lengths) > 1 or None in lengths:
        return "its Content-Length is not one number"
    odd = any(name in _OF_CONNECTIONS or (name == "te" and value.lower() != "trailers") for name, value in headers)
    return "it has a header about the connection" if odd else ""


def length_of(value: str) -> int | None:
    """The number of a Content-Length, None where it is none."""
    found = _LENGTH.fullmatch(value)
    return int(found[1]) if found is not None and int(found[1]) < 1 << 64 else None
