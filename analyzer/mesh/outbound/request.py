"""A request as routes see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """``authority`` as sent, ``path`` with its query; header names in lower case, several values of one name apart.

    ``head_cut``: its head was not seen whole, so that a header which is absent may have been sent. ``claims`` are those
    of a token that the proxy verified, None where they cannot be known.
    """

    authority: str
    path: str = "/"
    method: str = "GET"
    scheme: str = "http"
    headers: tuple[tuple[str, str], ...] = ()
    head_cut: bool = False
    claims: Mapping[str, Any] | None = field(default_factory=dict, compare=False)

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


def strip_port(authority: str) -> str:
    """A host without ``:port``; the brackets of an IPv6 address stay (Envoy's StripPort of the host)."""
    host, colon, port = authority.rpartition(":")
    if not colon or not port.isdigit() or (":" in host and not host.endswith("]")):
        return authority
    return host
