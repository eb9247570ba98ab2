"""The seam between the two sides of a call: what arrives at a pod, and what its sidecar makes of it."""

from __future__ import annotations

from analyzer.base.fact import Fact, replace
from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.decision import Inbound, Step
from analyzer.verdict.question import Question

# What the inbound side found the port to be, for the class of calls whose source has no sidecar.
SERVICE_PORT = "service"  # inbound|PORT||, some Service with an address selects the pod there
HEADLESS_PORT = "headless"  # inbound|PORT||, only headless Services do
PASSTHROUGH_PORT = "passthrough"  # InboundPassthroughCluster
NO_SIDECAR = "no-sidecar"  # nobody between the wire and the application

REQUEST_SEALED = Code(
    "request-sealed",
    Family.UNDETERMINED,
    Level.INFO,
    "the request is inside TLS that the proxy ends",
    "A gateway routes by the request's host and path, a sidecar allows by them, or refuses what is no request at all; "
    "only its own memory holds them in the clear. The connection's server name and protocols, and whether the "
    "handshake was refused, are all that a capture shows.",
    "Capture in the client's pod too (tcpdump -i any), or ask for the request with `meshverdict route`.",
)


class Arrival(Fact, frozen=True):
    """A connection, or a request on it, as it reaches a pod from the wire.

    ``address`` and ``port`` are its destination there. ``tls`` is ``plaintext``, ``tls`` or ``mtls`` (Istio's own, from
    a client's sidecar); ``alpn`` and ``sni`` are of that TLS. ``protocol`` is ``http``, ``http/1.0``, ``http2`` or
    ``tcp``: what is said, inside Istio's mutual TLS where there is one; a client sidecar that carried HTTP as TCP says
    so by its ``alpn``. ``peer`` is the client's pod or None, ``client`` its address or empty; ``headers`` have
    lower-case names. ``sealed``: what is said inside the TLS is not known, so that ``protocol`` and the request fields
    prove nothing. ``inspected``, ``head_cut``, ``refused`` and ``scheme`` as in a ``Question``.
    """

    pod: Pod
    address: str
    port: int
    tls: str = "plaintext"
    alpn: tuple[str, ...] = ()
    sni: str | None = None
    protocol: str = "http"
    host: str | None = None
    path: str = "/"
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    peer: Pod | None = None
    server_first: bool = False
    client_silent: bool = False
    sealed: bool = False
    client: str = ""
    inspected: str | None = None
    head_cut: bool = False
    refused: int | None = None
    scheme: str | None = None


class InboundDecision(Fact, frozen=True):
    """What the pod's sidecar does with an arrival.

    ``inbound`` is None where no sidecar takes it. ``port_class`` is one of the constants above, None where dropped
    before a cluster was chosen. ``dropped`` with its ``reason`` (a code's name); ``undetermined``: what is missing.
    """

    inbound: Inbound | None
    dropped: bool = False
    reason: str | None = None
    port_class: str | None = None
    undetermined: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    protocol_error: bool = False

    def doubted(self, codes: tuple[str, ...], steps: tuple[Step, ...]) -> InboundDecision:
        """The decision without its end, for what ``codes`` say."""
        missing = (*self.undetermined, *codes)
        return replace(self, dropped=False, reason=None, undetermined=missing, steps=(*self.steps, *steps))


def asked_arrival(mesh: MeshSnapshot, pod: Pod, question: Question) -> Arrival:
    """What arrives at ``pod`` where the question is about that pod's own proxy."""
    namespace, _, name = (question.peer or "").partition("/")
    return Arrival(
        pod=pod,
        address=question.address,
        port=question.port,
        tls=question.tls,
        alpn=question.alpn,
        sni=question.sni,
        protocol=question.protocol,
        host=question.host,
        path=question.path,
        method=question.method,
        headers=question.headers,
        peer=mesh.pod(namespace, name) if question.peer else None,
        server_first=question.server_first,
        client_silent=question.client_silent,
        client=question.client,
        sealed=question.sealed,
        inspected=question.inspected,
        head_cut=question.head_cut,
        refused=question.refused,
        scheme=question.scheme,
    )
