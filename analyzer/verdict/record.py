"""One call of a run: the facts, the decision, what was observed, and the legs that carried it."""

from __future__ import annotations

from analyzer.base.fact import Fact
from analyzer.base.oddity import Code
from analyzer.base.place import PacketPlace, YamlPlace
from analyzer.flow.connection import Endpoint
from analyzer.flow.udp import UdpFlow
from analyzer.verdict.decision import Decision, Step

APP_TO_SIDECAR = "app-to-sidecar"
SIDECAR_TO_UPSTREAM = "sidecar-to-upstream"
SIDECAR_TO_APP = "sidecar-to-app"
DIRECT = "direct"


class Leg(Fact, frozen=True):
    """A connection on the wire that carried the call; not ``certain`` where addresses and times only suggest it."""

    role: str
    capture: str
    client: Endpoint
    server: Endpoint
    first_packet: int
    last_packet: int
    sni: str | None = None
    certain: bool = True
    uid: str = ""


class Observed(Fact, frozen=True):
    """What the packets show.

    ``outcome`` is one word: ``answered``, ``local-reply``, ``reset``, ``closed``, ``refused``, ``no-answer``,
    ``tls-alert`` or ``open``. ``answered_by`` is ``app``, ``envoy`` or None. ``agrees`` compares it with the
    decision: True, False, or None where the packets cannot tell; ``why`` is the sentence for False.
    """

    status: int | None = None
    answered_by: str | None = None
    closed_by: str | None = None
    tls_alert: str | None = None
    grpc_status: int | None = None
    outcome: str = "open"
    agrees: bool | None = None
    why: str = ""


class InsideRequest(Fact, frozen=True):
    """A request that a key log shows inside a call's TLS, with its status where it was answered."""

    method: str
    host: str | None
    path: str
    status: int | None = None


class CallRecord(Fact, frozen=True):
    """One call, however many captures and legs saw it. Field meanings as in the documentation of ``-o jsonl``.

    ``packets`` maps a capture to its first and last packet; ``first_ns`` / ``last_ns`` since the epoch.
    ``pod`` and ``server_pod`` are ``namespace/name`` where the mesh knows the address. ``decision`` is the mesh's, and
    shared by calls that were decided alike; the packets add what they show ``before`` and ``after`` its steps.
    ``request_id`` is the ``x-request-id`` that any leg shows: Envoy gives one to a request that has none. ``inside``
    are the first requests inside TLS, where a key log opens it: no Envoy that passed the TLS on decided by them.
    """

    id: str
    captures: tuple[str, ...]
    packets: tuple[tuple[str, int, int], ...]
    pod: str | None
    client: Endpoint
    server: Endpoint
    server_pod: str | None
    request: int
    protocol: str
    host: str | None
    method: str | None
    path: str | None
    sni: str | None
    alpn: tuple[str, ...]
    decision: Decision
    observed: Observed
    legs: tuple[Leg, ...]
    first_ns: int
    last_ns: int
    uid: str
    community_id: str
    conn_state: str
    history: str
    before: tuple[Step, ...] = ()
    after: tuple[Step, ...] = ()
    request_id: str | None = None
    inside: tuple[InsideRequest, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """The whole chain."""
        return (*self.before, *self.decision.steps, *self.after)


class MovedCall(Fact, frozen=True):
    """A call that ends elsewhere in another mesh or run; ``yaml`` are the lines that moved it, in either.

    ``before`` is None for a call that is new, ``after`` for one that is gone.
    """

    call: CallRecord
    before: Decision | None
    after: Decision | None
    yaml: tuple[YamlPlace, ...] = ()


class FlowRecord(Fact, frozen=True):
    """One connection of one capture as Zeek's conn.log would tell it, with the worst verdict of its calls."""

    uid: str
    community_id: str
    capture: str
    client: Endpoint
    server: Endpoint
    protocol: str
    verdict: str | None
    calls: int
    first_ns: int
    last_ns: int
    client_packets: int
    server_packets: int
    client_bytes: int
    server_bytes: int
    missed_bytes: int
    conn_state: str
    history: str


class Finding(Fact, frozen=True):
    """Something a person should look at: one sentence, how many calls, where it stands. Heaviest first in a run."""

    code: Code
    sentence: str
    calls: tuple[str, ...]
    yaml: tuple[YamlPlace, ...] = ()
    packets: tuple[PacketPlace, ...] = ()
    advice: str = ""
    first_ns: int = 0


class CaptureRecord(Fact, frozen=True):
    """What a capture is and how well it can be read. ``fates`` counts records by the names in ``FATE_NAMES``.

    ``udp`` is what went past the mesh: iptables redirects TCP alone.
    """

    name: str
    format: str
    pod: str | None
    vantage: str
    link_types: tuple[str, ...]
    records: int
    bytes: int
    first_ns: int
    last_ns: int
    connections: int
    calls: int
    fates: tuple[tuple[str, int], ...]
    complete: bool
    oddities: tuple[str, ...]
    error: str | None = None
    udp: tuple[UdpFlow, ...] = ()


class MeshRecord(Fact, frozen=True):
    """What the mesh input held: resources by kind, unknown kinds, what was odd about it, and what could not be used."""

    sources: tuple[str, ...]
    kinds: tuple[tuple[str, int], ...]
    ignored: tuple[tuple[str, int], ...]
    oddities: tuple[str, ...]
    errors: tuple[str, ...] = ()


class Analysis(Fact, frozen=True):
    """A run. ``calls`` in the order of their first packet; ``mesh`` is None without mesh input."""

    calls: tuple[CallRecord, ...]
    flows: tuple[FlowRecord, ...]
    findings: tuple[Finding, ...]
    captures: tuple[CaptureRecord, ...]
    mesh: MeshRecord | None
    limits: tuple[str, ...] = ()


class WhatIf(Fact, frozen=True):
    """A run held against another mesh: the calls that move, in the order of the captures.

    ``old`` is what the mesh of the recording held, ``new`` what the other one did. Of the ``calls`` that were
    asked, ``undecided`` have no verdict in either.
    """

    moves: tuple[MovedCall, ...]
    calls: int
    undecided: int
    captures: tuple[CaptureRecord, ...] = ()
    old: MeshRecord | None = None
    new: MeshRecord | None = None
    limits: tuple[str, ...] = ()
