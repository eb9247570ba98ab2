"""Routes of a VirtualService that no request can reach, since an earlier rule takes all of theirs.

Envoy takes the first route that matches (router/config_impl.cc), and istiod keeps the order of the rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.virtual_service import HttpMatch, HttpRule, L4Match, L4Rule, VirtualService
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.visibility import virtual_services
from analyzer.verdict.lint.finding import LintFinding, title
from analyzer.verdict.lint.match_cover import covers, takes_any_path

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

# A match is held against at most this many earlier ones that could cover it.
MAX_COMPARED = 500


@dataclass(frozen=True, slots=True)
class _Placed:
    """A match with its rule; ``match`` None is a rule without matches."""

    rule: int
    match: HttpMatch | None
    name: str
    place: YamlPlace


@dataclass(slots=True)
class _Earlier:
    """Matches so far, by the text that their uri begins with, so that only those that may cover are compared."""

    anywhere: list[_Placed] = field(default_factory=list)
    by_prefix: dict[str, list[_Placed]] = field(default_factory=dict)
    by_exact: dict[str, list[_Placed]] = field(default_factory=dict)
    regexes: list[_Placed] = field(default_factory=list)

    def add(self, placed: _Placed) -> None:
        match = placed.match
        uri = match.uri if match is not None else None
        if match is None or uri is None or takes_any_path(match):
            self.anywhere.append(placed)
        elif uri.kind == "regex":
            self.regexes.append(placed)
        else:
            index = self.by_prefix if uri.kind == "prefix" else self.by_exact
            index.setdefault(uri.value.lower(), []).append(placed)

    def candidates(self, match: HttpMatch | None) -> Iterator[_Placed]:
        yield from self.anywhere
        uri = match.uri if match is not None else None
        if uri is None or match is None or takes_any_path(match):
            return
        if uri.kind != "regex":
            text = uri.value.lower()
            yield from self.by_exact.get(text, ())
            for end in range(1, len(text) + 1):
                yield from self.by_prefix.get(text[:end], ())
        yield from self.regexes


def find_shadowed_routes(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """HTTP, TCP and TLS rules that are never reached; routes of the Gateway API are sorted by istiod itself."""
    for vs in virtual_services(mesh):
        if not vs.gateway_semantics:
            yield from _shadowed_http(vs)
            yield from _shadowed_l4(vs, vs.tcp)
            yield from _shadowed_l4(vs, vs.tls)


def _shadowed_http(vs: VirtualService) -> Iterator[LintFinding]:
    earlier = _Earlier()
    for number, rule in enumerate(vs.http):
        name = rule_name(rule)
        matches = [_Placed(number, match, name, match.place) for match in rule.matches]
        matches = matches or [_Placed(number, None, name, rule.place)]
        lost: list[tuple[_Placed, _Placed]] = []
        for placed in matches:
            by = _covering(earlier, placed, vs)
            if by is not None:
                lost.append((placed, by))
            else:
                earlier.add(placed)
        yield from _report(vs, rule, name, lost, whole=len(lost) == len(matches))


def _covering(earlier: _Earlier, placed: _Placed, vs: VirtualService) -> _Placed | None:
    compared = zip(earlier.candidates(placed.match), range(MAX_COMPARED), strict=False)
    return next((each for each, _ in compared if covers(each.match, placed.match, vs.gateways)), None)


def _report(
    vs: VirtualService, rule: HttpRule, name: str, lost: list[tuple[_Placed, _Placed]], *, whole: bool
) -> Iterator[LintFinding]:
    if not lost:
        return
    if whole and any(by.rule != placed.rule for placed, by in lost):
        placed, by = next(pair for pair in lost if pair[0].rule != pair[1].rule)
        sentence = f"{title(vs.resource)}: {name} is never reached: {_what(by)} takes {_requests(placed)} first"
        yield LintFinding(SHADOWED_ROUTE, title(vs.resource), sentence, (rule.place, by.place))
        return
    for placed, by in lost:
        sentence = f"{title(vs.resource)}: a match of {name} is never reached: {_what(by)} takes {_requests(placed)}"
        yield LintFinding(SHADOWED_MATCH, title(vs.resource), sentence, (placed.place, by.place))


def _what(placed: _Placed) -> str:
    return f"{placed.name} ({describe(placed.match)})" if placed.match is not None else f"{placed.name} (no match)"


def _requests(placed: _Placed) -> str:
    return f"its requests ({describe(placed.match)})" if placed.match is not None else "all requests"


def rule_name(rule: HttpRule | L4Rule) -> str:
    """What to call a rule in a sentence: where it stands, and its name if it has one."""
    where = rule.place.field.removeprefix("spec.")
    return f"{where} ({rule.name})" if isinstance(rule, HttpRule) and rule.name else where


def describe(match: HttpMatch | None) -> str:
    """A match in few words: ``prefix /api, method GET, header x-user``."""
    if match is None:
        return "everything"
    parts = [f"{match.uri.kind} {match.uri.value}"] if match.uri is not None and match.uri.kind else []
    for name, matcher in (("method", match.method), ("authority", match.authority), ("scheme", match.scheme)):
        parts += [f"{name} {matcher.value}"] if matcher is not None else []
    parts += [f"header {name}" for name, _ in match.headers]
    parts += [f"without header {name}" for name, _ in match.without_headers]
    parts += [f"query {name}" for name, _ in match.query]
    parts += [f"port {match.port}"] if match.port else []
    parts += [f"from {match.source_namespace}"] if match.source_namespace else []
    parts += [f"from {name}={value}" for name, value in match.source_labels.items()]
    return ", ".join(parts) or "everything"


def _shadowed_l4(vs: VirtualService, rules: tuple[L4Rule, ...]) -> Iterator[LintFinding]:
    """Opaque rules: behind one that asks for nothing, or of equal conditions, none is reached (tls.go)."""
    known: dict[tuple[object, ...], tuple[str, YamlPlace]] = {}
    for rule in rules:
        name = rule_name(rule)
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
