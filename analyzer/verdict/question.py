"""A question to the model: one call as Envoy would meet it, from a capture or invented."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.base.fact import Fact, replace
from analyzer.mesh.path import split_target


class Question(Fact, frozen=True):
    """A call, in the words of ``meshverdict route --calls``.

    ``namespace`` and ``pod`` (None when only ``labels`` are known) say whose Envoy decides; ``direction`` is
    ``outbound``, ``inbound`` or ``gateway``. ``address`` and ``port`` are where the client connects. ``protocol`` is
    ``http`` (1.1), ``http/1.0``, ``http2`` or ``tcp``; ``tls`` is ``plaintext``, ``tls`` or ``mtls``. ``headers`` have
    lower-case names. ``endpoint`` is the pod address and port that the recording shows the balancer chose, or None.
    ``server_first`` says that the server spoke first, ``client_silent`` that the client never sent a byte.
    ``bypass`` says that the packets prove that the source's own sidecar did not take the connection.
    ``peer`` is the client's pod (``namespace/name``) of an inbound or gateway question, where known; ``client`` its
    address, empty where that is not known. ``sealed``: what is said inside the TLS is not known, so that ``protocol``
    and the request fields prove nothing where a proxy ends it. ``inspected`` is what Envoy's inspectors take the first
    bytes for where that is not ``protocol``: ``tcp`` for HTTP after a blank line, ``http/1.0`` for HTTP/0.9.
    ``head_cut``: the capture does not show all of the request's head, so that an absent header may have been sent.
    ``refused`` is the status with which Envoy's HTTP codec answers the head, 0 where it closes the connection without
    an answer, None where it takes the head. ``scheme`` is what an absolute-form target says, None of other ones.
    """

    namespace: str
    pod: str | None = None
    labels: Mapping[str, str] | None = None
    direction: str = "outbound"
    address: str = ""
    port: int = 0
    protocol: str = "http"
    tls: str = "plaintext"
    sni: str | None = None
    alpn: tuple[str, ...] = ()
    host: str | None = None
    path: str = "/"
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    endpoint: tuple[str, int] | None = None
    server_first: bool = False
    client_silent: bool = False
    bypass: bool = False
    peer: str | None = None
    client: str = ""
    sealed: bool = False
    inspected: str | None = None
    head_cut: bool = False
    refused: int | None = None
    scheme: str | None = None

    def for_target(self, host: str | None, target: str) -> Question:
        """The question about a request with this Host and target; an absolute-form target says the host too."""
        scheme, authority, path = split_target(target) or (None, host, target)
        return replace(self, scheme=scheme, host=authority, path=path)
