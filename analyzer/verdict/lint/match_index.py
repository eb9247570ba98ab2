"""HTTP matches in the order in which a proxy tries them, and which earlier one takes what a later one asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.virtual_service import HttpMatch, HttpRule, L4Rule, VirtualService
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.lint.match_cover import covers, takes_any_path

# A match is held against at most this many earlier ones that could cover it.
MAX_COMPARED = 500


class PlacedMatch(Fact, frozen=True):
    """A match with its rule, by what it is called and where it stands; ``match`` None is a rule without matches.

    ``owner`` is the VirtualService that it is of, where several are compared.
    """

    match: HttpMatch | None
    name: str
    rule: YamlPlace
    place: YamlPlace
    owner: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({describe(self.match)})" if self.match is not None else f"{self.name} (no match)"


def matches_of(rule: HttpRule, name: str, owner: str = "") -> list[PlacedMatch]:
    """The matches of a rule, which ``name`` calls; one without a match where it has none."""
    found = [PlacedMatch(match, name, rule.place, match.place, owner) for match in rule.matches]
    return found or [PlacedMatch(None, name, rule.place, rule.place, owner)]


@dataclass(slots=True)
class MatchIndex:
    """Matches so far, by the text that their uri begins with, so that only those that may cover are compared."""

    anywhere: list[PlacedMatch] = field(default_factory=list)
    by_prefix: dict[str, list[PlacedMatch]] = field(default_factory=dict)
    by_exact: dict[str, list[PlacedMatch]] = field(default_factory=dict)
    regexes: list[PlacedMatch] = field(default_factory=list)

    def add(self, placed: PlacedMatch) -> None:
        """Remembers a match behind those that are there."""
        match = placed.match
        uri = match.uri if match is not None else None
        if match is None or uri is None or takes_any_path(match):
            self.anywhere.append(placed)
        elif uri.kind == "regex":
            self.regexes.append(placed)
        else:
            index = self.by_prefix if uri.kind == "prefix" else self.by_exact
            index.setdefault(uri.value.lower(), []).append(placed)

    def covering(self, match: HttpMatch | None, gateways: Iterable[str]) -> PlacedMatch | None:
        """An earlier match that takes every request of ``match``, or None."""
        compared = zip(self._candidates(match), range(MAX_COMPARED), strict=False)
        return next((each for each, _ in compared if covers(each.match, match, gateways)), None)

    def _candidates(self, match: HttpMatch | None) -> Iterator[PlacedMatch]:
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


def rule_name(mesh: MeshSnapshot, rule: HttpRule | L4Rule) -> str:
    """What to call a rule in a sentence: where it stands, its name if it has one, and the delegate that it is of."""
    where = rule.place.field.removeprefix("spec.")
    named = f"{where} ({rule.name})" if isinstance(rule, HttpRule) and rule.name else where
    delegate = mesh.memo("lint-delegated-rules", lambda: _delegated(mesh)).get(rule.place)
    return f"{named} of delegate {delegate}" if delegate else named


def _delegated(mesh: MeshSnapshot) -> dict[YamlPlace, str]:
    delegates = (vs for vs in mesh.of(VirtualService) if not vs.hosts)
    return {rule.place: vs.resource.full_name for vs in delegates for rule in vs.http}


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
