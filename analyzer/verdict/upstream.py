"""What an Envoy sends on: its decision, and the addresses that its connection may go to."""

from __future__ import annotations

from analyzer.base.fact import Fact
from analyzer.mesh.endpoints import Endpoint
from analyzer.mesh.outbound.request import HttpRequest
from analyzer.verdict.decision import Outbound, Step

# A workload's identity: trust domain, namespace, service account.
SPIFFE = "spiffe://{}/ns/{}/sa/{}"


class Target(Fact, frozen=True):
    """An address that a connection may go to, and what it looks like on the wire.

    ``tls``, ``alpn``, ``sni`` and ``protocol`` as in ``Arrival``. ``endpoint`` is None where the address is the one
    that the client dialled. ``identities`` are the SPIFFE names that the server's certificate must have one of; empty
    where none is asked for. ``originated``: the TLS is this proxy's own, not the application's; ``certified``: with a
    certificate that a rule names.
    """

    address: str
    port: int
    tls: str
    protocol: str
    alpn: tuple[str, ...] = ()
    sni: str | None = None
    endpoint: Endpoint | None = None
    identities: frozenset[str] = frozenset()
    originated: bool = False
    certified: bool = False


class OutboundDecision(Fact, frozen=True):
    """A client's sidecar, or a gateway: where it sends a call, or that it ends there.

    ``verdict`` and ``reason`` are its class, None where ``undetermined``. ``targets`` are all that its balancer may
    choose; empty where the call ends here or the address cannot be known. ``request`` is what it forwards, None for
    other bytes. ``alternatives`` are the decisions between which weights choose. ``retries``: how many
    others of the targets are tried, one after the other, where a connection fails.
    """

    outbound: Outbound
    verdict: str | None
    reason: str | None
    undetermined: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    request: HttpRequest | None = None
    steps: tuple[Step, ...] = ()
    alternatives: tuple[OutboundDecision, ...] = ()
    retries: int = 0

    def doubted(self, codes: tuple[str, ...], steps: tuple[Step, ...]) -> OutboundDecision:
        """The decision without its verdict, for what ``codes`` say, and without what would come behind it."""
        before = () if self.alternatives else self.undetermined
        missing = (*before, *codes)
        return OutboundDecision(self.outbound, None, None, missing, request=self.request, steps=(*self.steps, *steps))
