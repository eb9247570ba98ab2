"""What Envoy's RBAC and JWT filters see of a connection or request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analyzer.base.fact import Fact, field
from analyzer.mesh.hosts import is_ip


class Subject(Fact, frozen=True):
    """The facts that policies ask for; None is *not known*, empty is *known to be absent*.

    ``http``: the filter chain speaks HTTP, so that request fields exist. ``principals`` are the peer's identities
    without ``spiffe://``; empty for plaintext. ``source_ip`` is the connection's peer; ``sni`` what the TLS inspector
    found. ``headers`` have lower-case names. ``claims`` are those of a verified token. ``trusted_hops``: how
    many addresses at the end of X-Forwarded-For were written by trusted proxies; sidecars believe the last one
    (``use_remote_address`` false), gateways none unless they are told to.
    Not ``request_seen``: the request is inside TLS, so that its fields, headers and claims are not known. ``head_cut``:
    its head was not seen whole, so that a header which is absent may have been sent. ``made`` are headers that the
    proxy adds, with values that are not known.
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
    trusted_hops: int = 1
    request_seen: bool = True
    head_cut: bool = False
    made: frozenset[str] = frozenset()

    @property
    def remote_ip(self) -> str | None:
        """The client's address: the one that the outermost trusted proxy wrote, else the connection's.

        Envoy's Utility::getLastAddressFromXFF. An empty one stands for a client whose address a gateway forwarded and
        that is not known here.
        """
        if not (self.http and self.trusted_hops):
            return self.source_ip
        forwarded = self.header("x-forwarded-for")
        if not self.request_seen or (self.head_cut and forwarded is None):
            return None
        addresses = forwarded.rsplit(",", self.trusted_hops) if forwarded is not None else []
        if len(addresses) < self.trusted_hops:
            return self.source_ip
        client = addresses[-self.trusted_hops].strip()
        return (client if is_ip(client) else self.source_ip) if client else None

    def header(self, name: str) -> str | None:
        """A header's value, several joined by commas as Envoy joins them, or None."""
        found = [value for key, value in self.headers if key == name]
        return ",".join(found) if found else None
