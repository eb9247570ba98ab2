"""Delegation: a root VirtualService's rules with those of the VirtualServices that they name (virtualservice.go)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analyzer.base.fact import replace
from analyzer.mesh.kinds.virtual_service import HttpMatch, HttpRule, StringMatch, VirtualService


def merge_delegates(
    root: VirtualService, delegates: Mapping[tuple[str, str], VirtualService], visible: Mapping[tuple[str, str], bool]
) -> VirtualService:
    """``root`` with each delegating rule replaced by the rules that it delegates to.

    A delegate that is missing, or not ``visible`` to the root's namespace, drops the rule.
    """
    rules: list[HttpRule] = []
    for rule in root.http:
        if rule.delegate is None:
            rules.append(rule)
        elif rule.delegate in delegates and visible[rule.delegate]:
            rules += _merge_rules(rule, delegates[rule.delegate].http)
    return replace(root, http=tuple(rules))


def _merge_rules(root: HttpRule, delegated: tuple[HttpRule, ...]) -> Iterator[HttpRule]:
    for leaf in delegated:
        matches = _merge_matches(root.matches, leaf.matches)
        if matches is None:
            continue
        yield replace(
            leaf,
            matches=matches,
            name=_join(root.name, leaf.name),
            delegate=None,
            rewrite=leaf.rewrite or root.rewrite,
            direct_response=leaf.direct_response or root.direct_response,
            abort=leaf.abort if leaf.has_fault else root.abort,
            cors=leaf.cors or root.cors,
            headers=root.headers if leaf.headers is None else leaf.headers,
            mirrors=leaf.mirrors or root.mirrors,
            retries=root.retries if leaf.retries is None else leaf.retries,
        )


def _join(root: str, leaf: str) -> str:
    return f"{root}-{leaf}" if root and leaf else leaf or root


def _merge_matches(root: tuple[HttpMatch, ...], leaf: tuple[HttpMatch, ...]) -> tuple[HttpMatch, ...] | None:
    """Every pair that does not conflict; None where a leaf's match conflicts with all of the root's."""
    if not root or not leaf:
        return leaf or root
    merged: list[HttpMatch] = []
    for each in leaf:
        fitting = [_merge_match(above, each) for above in root if not _conflict(above, each)]
        if not fitting:
            return None
        merged += fitting
    return tuple(merged)


def _merge_match(root: HttpMatch, leaf: HttpMatch) -> HttpMatch:
    return replace(
        leaf,
        name=_join(root.name, leaf.name),
        uri=leaf.uri or root.uri,
        scheme=leaf.scheme or root.scheme,
        method=leaf.method or root.method,
        authority=leaf.authority or root.authority,
        headers=tuple({**dict(root.headers), **dict(leaf.headers)}.items()),
        without_headers=tuple({**dict(root.without_headers), **dict(leaf.without_headers)}.items()),
        query=tuple({**dict(root.query), **dict(leaf.query)}.items()),
        port=leaf.port or root.port,
        source_labels={**root.source_labels, **leaf.source_labels},
        source_namespace=leaf.source_namespace or root.source_namespace,
        gateways=leaf.gateways or root.gateways,
    )


def _conflict(root: HttpMatch, leaf: HttpMatch) -> bool:
    singles = (
        (root.uri, leaf.uri),
        (root.scheme, leaf.scheme),
        (root.method, leaf.method),
        (root.authority, leaf.authority),
    )
    if any(_texts_conflict(above, below) for above, below in singles):
        return True
    maps = (
        (root.headers, leaf.headers),
        (root.without_headers, leaf.without_headers),
        (root.query, leaf.query),
    )
    if any(_texts_conflict(dict(above).get(name), below) for above, each in maps for name, below in each):
        return True
    return _statics_conflict(root, leaf)


def _statics_conflict(root: HttpMatch, leaf: HttpMatch) -> bool:
    if root.ignore_uri_case != leaf.ignore_uri_case:
        return True
    if root.port and leaf.port and root.port != leaf.port:
        return True
    if root.source_namespace and leaf.source_namespace != root.source_namespace:
        return True
    if any(root.source_labels.get(name, value) != value for name, value in leaf.source_labels.items()):
        return True
    if not root.gateways or not leaf.gateways:
        return False
    return len(root.gateways) < len(leaf.gateways) or not set(leaf.gateways) <= set(root.gateways)


def _texts_conflict(root: StringMatch | None, leaf: StringMatch | None) -> bool:
    """Whether ``leaf`` may match what ``root`` does not (virtualservice.go stringMatchConflict)."""
    if root is None or leaf is None:
        return False
    if root.kind == "regex" or leaf.kind == "regex":
        # A regular expression on either side is never compared with another matcher.
        return True
    if root.kind == "exact":
        return leaf.kind != "exact" or leaf.value != root.value
    if root.kind == "prefix":
        return not leaf.value.startswith(root.value)
    return True
