"""What Envoy's RBAC and JWT filters see of a connection or request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Subject:
    """The facts that policies ask for; None is *not known*, empty is *known to be absent*.

    ``http``: the filter chain speaks HTTP, so that request fields exist. ``principals`` are the peer's identities
    without ``spiffe://``; empty for plaintext. ``source_ip`` is the connection's peer; ``sni`` what the TLS inspector
    found. ``headers`` have lower-case names. ``claims`` are those of a verified token. ``trusts_forwarded``: the proxy
    takes the client's address from X-Forwarded-For, as sidecars do (``use_remote_address`` false) and gateways do not.
    Not ``request_seen``: the request is inside TLS, so that its fields, headers and claims are not known.
    """

    http: bool
    destination_ip: str
    destination_port: int
    source_ip: str | None = None
    principals: tuple[str, ...] | None = ()
    sni: str = ""
    host: str | None = None
    method: str = "GET"
    path: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    claims: Mapping[str, Any] | None = field(default_factory=dict)
    trusts_forwarded: bool = True
    request_seen: bool = True

    @property
    def remote_ip(self) -> str | None:
        """The client's address: the last one of X-Forwarded-For where that is trusted, else the connection's.

        An empty last one stands for a client whose address a gateway forwarded and that is not known here.
        """
        if self.http and self.trusts_forwarded and not self.request_seen:
            return None
        forwarded = self.header("x-forwarded-for") if self.http and self.trusts_forwarded else None
        if forwarded is None:
            return self.source_ip
        return forwarded.rpartition(",")[2].strip() or None

    def header(self, name: str) -> str | None:
        """A header's value, several joined by commas as Envoy joins them, or None."""
        found = [value for key, value in self.headers if key == name]
        return ",".join(found) if found else None
