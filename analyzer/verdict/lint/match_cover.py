"""Whether one HTTP match takes every request that another takes: the question behind routes that are never reached.

Only what is certain counts. Conditions that cannot be compared (two regular expressions) do not cover each other.
"""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.mesh.kinds.virtual_service import HttpMatch, StringMatch
from analyzer.mesh.outbound.route import is_presence
from analyzer.mesh.regex import full_match

# Patterns that match any text.
_ANY_REGEX = (".*", "^.*$", "^.*", ".*$")


def covers(wider: HttpMatch | None, narrower: HttpMatch | None, gateways: Iterable[str]) -> bool:
    """Whether ``wider`` holds wherever ``narrower`` does; None matches everything.

    ``gateways`` are those of the VirtualService that holds both.
    """
    if wider is None:
        return True
    if narrower is None:
        narrower = HttpMatch("", wider.place)
    return (
        _static_covers(wider, narrower, gateways)
        and _uri_covers(wider, narrower)
        and _singles_cover(wider, narrower)
        and _maps_cover(wider, narrower)
    )


def _static_covers(wider: HttpMatch, narrower: HttpMatch, gateways: Iterable[str]) -> bool:
    """Port, gateways and source: what istiod itself decides (route.go sourceMatchHTTP)."""
    if wider.port not in (0, narrower.port):
        return False
    if wider.gateways:
        return set(narrower.gateways or gateways) <= set(wider.gateways)
    if narrower.gateways:
        # A match that names gateways ignores where the request comes from, so it promises nothing about it.
        return not wider.source_labels and not wider.source_namespace
    return (
        wider.source_labels.items() <= narrower.source_labels.items()
        and wider.source_namespace in ("", narrower.source_namespace)
    )  # fmt: skip


def takes_any_path(match: HttpMatch) -> bool:
    """Whether every path fulfils a match's uri."""
    uri = match.uri
    return uri is None or not uri.kind or (uri.kind, uri.value) in (("prefix", "/"), ("prefix", "")) or _is_any(uri)


def _is_any(matcher: StringMatch) -> bool:
    return matcher.kind == "regex" and matcher.value in _ANY_REGEX


def _uri_covers(wider: HttpMatch, narrower: HttpMatch) -> bool:
    if takes_any_path(wider):
        return True
    above, below = wider.uri, narrower.uri
    if above is None or below is None or takes_any_path(narrower):
        return False
    return _text_covers(_folded(above, wider), _folded(below, wider), ignores_case=_folds_more(wider, narrower))


def _folded(uri: StringMatch, wider: HttpMatch) -> StringMatch:
    if not wider.ignore_uri_case or uri.kind == "regex":
        return uri
    return StringMatch(uri.kind, uri.value.lower(), uri.place)


def _folds_more(wider: HttpMatch, narrower: HttpMatch) -> bool:
    """Whether the narrower match takes spellings that the wider one does not."""
    uri = narrower.uri
    folds = narrower.ignore_uri_case and not wider.ignore_uri_case and uri is not None and uri.kind != "regex"
    return folds and uri is not None and uri.value.lower() != uri.value.upper()


def _text_covers(wider: StringMatch, narrower: StringMatch, *, ignores_case: bool = False) -> bool:
    """Whether every text that ``narrower`` takes is one of ``wider``."""
    if ignores_case:
        return False
    if wider.kind == "prefix":
        return narrower.kind in ("exact", "prefix") and narrower.value.startswith(wider.value)
    if wider.kind == "exact":
        return (narrower.kind, narrower.value) == ("exact", wider.value)
    if narrower.kind == "exact":
        return full_match(wider.value, narrower.value)
    return narrower.kind == "regex" and narrower.value == wider.value


def _singles_cover(wider: HttpMatch, narrower: HttpMatch) -> bool:
    pairs = (
        (wider.method, narrower.method),
        (wider.authority, narrower.authority),
        (wider.scheme, narrower.scheme),
    )
    return all(_single_covers(above, below) for above, below in pairs)


def _single_covers(wider: StringMatch | None, narrower: StringMatch | None) -> bool:
    """Every request has a method, an authority and a scheme, so that a matcher without a value takes them all."""
    if wider is None or is_presence(wider) or _is_any(wider):
        return True
    return narrower is not None and not is_presence(narrower) and _text_covers(wider, narrower)


def _maps_cover(wider: HttpMatch, narrower: HttpMatch) -> bool:
    headers = {name.lower(): matcher for name, matcher in narrower.headers}
    without = {name.lower(): matcher for name, matcher in narrower.without_headers}
    query = dict(narrower.query)
    return (
        all(_named_covers(matcher, headers.get(name.lower())) for name, matcher in wider.headers)
        and all(_named_covers(matcher, query.get(name)) for name, matcher in wider.query)
        and all(_same(matcher, without.get(name.lower())) for name, matcher in wider.without_headers)
    )


def _named_covers(wider: StringMatch, narrower: StringMatch | None) -> bool:
    """A header or query parameter: where the narrower match asks for it at all, it is there."""
    if narrower is None:
        return False
    if is_presence(wider) or _is_any(wider):
        return True
    return not is_presence(narrower) and _text_covers(wider, narrower)


def _same(a: StringMatch, b: StringMatch | None) -> bool:
    return b is not None and (a.kind, a.value) == (b.kind, b.value)
