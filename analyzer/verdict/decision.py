"""What the model answers: the verdict, each Envoy's decision in Envoy's words, and the steps that led there."""

from __future__ import annotations

from analyzer.base.fact import Fact
from analyzer.base.place import PacketPlace, YamlPlace

SERVICE_MATCHED = "service-matched"
HEADLESS_MATCHED = "headless-matched"
PASSTHROUGH = "passthrough"
DROPPED = "dropped"

# From the least to the worst: a flow's verdict is the worst of its calls.
VERDICTS = (SERVICE_MATCHED, HEADLESS_MATCHED, PASSTHROUGH, DROPPED)


class Candidate(Fact, frozen=True):
    """Something that was considered and lost: what it is, why it lost, and its line of YAML."""

    name: str
    why: str
    yaml: tuple[YamlPlace, ...] = ()


class Step(Fact, frozen=True):
    """One step of the chain: a sentence, what it stands on, and who lost there.

    An ``aside`` decides nothing. ``code`` names the finding or the reason that the step is, if it is one.
    """

    sentence: str
    packets: tuple[PacketPlace, ...] = ()
    yaml: tuple[YamlPlace, ...] = ()
    lost: tuple[Candidate, ...] = ()
    aside: bool = False
    code: str = ""


class LocalResponse(Fact, frozen=True):
    """Envoy answers by itself: HTTP ``code`` (None for a closed connection) and its access log's response ``flag``."""

    code: int | None
    flag: str | None


class WeightedCluster(Fact, frozen=True):
    """One of several clusters that weights choose between."""

    cluster: str
    weight: int


class Outbound(Fact, frozen=True):
    """The client's sidecar, or a gateway (then ``pod`` names it): listener to cluster, None where not reached."""

    listener: str | None = None
    filter_chain: str | None = None
    route_config: str | None = None
    virtual_host: str | None = None
    route: str | None = None
    cluster: str | None = None
    clusters: tuple[WeightedCluster, ...] = ()
    response: LocalResponse | None = None
    pod: str | None = None


class Inbound(Fact, frozen=True):
    """The server's sidecar. ``mtls`` is whether the chain that took the connection terminated Istio mutual TLS."""

    pod: str | None
    filter_chain: str | None = None
    cluster: str | None = None
    mtls: bool = False
    response: LocalResponse | None = None


class Decision(Fact, frozen=True):
    """One verdict, or None with what is ``undetermined``; ``reason`` is a code's name, None where undetermined."""

    verdict: str | None
    reason: str | None
    undetermined: tuple[str, ...] = ()
    outbound: Outbound | None = None
    gateway: Outbound | None = None
    inbound: Inbound | None = None
    steps: tuple[Step, ...] = ()
