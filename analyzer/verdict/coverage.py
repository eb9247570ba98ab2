"""What of a mesh recorded calls touch, and what they never do: routes, hosts, subsets and policies.

A route or a policy is touched where a step of a decision stands on its lines; a host or a subset where a cluster of a
decision names it. What was looked at and lost is *considered*.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.hosts import resolve_short_name
from analyzer.mesh.kinds.destination_rule import DestinationRule
from analyzer.mesh.outbound.destination import parse_cluster_name
from analyzer.mesh.port_protocol import UDP
from analyzer.mesh.registry import services_of
from analyzer.mesh.resource import Node, Resource
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.structure import last_line
from analyzer.verdict.decision import Decision
from analyzer.verdict.record import CallRecord
from analyzer.verdict.roles import cluster_of_sni

ROUTE, HOST, SUBSET, POLICY = COVERED_KINDS = ("route", "host", "subset", "policy")

# Where routes stand in the spec of a kind, and the rules of a policy; a policy without such is one rule.
_ROUTES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "VirtualService": ("http", "tls", "tcp"),
        "HTTPRoute": ("rules",), "GRPCRoute": ("rules",), "TLSRoute": ("rules",), "TCPRoute": ("rules",),
    }
)  # fmt: skip
_RULES: Mapping[str, str] = MappingProxyType(
    {"AuthorizationPolicy": "rules", "PeerAuthentication": "", "RequestAuthentication": "jwtRules"}
)

# Port, subset and host of a cluster.
_Cluster = tuple[int, str, str]


class Coverage(Fact, frozen=True):
    """One thing of the mesh: how many calls it took part in, and how many only looked at it."""

    kind: str
    name: str
    place: YamlPlace
    calls: int
    considered: int

    @property
    def touched(self) -> bool:
        """Whether any call depends on it."""
        return self.calls > 0


class CoverageCount(Fact, frozen=True):
    """How many things of a kind are touched, of how many."""

    kind: str
    touched: int
    total: int


class _Lines(Fact, frozen=True):
    """Something that stands on lines of a file."""

    kind: str
    name: str
    place: YamlPlace
    last: int


def cover(mesh: MeshSnapshot, calls: Iterable[CallRecord]) -> tuple[Coverage, ...]:
    """Every route, host, subset and policy of ``mesh`` with the calls that touch it, in the order of these kinds."""
    listed = list(calls)
    lines = list(_routes_and_policies(mesh))
    taken, considered = _cited(lines, listed)
    found = [Coverage(x.kind, x.name, x.place, taken[i], considered[i]) for i, x in enumerate(lines)]
    found += _hosts(mesh, listed)
    found += _subsets(mesh, listed)
    return tuple(sorted(found, key=lambda each: (COVERED_KINDS.index(each.kind), each.place, each.name)))


def count_coverage(found: Iterable[Coverage]) -> tuple[CoverageCount, ...]:
    """The sums by kind; kinds that the mesh has nothing of are left out."""
    total, touched = Counter[str](), Counter[str]()
    for each in found:
        total[each.kind] += 1
        touched[each.kind] += each.touched
    return tuple(CoverageCount(kind, touched[kind], total[kind]) for kind in COVERED_KINDS if total[kind])


def _routes_and_policies(mesh: MeshSnapshot) -> Iterator[_Lines]:
    for resource in mesh.resources:
        for part in _ROUTES.get(resource.kind, ()):
            yield from _parts(ROUTE, resource, part)
        if resource.kind in _RULES:
            parts = list(_parts(POLICY, resource, _RULES[resource.kind]))
            yield from parts or [_lines(POLICY, _title(resource), resource.body)]


def _parts(kind: str, resource: Resource, key: str) -> Iterator[_Lines]:
    for number, node in enumerate(resource.spec.nodes(key) if key else ()):
        name = f" {node.text('name')}" if isinstance(node.value.get("name"), str) else ""
        yield _lines(kind, f"{_title(resource)} {key}[{number}]{name}", node)


def _title(resource: Resource) -> str:
    return f"{resource.kind} {resource.full_name}"


def _lines(kind: str, name: str, node: Node) -> _Lines:
    return _Lines(kind, name, node.place(), max(last_line(node.value), node.place().line))


def _cited(lines: list[_Lines], calls: Iterable[CallRecord]) -> tuple[Counter[int], Counter[int]]:
    """By index into ``lines``: how many calls stand on them, and how many have only losers or asides there."""
    shelf = _Shelf(lines)
    taken, considered = Counter[int](), Counter[int]()
    by_decision: dict[int, tuple[set[int], set[int]]] = {}
    for call in calls:
        # Calls that were decided alike share their decision.
        key = id(call.decision)
        if key not in by_decision:
            by_decision[key] = _places_of(call.decision, shelf)
        won, looked_at = by_decision[key]
        taken.update(won)
        considered.update(looked_at - won)
    return taken, considered


def _places_of(decision: Decision, shelf: _Shelf) -> tuple[set[int], set[int]]:
    won: set[int] = set()
    looked_at: set[int] = set()
    for step in decision.steps:
        (looked_at if step.aside else won).update(i for place in step.yaml for i in shelf.at(place))
        looked_at.update(i for loser in step.lost for place in loser.yaml for i in shelf.at(place))
    return won, looked_at


class _Shelf:
    """What stands on a line, found by its file and number; the parts of a file do not overlap."""

    def __init__(self, lines: list[_Lines]) -> None:
        by_file: dict[str, list[tuple[int, int, int]]] = {}
        for index, each in enumerate(lines):
            by_file.setdefault(each.place.file, []).append((each.place.line, each.last, index))
        self._by_file = {file: sorted(found) for file, found in by_file.items()}

    def at(self, place: YamlPlace) -> Iterator[int]:
        """The index of what stands there; nothing where nothing does."""
        found = self._by_file.get(place.file, [])
        i = bisect_right(found, place.line, key=lambda each: each[0]) - 1
        if i >= 0 and place.line <= found[i][1]:
            yield found[i][2]


def _hosts(mesh: MeshSnapshot, calls: Iterable[CallRecord]) -> Iterator[Coverage]:
    """Every port of every service, by the clusters that were chosen and the addresses that were dialled.

    An ExternalName is another name of a host, and none itself.
    """
    named, dialled = Counter[tuple[str, int]](), Counter[tuple[str, int]]()
    for call in calls:
        named.update({(host, port) for port, _, host in _clusters_of(call.decision)})
        if call.decision.outbound is None:
            dialled[call.server.ip, call.server.port] += 1
    for service in services_of(mesh):
        for port in service.ports:
            if port.protocol == UDP or service.external_name:
                continue
            direct = sum(dialled[address, port.number] for address in service.addresses)
            count = named[service.hostname, port.number] + direct
            yield Coverage(HOST, f"{service.hostname}:{port.number}", service.place, count, 0)


def _subsets(mesh: MeshSnapshot, calls: Iterable[CallRecord]) -> Iterator[Coverage]:
    named = Counter[tuple[str, str]]()
    for call in calls:
        named.update({(host, subset) for _, subset, host in _clusters_of(call.decision) if subset})
    for rule in mesh.of(DestinationRule):
        host = resolve_short_name(rule.host, rule.resource.namespace)
        for subset in rule.subsets:
            count = sum(n for (of, name), n in named.items() if name == subset.name and _is_for(host, of))
            yield Coverage(SUBSET, f"{host} {subset.name}", subset.place, count, 0)


def _is_for(rule_host: str, host: str) -> bool:
    return host == rule_host or (rule_host.startswith("*") and host.endswith(rule_host[1:]))


def _clusters_of(decision: Decision) -> set[_Cluster]:
    """The clusters that a decision leads to, on the client's side and at a gateway; of weighted ones all."""
    sides = [side for side in (decision.outbound, decision.gateway) if side is not None]
    names = [side.cluster for side in sides if side.cluster]
    names += [choice.cluster for side in sides for choice in side.clusters if choice.weight]
    found = (parse_cluster_name(cluster_of_sni(name) or name) for name in names)
    return {each for each in found if each is not None}
