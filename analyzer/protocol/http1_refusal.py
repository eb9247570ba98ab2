"""Which heads of requests Envoy's HTTP/1 codec does not take: it answers by itself and closes the connection.

Follows BalsaParser (its validation policy, isUrlValid, isHeaderNameValid), ServerConnectionImpl, HeaderUtility and the
defaults of HttpProtocolOptions. A blank before a colon and folded lines are mended by it, not refused.
"""

from __future__ import annotations

import re

from analyzer.protocol.facts import Headers
from analyzer.protocol.http1_head import ENVOY_MAX_HEADERS, ENVOY_MAX_REQUEST_HEAD_LEN
from analyzer.protocol.request_line import KNOWN_METHODS, RequestLine, inspector_takes

_BAD_REQUEST, _TOO_LARGE, _NOT_IMPLEMENTED = 400, 431, 501
_LENGTH = re.compile(r"[0-9]{1,19}")
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# What HeaderUtility::authorityIsValid takes: the characters of RFC 3986 section 3.2, in any order.
AUTHORITY = re.compile(r"[A-Za-z0-9!$%&'()*+,\-.:;=@\[\]_~]*")


def refusal_of(line: RequestLine, headers: Headers, head_len: int) -> int | None:
    """The status that Envoy answers to a head of ``head_len`` bytes; None where its codec takes it."""
    if head_len > ENVOY_MAX_REQUEST_HEAD_LEN or len(headers) > ENVOY_MAX_HEADERS:
        return _TOO_LARGE
    if line.method not in KNOWN_METHODS or not inspector_takes(line):
        return _BAD_REQUEST
    if any(_NAME.fullmatch(name) is None or _CONTROL.search(value) is not None for name, value in headers):
        return _BAD_REQUEST
    if line.target[0] in "/*" and any(AUTHORITY.fullmatch(value) is None for name, value in headers if name == "host"):
        return _BAD_REQUEST
    return _refusal_of_framing(headers)


def _refusal_of_framing(headers: Headers) -> int | None:
    """What two opinions about the end of a message come to (RFC 9112 section 6.3)."""
    lengths = [value for name, value in headers if name == "content-length"]
    codings = [value for name, value in headers if name == "transfer-encoding"]
    if len(lengths) > 1 or any(_LENGTH.fullmatch(length) is None for length in lengths):
        return _BAD_REQUEST
    if codings and ",".join(codings).lower() != "chunked":
        return _NOT_IMPLEMENTED
    return _BAD_REQUEST if lengths and codings else None
