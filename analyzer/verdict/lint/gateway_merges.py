"""VirtualServices that share a host on a gateway, where the routes of the older one take all of the younger one's.

route.go SortVHostRoutes: a gateway merges their routes in order of age and puts those that catch everything last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.kinds.virtual_service import MESH_GATEWAY, HttpMatch, VirtualService
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.visibility import PUBLIC, virtual_service_exports, virtual_services
from analyzer.verdict.lint.finding import LintFinding, listing, title
from analyzer.verdict.lint.match_cover import takes_any_path
from analyzer.verdict.lint.match_index import MatchIndex, PlacedMatch, describe, matches_of, rule_name

SHADOWED_AT_GATEWAY = Code(
    "shadowed-at-gateway",
    Family.FINDING,
    Level.WARNING,
    "a route is never reached at a gateway: an older VirtualService of the same host takes its requests",
    "A gateway merges the VirtualServices of a host: the older one's routes come first, then the younger one's, and "
    "those without any condition at the end. How specific a match is does not count.",
    "Put the routes of the host into one VirtualService in the right order, or use delegates.",
)

# Of one host on one gateway this many VirtualServices are merged here; istiod merges them all.
MAX_MERGED = 200


def find_gateway_merges(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """A finding for each VirtualService of which a rule is never reached because of another on its gateway."""
    for (gateway, host), sharing in _by_gateway_and_host(mesh).items():
        if len(sharing) > 1:
            yield from _merged(mesh, gateway, host, sharing[:MAX_MERGED])


def _by_gateway_and_host(mesh: MeshSnapshot) -> dict[tuple[str, str], list[VirtualService]]:
    """What all gateways see, oldest first; routes of the Gateway API have an order of their own."""
    found: dict[tuple[str, str], list[VirtualService]] = {}
    for vs in virtual_services(mesh):
        if vs.http and not vs.gateway_semantics and PUBLIC in virtual_service_exports(mesh, vs):
            for gateway in dict.fromkeys(vs.gateways):
                for host in dict.fromkeys(each.lower() for each in vs.hosts if gateway != MESH_GATEWAY):
                    found.setdefault((gateway, host), []).append(vs)
    return found


def _merged(mesh: MeshSnapshot, gateway: str, host: str, sharing: Sequence[VirtualService]) -> Iterator[LintFinding]:
    index = MatchIndex()
    first_default = ""
    for vs in sharing:
        about = title(vs.resource)
        for rule in vs.http:
            matches = matches_of(rule, rule_name(mesh, rule), about)
            own = [each for each in matches if _is_on(each.match, gateway)]
            specific = [each for each in own if not _catches_all(each.match)]
            lost = list(_lost(index, specific, gateway))
            where = f"is never reached for {host} on {gateway}"
            if lost and len(lost) == len(own):
                yield _finding(lost, where)
            if len(specific) < len(own):
                if first_default not in ("", about):
                    sentence = f"{about}: {own[0].name} (no condition) {where}: that of {first_default} is older"
                    yield LintFinding(SHADOWED_AT_GATEWAY, about, sentence, (own[0].place,))
                first_default = first_default or about


def _lost(index: MatchIndex, matches: Sequence[PlacedMatch], gateway: str) -> Iterator[tuple[PlacedMatch, PlacedMatch]]:
    """The matches that one of another VirtualService takes, each with that one; the others join the index."""
    for placed in matches:
        by = index.covering(placed.match, (gateway,))
        if by is None:
            index.add(placed)
        elif by.owner != placed.owner:
            yield placed, by


def _finding(lost: Sequence[tuple[PlacedMatch, PlacedMatch]], where: str) -> LintFinding:
    placed, by = lost[0]
    what = listing(describe(each.match) for each, _ in lost)
    sentence = f"{placed.owner}: {placed.name} ({what}) {where}: {by.owner}, {by}, comes first"
    return LintFinding(SHADOWED_AT_GATEWAY, placed.owner, sentence, (placed.place, by.place))


def _is_on(match: HttpMatch | None, gateway: str) -> bool:
    return match is None or not match.gateways or gateway in match.gateways


def _catches_all(match: HttpMatch | None) -> bool:
    """Whether a match asks for nothing but a path, and for none (IsCatchAllRoute); for one port or source it may."""
    if match is None:
        return True
    conditions = match.headers or match.without_headers or match.query
    narrowed = match.port or match.source_labels or match.source_namespace
    return takes_any_path(match) and not (conditions or match.method or match.authority or match.scheme or narrowed)
