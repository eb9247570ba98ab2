"""Which requests no rule of a mesh can tell apart: they have the same decision, so that one of them is asked.

A decision looks at a request's headers by name, and at its path through the matchers of routes and policies. Headers
that the mesh never mentions are left out; paths fall into classes by the matchers that take them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import partial

from analyzer.base.fact import Fact
from analyzer.mesh.dump.proxy_dump import ProxyDump
from analyzer.mesh.kinds.authorization_policy import AuthorizationPolicy, Match
from analyzer.mesh.kinds.request_authentication import JwtRule, RequestAuthentication
from analyzer.mesh.kinds.virtual_service import HttpMatch, HttpRule
from analyzer.mesh.outbound.request import refused_upgrade
from analyzer.mesh.outbound.route import PREFLIGHT_HEADERS
from analyzer.mesh.policy.text import path_matches
from analyzer.mesh.proxy_settings import CONNECTION_SETTINGS, is_set_anywhere
from analyzer.mesh.regex import full_match
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.visibility import virtual_services
from analyzer.protocol.facts import Headers

# Paths that every normalisation leaves as they are, but for dot segments and empty ones.
_PLAIN = re.compile(r"/[A-Za-z0-9._~:@!$&'()*+,;=/-]*")
_HEADER_KEY = re.compile(r"request\.headers\[(.*)\]")
_PATH_KEY, _PATH_HEADER = "request.path", ":path"
_FORWARDED = "x-forwarded-for"
# What sidecars believe of a request's scheme.
_SCHEME = "x-forwarded-proto"


class Beginnings(Fact, frozen=True):
    """Texts that paths may be or begin with, by their length."""

    by_length: tuple[tuple[int, frozenset[str]], ...]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Beginnings:
        """The beginnings of these texts."""
        found: dict[int, set[str]] = {}
        for text in texts:
            found.setdefault(len(text), set()).add(text)
        return cls(tuple((size, frozenset(found[size])) for size in sorted(found)))

    def of_path(self, path: str) -> Hashable:
        """The texts that ``path`` begins with, and whether it ends there, goes on with a segment, or goes on."""
        return tuple(
            (text, rest if (rest := path[size : size + 1]) in ("", "/") else None)
            for size, texts in self.by_length
            if (text := path[:size]) in texts
        )


class PathRules(Fact, frozen=True):
    """What paths are compared with: ``texts``, ``folded`` texts without regard to case, and ``tests`` of any kind."""

    texts: Beginnings
    folded: Beginnings
    tests: tuple[Callable[[str], bool], ...]

    def class_of(self, path: str) -> Hashable:
        """Equal for paths (without their query) that every rule treats alike."""
        folded = self.folded.of_path(path.lower()) if self.folded.by_length else ()
        return self.texts.of_path(path), folded, tuple(test(path) for test in self.tests)


_OF_UPGRADES = frozenset({"connection", "upgrade"})


class Sameness(Fact, frozen=True):
    """What a mesh looks at: headers by their names in lower case, and paths by ``paths``.

    ``paths`` is None where nothing can be said: then only equal paths are alike. Without ``query`` nobody looks at
    what stands behind the question mark. ``all_headers``: proxies tell by themselves what they look at, so that every
    header may count.
    """

    headers: frozenset[str]
    paths: PathRules | None
    query: bool
    all_headers: bool = False

    def seen_of(self, headers: Headers) -> Headers:
        """The headers that a rule may ask for, and those of an upgrade that Envoy refuses."""
        if self.all_headers:
            return headers
        names = self.headers | _OF_UPGRADES if refused_upgrade(headers) else self.headers
        return tuple(each for each in headers if each[0] in names) if names else ()

    def class_of(self, target: str) -> Hashable:
        """Equal for request targets that no rule tells apart; the target itself where normalisation may change it."""
        path, _, query = target.partition("?")
        unresolved = "/." in path or "//" in path
        if self.paths is None or unresolved or _PLAIN.fullmatch(path) is None or "#" in query:
            return target
        return self.paths.class_of(path), query if self.query else None


def sameness_of(mesh: MeshSnapshot) -> Sameness:
    """What the rules of a mesh look at."""
    return mesh.memo("sameness", lambda: _build(mesh))


def _build(mesh: MeshSnapshot) -> Sameness:
    if mesh.views.get(ProxyDump) or is_set_anywhere(mesh, CONNECTION_SETTINGS):
        return Sameness(frozenset(), paths=None, query=True, all_headers=True)
    rules = [rule for each in virtual_services(mesh) for rule in each.http]
    matches = [match for rule in rules for match in rule.matches]
    asked = [match for policy in mesh.of(AuthorizationPolicy) for match in _matches_of(policy)]
    tokens = [rule for each in mesh.of(RequestAuthentication) for rule in each.rules]
    preflight = PREFLIGHT_HEADERS if any(rule.cors for rule in rules) else ()
    names = frozenset((*preflight, *_names_of_routes(matches), *_names_of_policies(asked), *_names_of_tokens(tokens)))
    unclear = _PATH_HEADER in names or _looks_twice(mesh, rules, asked)
    return Sameness(
        headers=names,
        paths=None if unclear else _path_rules(matches, asked),
        query=bool(tokens) or any(match.query for match in matches),
    )


def _looks_twice(mesh: MeshSnapshot, rules: Iterable[HttpRule], asked: Iterable[Match]) -> bool:
    """Whether what a route makes of a path may be looked at again: by a policy, or by a gateway behind it."""
    if not any(rule.rewrite is not None and (rule.rewrite.uri or rule.rewrite.pattern) for rule in rules):
        return False
    return any(match.key == _PATH_KEY for match in asked) or any(pod.is_gateway for pod in mesh.pods)


def _matches_of(policy: AuthorizationPolicy) -> Iterator[Match]:
    for rule in policy.rules:
        for group in (*rule.sources, *rule.operations, rule.conditions):
            yield from group


def _names_of_routes(matches: Iterable[HttpMatch]) -> Iterator[str]:
    for match in matches:
        yield from (name.lower() for name, _ in (*match.headers, *match.without_headers))
        if match.scheme is not None:
            yield _SCHEME


def _names_of_policies(asked: Iterable[Match]) -> Iterator[str]:
    for match in asked:
        named = _HEADER_KEY.fullmatch(match.key)
        if named is not None:
            yield named[1].lower()
        elif match.key == "remote.ip":
            yield _FORWARDED


def _names_of_tokens(rules: Iterable[JwtRule]) -> Iterator[str]:
    for rule in rules:
        yield from ("authorization", "cookie", *PREFLIGHT_HEADERS)
        yield from (place.name for place in rule.headers)


def _path_rules(matches: Iterable[HttpMatch], asked: Iterable[Match]) -> PathRules:
    texts, folded = set[str](), set[str]()
    tests: dict[Hashable, Callable[[str], bool]] = {}
    for match in matches:
        if match.uri is None or not match.uri.kind:
            continue
        if match.uri.kind == "regex":
            tests[match.uri.kind, match.uri.value] = partial(full_match, match.uri.value)
        else:
            # A route of the Gateway API compares whole segments, without a slash at the end.
            wanted = (match.uri.value, match.uri.value.removesuffix("/"))
            folded.update(each.lower() for each in wanted) if match.ignore_uri_case else texts.update(wanted)
    for pattern in (each for match in asked if match.key == _PATH_KEY for each in (*match.values, *match.not_values)):
        tests["pattern", pattern] = partial(path_matches, pattern)
    return PathRules(Beginnings.of(texts), Beginnings.of(folded), tuple(tests.values()))
