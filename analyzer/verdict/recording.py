"""Judged calls to records: what a connection's calls have in common is put together once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from analyzer.base.fact import Fact, replace
from analyzer.verdict.agreement import compare_with
from analyzer.verdict.asking import source_pod, target_pod
from analyzer.verdict.call import Call, Onward
from analyzer.verdict.decision import Decision, Step
from analyzer.verdict.inside import inside_of, inside_steps
from analyzer.verdict.observed import observe
from analyzer.verdict.record import SIDECAR_TO_APP, SIDECAR_TO_UPSTREAM, CallRecord, Leg, Observed
from analyzer.verdict.roles import Role, Said
from analyzer.verdict.telling import after_decision, asked_step, legs_of, onward_legs, packets_of, redirected_steps

if TYPE_CHECKING:
    from analyzer.mesh.kinds.pod import Pod
    from analyzer.mesh.snapshot import MeshSnapshot
    from analyzer.protocol.facts import Request

_ONWARD_ROLES = {Role.UPSTREAM: SIDECAR_TO_UPSTREAM, Role.DELIVERY: SIDECAR_TO_APP}


class _Common(Fact, frozen=True):
    """What the records of one connection's calls share; ``who`` is the client in a person's words."""

    pod: str | None
    server_pod: str | None
    who: str
    captures: tuple[str, ...]
    legs: tuple[Leg, ...]
    redirected: tuple[Step, ...]
    sni: str | None
    alpn: tuple[str, ...]


class Recorder:
    """Makes the records of calls; equal observations are one object."""

    def __init__(self, mesh: MeshSnapshot | None, homes: Mapping[str, Pod | None]) -> None:
        self._mesh = mesh
        self._homes = homes
        self._common: dict[int, tuple[Said, _Common]] = {}
        self._observed: dict[tuple[Observed, bool | None, str], Observed] = {}

    def record(self, number: str, call: Call, decision: Decision, onward: tuple[Onward, ...]) -> CallRecord:
        """The record of a call that was decided and carried onward."""
        said, request = call.said, call.request
        common, connection = self._common_of(said), said.wire.connection
        observed = self.observe(call, decision, onward)
        legs = (*common.legs, *_onward_legs(onward)) if onward else common.legs
        alone = not onward and len(common.captures) == 1
        first_ns, last_ns = call.begin_ns, call.end_ns
        first, last = packets_of(call)
        return CallRecord(
            id=number,
            captures=tuple(sorted({leg.capture for leg in legs})) if onward else common.captures,
            packets=((common.captures[0], first, last),) if alone else _packets(said, legs, first, last),
            pod=common.pod,
            client=connection.client,
            server=said.wire.sightings[0].connection.server,
            server_pod=common.server_pod,
            request=call.ordinal,
            protocol=request.version if request else said.conversation.protocol,
            host=request.host if request else None,
            method=request.method if request else None,
            path=request.target if request else None,
            sni=common.sni or _inner_sni(call),
            alpn=common.alpn,
            decision=decision,
            observed=observed,
            legs=legs,
            first_ns=first_ns,
            last_ns=max(last_ns, first_ns),
            uid=connection.uid,
            community_id=connection.community_id,
            conn_state=connection.conn_state,
            history=connection.history,
            before=(asked_step(call, common.who), *common.redirected),
            after=(*inside_steps(call), *after_decision(call, observed, onward, last)),
            request_id=_request_id(request, onward) if request else None,
            inside=inside_of(call),
        )

    def forget_connections(self) -> None:
        """Let go of the connections whose calls were recorded."""
        self._common.clear()

    def _common_of(self, said: Said) -> _Common:
        known = self._common.get(id(said))
        if known is None:
            known = self._common[id(said)] = said, self._build(said)
        return known[1]

    def _build(self, said: Said) -> _Common:
        mesh = self._mesh
        pod = source_pod(said, mesh, self._homes.get(said.wire.main.capture)) if mesh else None
        server = target_pod(said, mesh) if mesh else None
        legs = legs_of(said)
        return _Common(
            pod=pod.full_name if pod else None,
            server_pod=server.full_name if server else None,
            who=_who(said, pod),
            captures=tuple(sorted({leg.capture for leg in legs})),
            legs=legs,
            redirected=redirected_steps(said),
            sni=said.sni,
            alpn=said.alpn,
        )

    def observe(self, call: Call, decision: Decision, onward: tuple[Onward, ...]) -> Observed:
        """What the packets show of a call, held against the decision."""
        upstream = next((o for o in onward if o.said.role is Role.UPSTREAM), None) if onward else None
        seen = observe(call)
        key = seen, *compare_with(seen, call, decision, upstream)
        found = self._observed.get(key)
        if found is None:
            found = self._observed[key] = replace(seen, agrees=key[1], why=key[2])
        return found


def _request_id(request: Request, onward: tuple[Onward, ...]) -> str | None:
    own = request.header("x-request-id")
    carried = (leg.exchange.request for leg in onward if leg.exchange) if own is None else ()
    return own or next((found for each in carried if each and (found := each.header("x-request-id"))), None)


def _inner_sni(call: Call) -> str | None:
    """The SNI of TLS that begins inside the call: in the tunnel that its CONNECT opened, or after a STARTTLS."""
    tls = call.said.conversation.inner_tls
    if tls is None or tls.client_hello is None:
        return None
    inside = call.exchange is None or call.exchange.upgraded
    return tls.client_hello.sni if inside else None


def _who(said: Said, pod: Pod | None) -> str:
    client = said.wire.client
    if pod is None:
        return str(client)
    if said.role is not Role.UPSTREAM:
        return f"{pod.full_name} ({client})"
    # Answers alone are either's: an application's, too, come from the address that it meant.
    either = "" if said.wire.connection.client_packets else ", or its application,"
    return f"the sidecar of {pod.full_name}{either}"


def _onward_legs(onward: tuple[Onward, ...]) -> tuple[Leg, ...]:
    return tuple(leg for each in onward for leg in onward_legs(each, _ONWARD_ROLES[each.said.role]))


def _packets(said: Said, legs: tuple[Leg, ...], first: int, last: int) -> tuple[tuple[str, int, int], ...]:
    """First and last packet by capture: of the call itself where its own connection was seen, else of the legs."""
    main = said.wire.main.capture
    spans = {main: (first, last)}
    for leg in legs:
        if leg.capture != main:
            low, high = spans.get(leg.capture, (leg.first_packet, leg.last_packet))
            spans[leg.capture] = (min(low, leg.first_packet), max(high, leg.last_packet))
    return tuple((capture, *spans[capture]) for capture in sorted(spans))
