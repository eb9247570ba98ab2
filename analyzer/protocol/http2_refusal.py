"""Which heads of requests no HTTP/2 codec of Envoy takes: it closes the connection and answers none of them.

A rule stands here where both codecs have it: nghttp2 (nghttp2_http.c, http_request_on_header) and oghttp2 (quiche,
http2/adapter/header_validator.cc), under the defaults of Http2ProtocolOptions, where an invalid message is an error of
the connection; and ConnectionImpl::saveHeader for sizes. What only one of them refuses is not refused here: a
pseudo-header behind a header, two Content-Length of one value, a control character in the value of a header. Nor is a
body of another length than its Content-Length: the request was routed by then.
"""

from __future__ import annotations

import re

from analyzer.protocol.facts import Headers
from analyzer.protocol.http1_head import ENVOY_MAX_HEADERS, ENVOY_MAX_REQUEST_HEAD_LEN
from analyzer.protocol.http1_refusal import AUTHORITY

_PSEUDO = frozenset({":method", ":scheme", ":authority", ":path"})
_OF_CONNECTIONS = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# oghttp2 takes a number as absl::SimpleAtoi does.
_LENGTH = re.compile(r"[ \t]*\+?([0-9]{1,20})[ \t]*")


def is_refused(headers: Headers, *, capitals: bool) -> bool:
    """Whether Envoy closes the connection over the whole head of a request; ``capitals``: a name has one."""
    if capitals or _is_too_large(headers):
        return True
    pseudo = [pair for pair in headers if pair[0][:1] == ":"]
    if any(_CONTROL.search(value) is not None for _, value in pseudo):
        return True
    fields = dict(pseudo)
    refuses = _refuses_connect if fields.get(":method") == "CONNECT" else _refuses_request
    return len(fields) < len(pseudo) or refuses(fields, headers) or _refuses_fields(headers)


def _is_too_large(headers: Headers) -> bool:
    kept = [pair for pair in headers if pair[0] != "cookie"]
    return len(kept) > ENVOY_MAX_HEADERS or sum(len(n) + len(v) for n, v in kept) > ENVOY_MAX_REQUEST_HEAD_LEN


def _refuses_request(pseudo: dict[str, str], headers: Headers) -> bool:
    """RFC 9113 section 8.3.1: which pseudo-headers there must be, and what they may hold."""
    named = ":authority" in pseudo or any(name == "host" for name, _ in headers)
    if not pseudo.keys() <= _PSEUDO or not named or not {":method", ":scheme", ":path"} <= pseudo.keys():
        return True
    if _TOKEN.fullmatch(pseudo[":method"]) is None or AUTHORITY.fullmatch(pseudo.get(":authority", "")) is None:
        return True
    path = pseudo[":path"]
    return path[:1] != "/" and not (path == "*" and pseudo[":method"] == "OPTIONS")


def _refuses_connect(pseudo: dict[str, str], headers: Headers) -> bool:
    """RFC 9113 section 8.5; an extended one (RFC 8441) may be allowed and is not judged."""
    if ":protocol" in pseudo:
        return False
    named = bool(pseudo.get(":authority")) or any(name == "host" for name, _ in headers)
    return not pseudo.keys() <= {":method", ":authority"} or not named


def _refuses_fields(headers: Headers) -> bool:
    """RFC 9113 section 8.2.2, and lengths that are no numbers, or two."""
    lengths = {_length_of(value) for name, value in headers if name == "content-length"}
    if len(lengths) > 1 or None in lengths:
        return True
    return any(name in _OF_CONNECTIONS or (name == "te" and value.lower() != "trailers") for name, value in headers)


def _length_of(value: str) -> int | None:
    found = _LENGTH.fullmatch(value)
    return int(found[1]) if found is not None and int(found[1]) < 1 << 64 else None
