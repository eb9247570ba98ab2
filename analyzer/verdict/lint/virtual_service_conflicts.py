"""VirtualServices for one host in sidecars: they are not merged, the first one has the virtual host.

httproute.go: a virtual host whose name is taken is dropped (metric pilot_vservice_dup_domain). The order is that of
VirtualServices private to the client's namespace, those exported to it by name, then public ones; each by age.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.kinds.virtual_service import HttpMatch, VirtualService
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.visibility import NOBODY, PUBLIC, is_visible, virtual_service_exports, virtual_services
from analyzer.verdict.lint.evidence import client_namespaces, has_clients
from analyzer.verdict.lint.finding import LintFinding, listing, title

VIRTUAL_SERVICE_CONFLICT = Code(
    "virtual-service-conflict",
    Family.FINDING,
    Level.ERROR,
    "two VirtualServices have the same host: sidecars ignore the later one's HTTP routes",
    "Only gateways merge VirtualServices of one host. In a sidecar the first has the virtual host: private to the "
    "client's namespace before exported by name before public, among these the oldest (then by name).",
    "Merge them into one VirtualService, use delegates, or export each to other namespaces.",
)

# A VirtualService is held against this many others of its host, and so many conditions of each.
MAX_COMPARED = 100

# A port (0 for any) and labels of the client.
_Condition = tuple[int, frozenset[tuple[str, str]]]
_ALWAYS: _Condition = (0, frozenset())


def find_virtual_service_conflicts(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """A finding for each VirtualService that loses a host to another."""
    for host, sharing in _by_host(mesh).items():
        if len(sharing) > 1:
            yield from _conflicts(mesh, host, sharing)


def _by_host(mesh: MeshSnapshot) -> dict[str, list[VirtualService]]:
    """VirtualServices with HTTP routes for sidecars by host, oldest first; the Gateway API has other rules."""
    found: dict[str, list[VirtualService]] = {}
    for vs in virtual_services(mesh):
        if vs.for_mesh and vs.http and not vs.gateway_semantics:
            for host in dict.fromkeys(each.lower() for each in vs.hosts):
                found.setdefault(host, []).append(vs)
    return found


def _conflicts(mesh: MeshSnapshot, host: str, sharing: Sequence[VirtualService]) -> Iterator[LintFinding]:
    clients = _clients(mesh, sharing)
    lost: dict[tuple[str, str], _Loss] = {}
    for namespace in clients:
        earlier: list[tuple[VirtualService, list[_Condition]]] = []
        for vs in _as_seen_from(mesh, namespace, sharing):
            conditions = _conditions(vs, namespace)
            winner = next((each for each, taken in earlier if _meet(taken, conditions)), None)
            if winner is not None:
                lost.setdefault(vs.key, _Loss(vs, winner)).namespaces.append(namespace)
            elif len(earlier) < MAX_COMPARED:
                earlier.append((vs, conditions))
    for loss in lost.values():
        seen_by = virtual_service_exports(mesh, loss.loser)
        every = loss.namespaces == [each for each in clients if is_visible(seen_by, each)]
        whom = "" if every else f" for clients in {listing(clients[each] for each in loss.namespaces)}"
        yield _finding(host, loss, whom)


@dataclass(slots=True)
class _Loss:
    """A VirtualService that lost its host, to whom, and in the eyes of which namespaces."""

    loser: VirtualService
    winner: VirtualService
    namespaces: list[str] = field(default_factory=list)


def _finding(host: str, loss: _Loss, whom: str) -> LintFinding:
    loser, winner = loss.loser.resource, loss.winner.resource
    why = "is older" if winner.age_key < loser.age_key else "comes first by its narrower exportTo"
    sentence = f"{title(loser)}: its routes for {host} are ignored{whom}: {title(winner)} {why} and has the host"
    places = loser.place("spec", "hosts"), winner.place("spec", "hosts")
    return LintFinding(VIRTUAL_SERVICE_CONFLICT, title(loser), sentence, places)


def _clients(mesh: MeshSnapshot, sharing: Sequence[VirtualService]) -> dict[str, str]:
    """The client namespaces that see different orders, and how to call them.

    They are those that exportTo names, and one that stands for all others.
    """
    named: set[str] = set()
    for vs in sharing:
        named |= virtual_service_exports(mesh, vs) - {PUBLIC, NOBODY}
    found = {each: each for each in sorted(named) if has_clients(mesh, each)}
    other = next((each for each in client_namespaces(mesh) if each not in named), None)
    return found if other is None else {**found, other: "other namespaces"}


def _as_seen_from(mesh: MeshSnapshot, namespace: str, sharing: Sequence[VirtualService]) -> list[VirtualService]:
    """Those that a namespace sees, in istiod's order."""
    seen = [vs for vs in sharing if is_visible(virtual_service_exports(mesh, vs), namespace)]

    def rank(vs: VirtualService) -> int:
        if PUBLIC in virtual_service_exports(mesh, vs):
            return 2
        return 0 if vs.namespace == namespace else 1

    return sorted(seen, key=rank)


def _meet(a: Sequence[_Condition], b: Sequence[_Condition]) -> bool:
    """Whether some client gets routes of both on some port.

    One without any route for a proxy and port is skipped there, so that two may share a host by port or by client.
    """
    return any(_compatible(x, y) for x in a for y in b)


def _conditions(vs: VirtualService, namespace: str) -> list[_Condition]:
    """For which ports and labels of clients in a namespace a VirtualService has routes; port 0 stands for any."""
    found: dict[_Condition, None] = {}
    for rule in vs.http:
        if not rule.matches:
            return [_ALWAYS]
        found.update(dict.fromkeys(_condition(match) for match in rule.matches if _may_hold(match, namespace)))
    return [_ALWAYS] if _ALWAYS in found else list(found)[:MAX_COMPARED]


def _condition(match: HttpMatch) -> _Condition:
    return match.port, frozenset() if match.gateways else frozenset(match.source_labels.items())


def _may_hold(match: HttpMatch, namespace: str) -> bool:
    if match.gateways:
        return "mesh" in match.gateways
    return match.source_namespace in ("", namespace)


def _compatible(a: _Condition, b: _Condition) -> bool:
    if a[0] and b[0] and a[0] != b[0]:
        return False
    labels = dict(a[1])
    return all(labels.get(name, value) == value for name, value in b[1])
