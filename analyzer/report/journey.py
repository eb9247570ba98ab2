"""The way of a call as a picture would have it: stops, and the links between them with the legs that were seen.

The stops follow from the decision (application, sidecar, gateway, sidecar, application) up to where the call was
dropped; the legs of the captures are laid on the links by their role. A link without legs was in no capture.
"""

from __future__ import annotations

from enum import Enum

from analyzer.base.fact import Fact, replace
from analyzer.flow.connection import Endpoint
from analyzer.verdict.decision import DROPPED, Inbound, LocalResponse, Outbound
from analyzer.verdict.findings import client_of
from analyzer.verdict.record import APP_TO_SIDECAR, DIRECT, SIDECAR_TO_APP, SIDECAR_TO_UPSTREAM, CallRecord, Leg


class Place(Enum):
    """What kind of thing a stop is."""

    APPLICATION = "application"
    SIDECAR = "sidecar"
    GATEWAY = "gateway"
    SERVER = "server"


class Stop(Fact, frozen=True):
    """Someone on the way. ``dropped`` says that the call ends here, ``answer`` what Envoy answers in its place."""

    place: Place
    name: str
    dropped: bool = False
    answer: str = ""


class Link(Fact, frozen=True):
    """The way between two stops; several legs where several captures saw it, or where Envoy tried again."""

    role: str
    legs: tuple[Leg, ...]

    @property
    def connections(self) -> list[tuple[Leg, ...]]:
        """The legs by connection: one that several captures saw is told once."""
        seen: dict[tuple[object, ...], list[Leg]] = {}
        for leg in self.legs:
            seen.setdefault((leg.role, leg.client, leg.server, leg.sni), []).append(leg)
        return [tuple(legs) for legs in seen.values()]


class Journey(Fact, frozen=True):
    """``links[i]`` joins ``stops[i]`` and ``stops[i + 1]``."""

    stops: tuple[Stop, ...]
    links: tuple[Link, ...]


class _Draft(Fact, frozen=True):
    """A stop, the role of the leg that leads to it, and what decides there (None at an application)."""

    stop: Stop
    role: str
    side: Outbound | Inbound | None = None


def journey_of(call: CallRecord) -> Journey:
    """The journey of a call: from the application that made it to where it went, or to where it was dropped."""
    drafts = _until_dropped(_drafts(call), dropped=call.decision.verdict == DROPPED)
    roles = [draft.role for draft in drafts[1:]]
    laid: list[list[Leg]] = [[] for _ in roles]
    upstream = _by_wire(call.legs)
    for leg in call.legs if roles else ():
        laid[_index(leg, roles, upstream)].append(leg)
    links = tuple(Link(role, tuple(legs)) for role, legs in zip(roles, laid, strict=True))
    return Journey(tuple(draft.stop for draft in drafts), links)


def answer_phrase(response: LocalResponse | None) -> str:
    """What Envoy itself does: ``answers 404 (NR)``, ``closes the connection (NR)``; empty without a response."""
    if response is None:
        return ""
    said = f"answers {response.code}" if response.code is not None else "closes the connection"
    return f"{said} ({response.flag})" if response.flag else said


def _drafts(call: CallRecord) -> list[_Draft]:
    decision = call.decision
    roles = {leg.role for leg in call.legs}
    client = client_of(call)
    drafts = [_Draft(Stop(Place.APPLICATION, client), "")]
    onward = DIRECT
    if decision.outbound or APP_TO_SIDECAR in roles:
        drafts.append(_Draft(Stop(Place.SIDECAR, client), APP_TO_SIDECAR, decision.outbound))
        onward = SIDECAR_TO_UPSTREAM
    if decision.gateway:
        gateway = decision.gateway.pod or call.server_pod or str(call.server)
        drafts.append(_Draft(Stop(Place.GATEWAY, gateway), onward, decision.gateway))
        onward = SIDECAR_TO_UPSTREAM
    pod = (decision.inbound.pod if decision.inbound else None) or (None if decision.gateway else call.server_pod)
    if decision.inbound or SIDECAR_TO_APP in roles:
        drafts.append(_Draft(Stop(Place.SIDECAR, pod or str(call.server)), onward, decision.inbound))
        onward = SIDECAR_TO_APP
    drafts.append(_Draft(Stop(Place.APPLICATION, pod) if pod else Stop(Place.SERVER, _far_end(call)), onward))
    return drafts


def _far_end(call: CallRecord) -> str:
    """Where a call goes that ends at no pod we know: the cluster behind a gateway, else where its last leg led."""
    gateway = call.decision.gateway
    if gateway and gateway.cluster:
        return gateway.cluster
    reached = [leg.server for leg in call.legs if leg.role == SIDECAR_TO_UPSTREAM and leg.certain]
    return str(reached[-1] if reached else call.server)


def _until_dropped(drafts: list[_Draft], *, dropped: bool) -> list[_Draft]:
    """The stops up to the first Envoy that answers itself; of a dropped call without one, up to the last Envoy."""
    last = max((i for i, draft in enumerate(drafts) if draft.side), default=len(drafts) - 1)
    for i, draft in enumerate(drafts):
        answer = answer_phrase(draft.side.response) if draft.side else ""
        if answer or (dropped and i == last):
            return [*drafts[:i], replace(draft, stop=replace(draft.stop, dropped=dropped, answer=answer))]
    return drafts


def _by_wire(legs: tuple[Leg, ...]) -> dict[tuple[Endpoint, Endpoint], int]:
    """The upstream connections numbered in order; one that several captures saw has one number."""
    numbers: dict[tuple[Endpoint, Endpoint], int] = {}
    for leg in legs:
        if leg.role == SIDECAR_TO_UPSTREAM:
            numbers.setdefault((leg.client, leg.server), len(numbers))
    return numbers


def _index(leg: Leg, roles: list[str], upstream: dict[tuple[Endpoint, Endpoint], int]) -> int:
    """The link that a leg belongs to: the one of its role (upstream ones in order), else the nearest there is."""
    places = [i for i, role in enumerate(roles) if role == leg.role]
    if not places:
        return len(roles) - 1 if leg.role in (SIDECAR_TO_UPSTREAM, SIDECAR_TO_APP) else 0
    return places[min(upstream.get((leg.client, leg.server), 0), len(places) - 1)]
