"""Routes of a VirtualService that no request can reach, since an earlier rule takes all of theirs.

Envoy takes the first route that matches (router/config_impl.cc), and istiod keeps the order of the rules.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.virtual_service import HttpRule, L4Match, L4Rule, VirtualService
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.visibility import virtual_services
from analyzer.verdict.lint.finding import LintFinding, title
from analyzer.verdict.lint.match_index import MatchIndex, PlacedMatch, describe, matches_of, rule_name

SHADOWED_ROUTE = Code(
    "shadowed-route",
    Family.FINDING,
    Level.WARNING,
    "a route is never reached: earlier rules take every request that it matches",
    "Rules are tried in order and the first that matches is taken; istiod does not sort them by how specific they are.",
    "Put the more specific rule first, or remove it.",
)
SHADOWED_MATCH = Code(
    "shadowed-match",
    Family.FINDING,
    Level.INFO,
    "one match of a route is never reached; the route's other matches are",
    "An earlier rule takes every request of this match; the rule still works through its other matches.",
    "Put the more specific match first, or remove it.",
)


def find_shadowed_routes(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """HTTP, TCP and TLS rules that are never reached; routes of the Gateway API are sorted by istiod itself."""
    for vs in virtual_services(mesh):
        if not vs.gateway_semantics:
            yield from _shadowed_http(mesh, vs)
            yield from _shadowed_l4(mesh, vs, vs.tcp)
            yield from _shadowed_l4(mesh, vs, vs.tls)


def _shadowed_http(mesh: MeshSnapshot, vs: VirtualService) -> Iterator[LintFinding]:
    earlier = MatchIndex()
    for rule in vs.http:
        name = rule_name(mesh, rule)
        matches = matches_of(rule, name)
        lost: list[tuple[PlacedMatch, PlacedMatch]] = []
        for placed in matches:
            by = earlier.covering(placed.match, vs.gateways)
            if by is not None:
                lost.append((placed, by))
            else:
                earlier.add(placed)
        yield from _report(vs, rule, name, lost, whole=len(lost) == len(matches))


def _report(
    vs: VirtualService, rule: HttpRule, name: str, lost: list[tuple[PlacedMatch, PlacedMatch]], *, whole: bool
) -> Iterator[LintFinding]:
    if not lost:
        return
    if whole and any(by.rule != placed.rule for placed, by in lost):
        placed, by = next(pair for pair in lost if pair[0].rule != pair[1].rule)
        sentence = f"{title(vs.resource)}: {name} is never reached: {by} takes {_requests(placed)} first"
        yield LintFinding(SHADOWED_ROUTE, title(vs.resource), sentence, (rule.place, by.place))
        return
    for placed, by in lost:
        sentence = f"{title(vs.resource)}: a match of {name} is never reached: {by} takes {_requests(placed)}"
        yield LintFinding(SHADOWED_MATCH, title(vs.resource), sentence, (placed.place, by.place))


def _requests(placed: PlacedMatch) -> str:
    return f"its requests ({describe(placed.match)})" if placed.match is not None else "all requests"


def _shadowed_l4(mesh: MeshSnapshot, vs: VirtualService, rules: tuple[L4Rule, ...]) -> Iterator[LintFinding]:
    """Opaque rules: behind one that asks for nothing, or of equal conditions, none is reached (tls.go)."""
    known: dict[tuple[object, ...], tuple[str, YamlPlace]] = {}
    for rule in rules:
        name = rule_name(mesh, rule)
        keys = [_conditions(match) for match in rule.matches] or [_conditions(None)]
        everything = known.get(_conditions(None))
        by = everything or (known[keys[0]] if all(key in known for key in keys) else None)
        if by is not None:
            sentence = f"{title(vs.resource)}: {name} is never reached: {by[0]} takes its connections first"
            yield LintFinding(SHADOWED_ROUTE, title(vs.resource), sentence, (rule.place, by[1]))
            continue
        for key in keys:
            known.setdefault(key, (name, rule.place))


def _conditions(match: L4Match | None) -> tuple[object, ...]:
    if match is None:
        return (), (), 0, (), (), ""
    return (
        tuple(sorted(match.sni_hosts)),
        tuple(sorted(match.destination_subnets)),
        match.port,
        tuple(sorted(match.gateways)),
        tuple(sorted(match.source_labels.items())),
        match.source_namespace,
    )
