"""The filter chains of ``virtualInbound`` (istio core/filterchain_options.go, core/listener_inbound.go)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from analyzer.base.fact import Fact
from analyzer.mesh.kinds.peer_authentication import DISABLE, PERMISSIVE, STRICT
from analyzer.mesh.port_protocol import AUTO, HTTP_FAMILY

TLS = "tls"
RAW_BUFFER = "raw_buffer"

# The client's sidecar carried HTTP, or did not look, over Istio's mutual TLS; plaintext HTTP as the inspector names it.
ISTIO_HTTP_ALPN = ("istio-http/1.0", "istio-http/1.1", "istio-h2")
ISTIO_TCP_ALPN = ("istio-peer-exchange", "istio")
ISTIO_ALPN = (*ISTIO_TCP_ALPN, *ISTIO_HTTP_ALPN)
PLAINTEXT_HTTP_ALPN = ("http/1.1", "h2c")


class ChainMatch(Fact, frozen=True):
    """A filter chain of one port: what it matches, and what it does.

    ``alpn`` is empty where any will do. ``terminates``: it ends Istio's mutual TLS and asks for a client certificate.
    """

    transport: str
    alpn: tuple[str, ...]
    http: bool
    terminates: bool

    @property
    def http10(self) -> bool | None:
        """Whether its HTTP connection manager accepts HTTP/1.0; None where it does as the proxy is told."""
        return None

    def __str__(self) -> str:
        alpn = f" with ALPN {', '.join(self.alpn)}" if self.alpn else ""
        does = "mutual TLS" if self.terminates else "TLS left as it is" if self.transport == TLS else "plaintext"
        return f"{does}{alpn}, {'HTTP' if self.http else 'TCP'}"


def _chain(transport: str, alpn: tuple[str, ...] = (), *, http: bool = False, terminates: bool = False) -> ChainMatch:
    return ChainMatch(transport, alpn, http, terminates)


_HTTP, _TCP = "HTTP", "TCP"

# By what the port speaks and the mode of mutual TLS (getFilterChainMatchOptions).
_CHAINS: Mapping[tuple[str, str], tuple[ChainMatch, ...]] = {
    (_HTTP, STRICT): (_chain(TLS, http=True, terminates=True),),
    (_HTTP, PERMISSIVE): (_chain(TLS, ISTIO_ALPN, http=True, terminates=True), _chain(RAW_BUFFER, http=True)),
    (_HTTP, DISABLE): (_chain(RAW_BUFFER, http=True),),
    (_TCP, STRICT): (_chain(TLS, terminates=True),),
    (_TCP, PERMISSIVE): (_chain(TLS, ISTIO_ALPN, terminates=True), _chain(TLS), _chain(RAW_BUFFER)),
    (_TCP, DISABLE): (_chain(RAW_BUFFER),),
    (AUTO, STRICT): (_chain(TLS, ISTIO_HTTP_ALPN, http=True, terminates=True), _chain(TLS, terminates=True)),
    (AUTO, PERMISSIVE): (
        _chain(TLS, ISTIO_HTTP_ALPN, http=True, terminates=True),
        _chain(RAW_BUFFER, PLAINTEXT_HTTP_ALPN, http=True),
        _chain(TLS, ISTIO_TCP_ALPN, terminates=True),
        _chain(RAW_BUFFER),
        _chain(TLS),
    ),
    (AUTO, DISABLE): (_chain(RAW_BUFFER, PLAINTEXT_HTTP_ALPN, http=True), _chain(RAW_BUFFER)),
}


def chains_for(protocol: str, mode: str) -> tuple[ChainMatch, ...]:
    """The chains of a port that speaks ``protocol`` (of ``port_protocol``) under a mode; UDP ports count as TCP."""
    kind = _HTTP if protocol in HTTP_FAMILY else AUTO if protocol == AUTO else _TCP
    return _CHAINS[kind, mode]


def inspects_tls(chains: Iterable[ChainMatch]) -> bool:
    """Whether the TLS inspector looks at the port's connections; without it TLS looks like any other bytes."""
    return any(chain.transport == TLS for chain in chains)


def inspects_http(chains: Iterable[ChainMatch]) -> bool:
    """Whether the HTTP inspector looks at the port's plaintext connections."""
    return any(alpn in PLAINTEXT_HTTP_ALPN for chain in chains for alpn in chain.alpn)


def match_chain(chains: Iterable[ChainMatch], transport: str, alpn: Iterable[str]) -> ChainMatch | None:
    """The chain that Envoy picks, or None (filter_chain_manager_impl.cc: transport, then ALPN, never back).

    The first of the client's ``alpn`` that any chain names decides; else the chain that names none.
    """
    candidates = [chain for chain in chains if chain.transport == transport]
    by_alpn = {name: chain for chain in candidates for name in chain.alpn}
    named = next((by_alpn[name] for name in alpn if name in by_alpn), None)
    return named or next((chain for chain in candidates if not chain.alpn), None)
