"""Every call of the wires, decided and compared: wires and mesh in, call records out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from analyzer.base.fact import Fact, replace
from analyzer.mesh.redirect import outbound_redirect
from analyzer.protocol.facts import Conversation
from analyzer.verdict.answers import Answers, Desk
from analyzer.verdict.asking import (
    APP_LEG_UNSEEN,
    NO_MESH,
    REQUEST_UNSEEN,
    SOURCE_UNKNOWN,
    connection_question,
    endpoint_of,
    missing_for,
    target_pod,
    with_request,
)
from analyzer.verdict.decision import Decision
from analyzer.verdict.record import CallRecord
from analyzer.verdict.recording import Recorder
from analyzer.verdict.roles import Role, Said, assign_roles
from analyzer.verdict.sealed import decide_sealed
from analyzer.verdict.stitch import Call, Onward, Stitcher, calls_of
from analyzer.verdict.wires import Wire

if TYPE_CHECKING:
    from analyzer.mesh.kinds.pod import Pod
    from analyzer.mesh.snapshot import MeshSnapshot
    from analyzer.verdict.question import Question


class Asked(Fact, frozen=True):
    """A call's record with what was asked about it.

    ``question`` says nothing of the balancer's choice; it is None where no proxy could be asked: something is missing,
    or ``call`` is a sidecar's own connection.
    """

    record: CallRecord
    call: Call
    question: Question | None


class _Judged(Fact, frozen=True):
    """``question`` is the one about the call's connection."""

    call: Call
    decision: Decision
    onward: tuple[Onward, ...]
    question: Question | None = None


def judge(
    spoken: Iterable[tuple[Wire, Conversation]], mesh: MeshSnapshot | None, homes: Mapping[str, str | None]
) -> list[CallRecord]:
    """The records of all calls, numbered in the order of their first packet.

    ``homes`` says by a capture's name in which pod (``namespace/name``) it was taken, where that is known.
    """
    return [record for _, record in _judge_all(spoken, mesh, homes)]


def judge_and_ask(
    spoken: Iterable[tuple[Wire, Conversation]], mesh: MeshSnapshot | None, homes: Mapping[str, str | None]
) -> list[Asked]:
    """What ``judge`` gives, each record with its question, so that another mesh can be asked the same."""
    return [Asked(record, judged.call, _question_of(judged)) for judged, record in _judge_all(spoken, mesh, homes)]


def _judge_all(
    spoken: Iterable[tuple[Wire, Conversation]], mesh: MeshSnapshot | None, homes: Mapping[str, str | None]
) -> Iterator[tuple[_Judged, CallRecord]]:
    proxied = [pod for pod in mesh.pods if pod.has_sidecar or pod.is_gateway] if mesh else []
    said = assign_roles(spoken, frozenset(ip for pod in proxied for ip in pod.ips))
    pods = {capture: _pod_named(mesh, name) for capture, name in homes.items()}
    judge_ = _Judge(mesh, said, pods)
    judged = [judged for s in said for judged in judge_.calls_on(s)]
    judged += judge_.orphans()
    judged.sort(key=lambda j: (j.call.begin_ns, j.call.said.wire.client, j.call.ordinal, j.call.said.wire.main.capture))
    recorder = Recorder(mesh, pods)
    return ((j, recorder.record(str(n), j.call, j.decision, j.onward)) for n, j in enumerate(judged, 1))


def _question_of(judged: _Judged) -> Question | None:
    connection, request = judged.question, judged.call.asked
    return with_request(connection, request) if connection and request else connection


def _pod_named(mesh: MeshSnapshot | None, name: str | None) -> Pod | None:
    namespace, _, own = (name or "").partition("/")
    return mesh.pod(namespace, own) if mesh else None


class _Judge:
    """Decides the calls of a run, in order."""

    def __init__(self, mesh: MeshSnapshot | None, said: Sequence[Said], homes: Mapping[str, Pod | None]) -> None:
        self._mesh = mesh
        self._homes = homes
        self._said = said
        gateways = frozenset(ip for pod in mesh.pods if pod.is_gateway for ip in pod.ips) if mesh else frozenset[str]()
        self._reached_gateways = gateways & {server.ip for s in said for server in s.wire.servers}
        self._stitcher = Stitcher(said, gateways)
        self._answers = Answers(mesh) if mesh else None
        self._latest: tuple[Said, Desk | None] | None = None
        self._app_addresses = {s.wire.client.ip for s in said if s.role is Role.APP}
        self._called_addresses = {server.ip for s in said if s.role is not Role.DELIVERY for server in s.wire.servers}

    def calls_on(self, said: Said) -> list[_Judged]:
        """The calls of an application's own connection; none for a sidecar's."""
        if said.role not in (Role.APP, Role.DIRECT):
            return []
        return [self._judge(call) for call in calls_of(said)]

    def orphans(self) -> list[_Judged]:
        """Sidecars' connections that carried no call of the captures, as records of their own.

        An application that iptables lets past the sidecar looks like one; the mesh tells them apart.
        """
        left = [s for s in self._said if s.role is Role.UPSTREAM and not self._stitcher.was_given(s)]
        result: list[_Judged] = []
        for said in left:
            if said.wire.connection.redirect_port == 0 and self._is_bypass(said):
                result += [self._judge(call) for call in calls_of(replace(said, role=Role.DIRECT))]
            elif said.wire.client.ip not in self._app_addresses | self._reached_gateways:
                result += [self._judge_orphan(call) for call in calls_of(said)]
        return result + [self._unasked(call) for said in self._lone_deliveries() for call in calls_of(said)]

    def _lone_deliveries(self) -> list[Said]:
        """Deliveries to applications whose sidecar nobody is seen to call: captures of lo alone."""
        deliveries = (s for s in self._said if s.role is Role.DELIVERY)
        return [s for s in deliveries if s.wire.connection.server.ip not in self._called_addresses]

    def _is_bypass(self, said: Said) -> bool:
        """Whether an application opened it: no sidecar is there to do so, or the redirect lets the application by."""
        if self._mesh is None:
            return not said.istio_mtls and said.wire.client.ip not in self._app_addresses
        source = self._mesh.pod_at(said.wire.client.ip)
        if source is None:
            target = target_pod(said, self._mesh)
            return not said.istio_mtls or (target is not None and target.is_gateway)
        if not source.has_sidecar:
            return not source.is_gateway
        server = said.wire.sightings[0].connection.server
        if outbound_redirect(self._mesh, source, server.ip, server.port).captured:
            return False
        # Istio's ALPN is a sidecar's mark that any client can make; a sidecar opens a connection only for a call.
        return not said.istio_mtls or self._opened_for_nobody(said)

    def _opened_for_nobody(self, said: Said) -> bool:
        """Whether the pod's calls were all captured, and none was under way when the connection was opened."""
        client = said.wire.client.ip
        return client in self._app_addresses and not self._stitcher.anyone_calling(client, said.wire.first_ns)

    def _judge(self, call: Call) -> _Judged:
        decision, desk = self._first_answer(call)
        cluster = decision.outbound.cluster if decision.outbound else None
        upstream = self._stitcher.upstream_of(call, cluster) if call.said.role is Role.APP else None
        beyond = self._beyond_gateway(call, upstream, decision)
        delivery = self._stitcher.delivery_of(call, beyond or upstream)
        endpoint = endpoint_of(call, upstream, delivery, self._mesh) if self._mesh and beyond is None else None
        if desk is not None and endpoint is not None:
            decision = desk.answer(call.asked, endpoint)
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
        return (desk.answer(call.asked), desk) if desk else (Decision(None, None, (SOURCE_UNKNOWN.name,)), None)

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
        return _Judged(call, decision, onward) if decision else self._unasked(call, onward)

    def _unasked(self, call: Call, onward: tuple[Onward, ...] = ()) -> _Judged:
        """A sidecar's connection alone does not show what the application asked; nor do answers alone."""
        half = call.said.wire.connection.client_packets == 0
        lacking = NO_MESH if self._mesh is None else REQUEST_UNSEEN if half else APP_LEG_UNSEEN
        return _Judged(call, Decision(None, None, (lacking.name,)), onward)
