"""Request lines: leniently as people send them, and strictly as Envoy's HTTP inspector takes them."""

from __future__ import annotations

import re
from typing import NamedTuple

from analyzer.base.oddity import Code, Family, Level

# The listener filter gives up, and closes the connection, when no line end comes within this many bytes
# (http_inspector.h, Config::MAX_INSPECT_SIZE).
MAX_INSPECT_LEN = 64 * 1024

NOT_INSPECTED_AS_HTTP = Code(
    "http1-not-inspected",
    Family.PROTOCOL,
    Level.WARNING,
    "the first request line is one that Envoy's HTTP inspector does not take for HTTP",
    "A byte that a URI may not have, a blank too many, or a blank line first: on a port where Envoy has to detect "
    "the protocol the connection is opaque TCP.",
)
UNKNOWN_METHOD = Code(
    "http1-unknown-method",
    Family.PROTOCOL,
    Level.INFO,
    "{method} is no method that Envoy's HTTP/1 codec knows",
    "Without allow_custom_methods Envoy answers 400; its HTTP inspector does take the line for HTTP.",
)

# The methods of http-parser, which BalsaParser kept.
KNOWN_METHODS = frozenset((
    "ACL", "BIND", "CHECKOUT", "CONNECT", "COPY", "DELETE", "GET", "HEAD", "LINK", "LOCK", "MERGE", "MKACTIVITY",
    "MKCALENDAR", "MKCOL", "MOVE", "MSEARCH", "NOTIFY", "OPTIONS", "PATCH", "POST", "PROPFIND", "PROPPATCH", "PURGE",
    "PUT", "REBIND", "REPORT", "SEARCH", "SOURCE", "SUBSCRIBE", "TRACE", "UNBIND", "UNLINK", "UNLOCK", "UNSUBSCRIBE",
))  # fmt: skip

_METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}")
_VERSION = re.compile(r"HTTP/[0-9]\.[0-9]")
# What BalsaParser's isUrlValid takes: a path, or scheme://host path. An authority alone is for CONNECT only.
_PATH = r"[!-~]*+"
_HOST = r"(?:(?!@@)[A-Za-z0-9!$%&'()*+,\-.:;=@\[\]_~])*+"
_TARGET = re.compile(rf"[/*]{_PATH}|[A-Za-z][A-Za-z0-9+\-.]*+://{_HOST}(?:[/?]{_PATH})?")
_CONNECT_TARGET = re.compile(rf"[/*]{_PATH}|{_HOST}(?:[/?]{_PATH})?")


class RequestLine(NamedTuple):
    """Method and target as sent; ``version`` is ``http/1.1`` or ``http/1.0``, which Envoy says of any other."""

    method: str
    target: str
    version: str


def parse_request_line(line: str) -> RequestLine | None:
    """The parts of a request line, or None when the line is none. HTTP/0.9 (no version) is none."""
    method, _, rest = line.partition(" ")
    target, _, version = rest.rpartition(" ")
    if version != "HTTP/1.1":
        target, _, version = rest.rstrip(" \t").rpartition(" ")
        if _VERSION.fullmatch(version) is None:
            return None
    target = target.strip(" \t")
    if not target or (method not in KNOWN_METHODS and _METHOD.fullmatch(method) is None):
        return None
    return RequestLine(method, target, "http/1.1" if version == "HTTP/1.1" else "http/1.0")


def parse_simple_request(line: str) -> RequestLine | None:
    """A request line without a version, as HTTP/0.9 had it; Envoy's inspector says http/1.0 of it, servers say 400."""
    method, _, target = line.rstrip(" \t").partition(" ")
    target = target.lstrip(" \t")
    if not target or " " in target or _METHOD.fullmatch(method) is None:
        return None
    return RequestLine(method, target, "http/1.0")


def inspector_takes(line: RequestLine) -> bool:
    """Whether Envoy's HTTP inspector takes the line for HTTP (http_inspector.cc, BalsaParser with custom methods)."""
    pattern = _CONNECT_TARGET if line.method == "CONNECT" else _TARGET
    return pattern.fullmatch(line.target) is not None
