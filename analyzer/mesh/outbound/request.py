"""A request as routes see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# The only upgrade that istiod allows (listener_builder.go buildHTTPConnectionManager), and the one that Envoy's HTTP/1
# codec takes out of requests.
_ALLOWED_UPGRADES = ("websocket", "h2c")
FORWARDED_PROTO = "x-forwarded-proto"
# What a connection manager adds with a value of its own (Envoy's generate_request_id).
_MADE_HEADERS = frozenset({"x-request-id"})

# Names in lower case, with values.
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """``authority`` as sent, ``path`` with its query; header names in lower case, several values of one name apart.

    ``head_cut``: its head was not seen whole, so that a header which is absent may have been sent. ``made`` are headers
    that the proxy adds, with values that nobody knows before. ``claims`` are those of a token that the proxy verified,
    None where they cannot be known.
    """

    authority: str
    path: str = "/"
    method: str = "GET"
    scheme: str = "http"
    headers: Headers = ()
    head_cut: bool = False
    made: frozenset[str] = frozenset()
    claims: Mapping[str, Any] | None = field(default_factory=dict, compare=False)

    @property
    def connects(self) -> bool:
        """A CONNECT for a tunnel: it has no path, so that no route's path matches it (Envoy's ConnectMatcher would)."""
        return self.method == "CONNECT" and self.header(":protocol") is None

    @property
    def path_only(self) -> str:
        """The path without query and fragment."""
        return self.path.partition("?")[0].partition("#")[0]

    @property
    def query(self) -> str:
        """What stands behind the first question mark."""
        return self.path.partition("#")[0].partition("?")[2]

    @property
    def host(self) -> str:
        """The authority as virtual hosts compare it: lower case, without the port."""
        return strip_port(self.authority).lower()

    def header(self, name: str) -> str | None:
        """The values of a header joined by commas, or None."""
        if name == ":method":
            return self.method
        if name in (":authority", "host"):
            return self.authority
        if name == ":scheme":
            return self.scheme
        if name == ":path":
            return self.path
        values = [value for key, value in self.headers if key == name]
        return ",".join(values) if values else None


def made_headers(headers: Headers, *, request_ids: bool) -> frozenset[str]:
    """The headers that a connection manager adds to those of a request, with values of its own."""
    return _MADE_HEADERS - {name for name, _ in headers} if request_ids else frozenset()


def with_forwarded_proto(headers: Headers, scheme: str, *, edge: bool, head_cut: bool) -> Headers:
    """The headers with X-Forwarded-Proto, as a connection manager hands them on.

    The connection's ``scheme`` where there is none, and in place of any at the ``edge`` (Envoy's
    ConnectionManagerUtility::mutateRequestHeaders). What a cut head lost may have had one.
    """
    if edge:
        headers = tuple(each for each in headers if each[0] != FORWARDED_PROTO)
    elif head_cut or any(name == FORWARDED_PROTO for name, _ in headers):
        return headers
    return *headers, (FORWARDED_PROTO, scheme)


def refused_upgrade(headers: Iterable[tuple[str, str]]) -> str:
    """The upgrade that a request of HTTP/1.1 asks for where Envoy allows none of that name, else empty.

    Envoy's Utility::isUpgrade; headers have lower-case names.
    """
    named = {name: value for name, value in headers if name in ("connection", "upgrade")}
    if "upgrade" not in named:
        return ""
    tokens = {token.strip().lower() for token in named.get("connection", "").split(",")}
    wanted = named["upgrade"]
    return wanted if "upgrade" in tokens and wanted.lower() not in ("", *_ALLOWED_UPGRADES) else ""


def strip_port(authority: str) -> str:
    """What stands before the last colon, whatever follows it (Envoy's HeaderUtility::getPortStart).

    An IPv6 address keeps its brackets; one without brackets loses its end.
    """
    host, colon, port = authority.rpartition(":")
    return host if colon and "]" not in port else authority
