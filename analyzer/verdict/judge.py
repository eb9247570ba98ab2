"""Every call of the wires, decided and compared: wires and mesh in, call records out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from analyzer.base.fact import Fact, replace
from analyzer.base.pages import letting_go
from analyzer.base.watch import UNWATCHED, Watch
from analyzer.mesh.endpoints import may_be_dialled
from analyzer.mesh.history import Meshes, MeshHistory
from analyzer.mesh.kinds.mesh_config import LOCALHOST
from analyzer.mesh.redirect import outbound_redirect
from analyzer.protocol.facts import Conversation
from analyzer.verdict.answers import Answers, Desk
from analyzer.verdict.arrival import REQUEST_SEALED
from analyzer.verdict.asking import (
    APP_LEG_UNSEEN,
    NO_MESH,
    REQUEST_UNSEEN,
    SENDER_UNKNOWN,
    SOURCE_UNKNOWN,
    connection_question,
    endpoint_of,
    may_be_led_back,
    may_have_come_back,
    missing_for,
    target_pod,
    unproven,
    with_request,
)
from analyzer.verdict.beside import NOTHING_BESIDE, Beside
from analyzer.verdict.call import Call, Onward, calls_of
from analyzer.verdict.decision import Decision
from analyzer.verdict.reasons import BALANCED
from analyzer.verdict.record import CallRecord
from analyzer.verdict.recording import Recorder
from analyzer.verdict.roles import Role, Said, assign_roles
from analyzer.verdict.sealed import decide_sealed
from analyzer.verdict.traffic import Traffic, gateways_of
from analyzer.verdict.wires import WIRES_AT_ONCE, Sighting, Wire, buffers_of

if TYPE_CHECKING:
    from analyzer.mesh.kinds.pod import Pod
    from analyzer.mesh.snapshot import MeshSnapshot
    from analyzer.verdict.question import Question


# The share of a run's time, once its connections are there, until all is read that was said, and until it is decided.
SPEAKING = 0.3
_DECIDING = 0.8


class Asked(Fact, frozen=True):
    """A call's record with what was asked about it.

    ``question`` says nothing of the balancer's choice; it is None where no proxy could be asked: something is missing,
    or ``call`` is a sidecar's own connection. ``onward`` are the legs that carried it. Of a run that was saved only
    record and question are left.
    """

    record: CallRecord
    call: Call | None
    question: Question | None
    onward: tuple[Onward, ...] = ()


class _Judged(Fact, frozen=True):
    """``question`` is the one about the call's connection."""

    call: Call
    decision: Decision
    onward: tuple[Onward, ...]
    question: Question | None = None


def judge(
    spoken: Iterable[tuple[Wire, Conversation]],
    mesh: Meshes | None,
    homes: Mapping[str, str | None],
    watch: Watch = UNWATCHED,
    beside: Beside = NOTHING_BESIDE,
    answers: Answers | None = None,
) -> list[CallRecord]:
    """The records of all calls, numbered in the order of their first packet.

    ``homes`` says by a capture's name in which pod (``namespace/name``) it was taken, where that is known; ``beside``
    tells of wires that are judged elsewhere. ``answers`` are those of ``mesh``, where others asked it before.
    """
    return [record for _, record in _judge_all(spoken, mesh, homes, watch, beside, answers)]


def judge_and_ask(
    spoken: Iterable[tuple[Wire, Conversation]],
    mesh: Meshes | None,
    homes: Mapping[str, str | None],
    watch: Watch = UNWATCHED,
) -> list[Asked]:
    """What ``judge`` gives, each record with its question, so that another mesh can be asked the same."""
    everything = _judge_all(spoken, mesh, homes, watch)
    return [Asked(record, judged.call, _question_of(judged), judged.onward) for judged, record in everything]


def _judge_all(
    spoken: Iterable[tuple[Wire, Conversation]],
    mesh: Meshes | None,
    homes: Mapping[str, str | None],
    watch: Watch,
    beside: Beside = NOTHING_BESIDE,
    answers: Answers | None = None,
) -> Iterator[tuple[_Judged, CallRecord]]:
    history = mesh if isinstance(mesh, MeshHistory) else None
    meshes = [era.mesh for era in history.eras] if history else [None if isinstance(mesh, MeshHistory) else mesh]
    era_of = history.index_at if history else (lambda _: 0)
    all_said = _with_roles(spoken, meshes, era_of, homes, beside)
    traffic = Traffic(all_said, [each for each in meshes if each], beside)
    asked_before = [answers if len(meshes) == 1 else None for _ in meshes]
    courts = [
        _Judge(each, traffic, {name: _pod_named(each, pod) for name, pod in homes.items()}, known)
        for each, known in zip(meshes, asked_before, strict=True)
    ]
    asked = watch.part(SPEAKING, _DECIDING).over("verdicts", list(traffic.calls()), may_end=True)
    calls = letting_go(asked, buffers_of(said.wire for said in all_said), every=WIRES_AT_ONCE)
    judged = [courts[era_of(call.begin_ns)].judge(call) for call in calls]
    for said in traffic.lone_upstreams():
        judged += courts[era_of(said.wire.first_ns)].orphans(said)
    judged += [courts[era_of(c.begin_ns)].unasked(c) for s in traffic.lone_deliveries() for c in calls_of(s)]
    judged.sort(key=lambda j: (j.call.begin_ns, j.call.said.wire.client, j.call.ordinal, j.call.said.wire.main.capture))
    return (
        (j, courts[era_of(j.call.begin_ns)].recorder.record(str(n), j.call, j.decision, j.onward))
        for n, j in enumerate(watch.part(_DECIDING, 1.0).over("verdicts", judged), 1)
    )


def _with_roles(
    spoken: Iterable[tuple[Wire, Conversation]],
    meshes: Sequence[MeshSnapshot | None],
    era_of: Callable[[int], int],
    homes: Mapping[str, str | None],
    beside: Beside,
) -> list[Said]:
    """Every wire with its role in the mesh of its time; wires come in the order of time, and so do meshes."""
    by_era: list[list[tuple[Wire, Conversation]]] = [[] for _ in meshes]
    for pair in spoken:
        by_era[era_of(pair[0].first_ns)].append(pair)
    return [
        said
        for mesh, pairs in zip(meshes, by_era, strict=True)
        for said in assign_roles(pairs, _proxied_in(mesh) | beside.apps, _delivered_locally(mesh, homes))
    ]


def _delivered_locally(mesh: MeshSnapshot | None, homes: Mapping[str, str | None]) -> dict[str, str]:
    """The captures of pods whose sidecars deliver to 127.0.0.1, with the pod's address."""
    if mesh is None or mesh.config.inbound_policy != LOCALHOST:
        return {}
    pods = ((capture, _pod_named(mesh, name)) for capture, name in homes.items())
    return {capture: pod.ips[0] for capture, pod in pods if pod is not None and pod.has_sidecar and pod.ips}


def _proxied_in(mesh: MeshSnapshot | None) -> frozenset[str]:
    proxied = [pod for pod in mesh.pods if pod.has_sidecar or pod.is_gateway] if mesh else []
    return frozenset(ip for pod in proxied for ip in pod.ips)


def _as_proven(call: Call, decision: Decision) -> Decision:
    """The decision, without a verdict where that stands on what the packets do not show."""
    lacking = unproven(call, decision)
    return replace(decision, verdict=None, reason=None, undetermined=lacking) if lacking else decision


def _question_of(judged: _Judged) -> Question | None:
    connection, request = judged.question, judged.call.asked
    return with_request(connection, request) if connection and request else connection


def _pod_named(mesh: MeshSnapshot | None, name: str | None) -> Pod | None:
    namespace, _, own = (name or "").partition("/")
    return mesh.pod(namespace, own) if mesh else None


def _on_every_interface(sighting: Sighting) -> bool:
    """Whether its capture names the interface of each packet, as only those of all interfaces do (cooked mode)."""
    return bool(sighting.connection.ifindexes)


def _is_shown(upstream: Onward | None, delivery: Onward | None) -> bool:
    """Whether the packets show which pod the balancer chose, beyond doubt."""
    return upstream is None or upstream.certain or (delivery is not None and delivery.certain)


class _Judge:
    """Decides calls by one mesh, in order."""

    def __init__(
        self,
        mesh: MeshSnapshot | None,
        traffic: Traffic,
        homes: Mapping[str, Pod | None],
        answers: Answers | None = None,
    ) -> None:
        self._mesh = mesh
        self._homes = homes
        self._traffic = traffic
        self._reached_gateways = gateways_of(mesh) & traffic.called_servers
        self._stitcher = traffic.stitcher
        self._answers = (answers or Answers(mesh)) if mesh else None
        self._latest: tuple[Said, Desk | None] | None = None
        self._lo_addresses = frozenset(traffic.lo_addresses).union(
            *(pod.ips for name, pod in homes.items() if pod is not None and name in traffic.lo_captures)
        )
        self.recorder = Recorder(mesh, homes)

    def orphans(self, said: Said) -> list[_Judged]:
        """The calls of a sidecar's connection that carried none of the captures' calls, as records of their own.

        An application that iptables lets past the sidecar looks like one; the mesh tells them apart.
        """
        if said.wire.connection.redirect_port == 0 and self._is_bypass(said):
            direct = calls_of(replace(said, role=Role.DIRECT))
            return (
                [self._unsent(call) for call in direct] if self._may_be_relayed(said) else list(map(self.judge, direct))
            )
        if said.wire.client.ip in self._traffic.app_addresses | self._reached_gateways:
            return []
        return [self._judge_orphan(call) for call in calls_of(said)]

    def _is_bypass(self, said: Said) -> bool:
        """Whether an application opened it: no sidecar is there to do so, or the redirect lets the application by."""
        if self._mesh is None:
            return not said.istio_mtls and said.wire.client.ip not in self._traffic.app_addresses
        source = self._mesh.pod_at(said.wire.client.ip)
        if source is None:
            target = target_pod(said, self._mesh)
            return not said.istio_mtls or (target is not None and target.is_gateway)
        if not source.has_sidecar:
            return not source.is_gateway
        # A Service's address is what was dialled, also where its sighting begins later than one behind the node.
        servers = [each.connection.server for each in said.wire.sightings]
        server = next((each for each in servers if self._mesh.pod_at(each.ip) is None), servers[0])
        if said.carries_marks or outbound_redirect(self._mesh, source, server.ip, server.port).captured:
            return False
        if said.istio_mtls:
            # A sidecar's mark that any client can make; a sidecar opens a connection only for a call.
            return self._shows_lo(said.wire, source) and self._opened_for_nobody(said)
        # Where the pod's lo was not captured, it may have been a call to a Service, and this its sidecar's connection.
        return self._shows_lo(said.wire, source) or not may_be_dialled(self._mesh, server.ip)

    def _shows_lo(self, wire: Wire, source: Pod) -> bool:
        """Whether captures of a pod would show the call, on its lo, for which its sidecar had opened a wire.

        They do not where they began later than the wire did, or ended before, or where their filter may have left the
        call out, whatever else they show of lo. Where no capture shows anything of lo filters may have left out all.
        """
        homes = (each for each in wire.sightings if self._is_of(each.capture, source))
        at_home = [each for each in homes if each.capture not in self._traffic.narrow]
        everywhere = bool(self._traffic.lo_captures) and any(map(_on_every_interface, at_home))
        return bool(at_home) and (everywhere or not self._lo_addresses.isdisjoint(source.ips))

    def _is_of(self, capture: str, pod: Pod) -> bool:
        """Whether a capture was taken in a pod."""
        return self._homes.get(capture) is pod or not self._traffic.lo_of.get(capture, set()).isdisjoint(pod.ips)

    def _may_be_relayed(self, said: Said) -> bool:
        """Whether a sidecar may have opened what looks like a call past it, for another call of its pod."""
        source = self._mesh.pod_at(said.wire.client.ip) if self._mesh else None
        if source is None or not source.has_sidecar:
            return False
        return self._traffic.lost_beside(said) or self._traffic.led_beside(said)

    def _unsent(self, call: Call) -> _Judged:
        return _Judged(call, Decision(None, None, (SENDER_UNKNOWN.name,)), ())

    def _opened_for_nobody(self, said: Said) -> bool:
        """Whether the pod's calls were all captured, and none was under way when the connection was opened."""
        client = said.wire.client.ip
        return client in self._traffic.app_addresses and not self._stitcher.anyone_calling(client, said.wire.first_ns)

    def judge(self, call: Call) -> _Judged:
        """A call of an application's own connection, with the legs that carried it."""
        if may_be_led_back(call.said):
            return self._unsent(call)
        decision, desk = self._first_answer(call)
        outbound = decision.outbound
        cluster = outbound.cluster if outbound else None
        opaque = outbound is not None and cluster is not None and outbound.route_config is None
        app = call.said.role is Role.APP
        upstream = self._stitcher.upstream_of(call, cluster, opaque=opaque) if app else None
        if app and cluster is not None:
            self._traffic.leads(call, cluster)
        beyond = self._beyond_gateway(call, upstream, decision)
        delivery = self._stitcher.delivery_of(call, beyond or upstream)
        endpoint = endpoint_of(call, upstream, delivery, self._mesh) if self._mesh and beyond is None else None
        if desk is not None and endpoint is not None:
            chosen = desk.answer(call.asked, endpoint)
            # Where a leg may be another call's, the pod that it leads to decides nothing.
            decision = chosen if _is_shown(upstream, delivery) or decision.verdict == chosen.verdict else decision
        elif self._mesh is not None and decision.verdict and may_have_come_back(call.said, self._mesh):
            decision = replace(decision, verdict=None, reason=None, undetermined=(BALANCED.name,))
        decision = _as_proven(call, decision)
        onward = tuple(leg for leg in (upstream, beyond, delivery) if leg is not None)
        return _Judged(call, decision, onward, desk.connection if desk else None)

    def _beyond_gateway(self, call: Call, upstream: Onward | None, decision: Decision) -> Onward | None:
        """The leg by which a gateway passed the call on, where the call reached one."""
        via = upstream.said if upstream else call.said
        address = next((server.ip for server in via.wire.servers if server.ip in self._reached_gateways), None)
        if address is None:
            return None
        cluster = decision.gateway.cluster if decision.gateway else None
        return self._stitcher.through_gateway(call, via, address, cluster)

    def _first_answer(self, call: Call) -> tuple[Decision, Desk | None]:
        if self._answers is None:
            return Decision(None, None, (NO_MESH.name,)), None
        missing = missing_for(call)
        if missing:
            return Decision(None, None, missing), None
        desk = self._desk_of(call.said)
        if desk is None:
            return Decision(None, None, (SOURCE_UNKNOWN.name,)), None
        decision = desk.answer(call.asked)
        opened = self._opened_answer(call, desk) if decision.undetermined == (REQUEST_SEALED.name,) else None
        return opened or (decision, desk)

    def _opened_answer(self, call: Call, desk: Desk) -> tuple[Decision, Desk] | None:
        """The answer where an Envoy ends the TLS and a key log shows what it was asked; None unless all ends alike."""
        requests = [exchange.request for exchange in call.said.exchanges if exchange.request is not None]
        if self._answers is None or not requests:
            return None
        questions = (replace(with_request(desk.connection, request), sealed=False) for request in requests)
        desks = [self._answers.about(question) for question in dict.fromkeys(questions)]
        decisions = [each.answer(None) for each in desks]
        ends = {(each.verdict, each.reason, each.undetermined, each.gateway) for each in decisions}
        return (decisions[0], desks[0]) if len(ends) == 1 else None

    def _desk_of(self, said: Said) -> Desk | None:
        """Who answers about a connection; the calls of one come one after the other."""
        if self._mesh is None or self._answers is None:
            return None
        if self._latest is None or self._latest[0] is not said:
            question = connection_question(said, self._mesh, self._homes.get(said.wire.main.capture))
            self._latest = said, self._answers.about(question) if question else None
        return self._latest[1]

    def _judge_orphan(self, call: Call) -> _Judged:
        delivery = self._stitcher.delivery_of(call, None)
        onward = (delivery,) if delivery else ()
        decision = decide_sealed(self._mesh, call, target_pod(call.said, self._mesh)) if self._mesh else None
        return _Judged(call, _as_proven(call, decision), onward) if decision else self.unasked(call, onward)

    def unasked(self, call: Call, onward: tuple[Onward, ...] = ()) -> _Judged:
        """A sidecar's connection alone does not show what the application asked; nor do answers alone."""
        half = call.said.wire.connection.client_packets == 0
        lacking = NO_MESH if self._mesh is None else REQUEST_UNSEEN if half else APP_LEG_UNSEEN
        return _Judged(call, Decision(None, None, (lacking.name,)), onward)
