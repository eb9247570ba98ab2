"""Envoy's matchers of paths, headers and query parameters as the matchers of the model (envoy/config/route/v3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from analyzer.mesh.kinds.virtual_service import HttpMatch, StringMatch
from analyzer.mesh.regex import full_match
from analyzer.mesh.resource import Node

# Conditions of a RouteMatch that depend on chance, or on what no packet shows.
_UNKNOWN_CONDITIONS = (
    "runtime_fraction", "tls_context", "dynamic_metadata", "filter_state", "connect_matcher", "path_match_policy",
    "grpc",
)  # fmt: skip


@dataclass(slots=True)
class Conditions:
    """The conditions of one route.

    ``path_segments``: its prefix matches whole segments; ``unknown`` are not modelled.
    """

    match: HttpMatch
    path_segments: bool = False
    unknown: list[str] = field(default_factory=list)


def conditions_of(node: Node) -> Conditions:
    """The conditions of a RouteMatch."""
    unknown = [name for name in _UNKNOWN_CONDITIONS if name in node]
    headers: list[tuple[str, StringMatch]] = []
    without: list[tuple[str, StringMatch]] = []
    for each in node.nodes("headers"):
        _add_header(each, headers, without, unknown)
    match = HttpMatch(
        name="",
        place=node.place(),
        uri=_path(node),
        ignore_uri_case="case_sensitive" in node and not node.boolean("case_sensitive"),
        headers=tuple(headers),
        without_headers=tuple(without),
        query=tuple(_queries(node, unknown)),
    )
    return Conditions(match, "path_separated_prefix" in node, unknown)


def string_match(node: Node) -> StringMatch | None:
    """A StringMatcher (envoy/type/matcher/v3/string.proto), or None where the model has none for it.

    Suffix and containment become regular expressions, which match the whole text.
    """
    if "safe_regex" in node:
        return StringMatch("regex", node.node("safe_regex").text("regex"), node.place("safe_regex"))
    for kind, before, after in (("suffix", ".*", ""), ("contains", ".*", ".*")):
        if kind in node and not node.boolean("ignore_case"):
            return StringMatch("regex", f"{before}{re.escape(node.text(kind))}{after}", node.place(kind))
    for kind in ("exact", "prefix"):
        if kind in node and not node.boolean("ignore_case"):
            return StringMatch(kind, node.text(kind), node.place(kind))
    return None


def _path(node: Node) -> StringMatch | None:
    if "safe_regex" in node:
        return StringMatch("regex", node.node("safe_regex").text("regex"), node.place("safe_regex"))
    for field_name, kind in (("path", "exact"), ("prefix", "prefix"), ("path_separated_prefix", "prefix")):
        if field_name in node:
            return StringMatch(kind, node.text(field_name), node.place(field_name))
    return None


def _add_header(
    node: Node,
    headers: list[tuple[str, StringMatch]],
    without: list[tuple[str, StringMatch]],
    unknown: list[str],
) -> None:
    """A HeaderMatcher: an absent header matches nothing, unless only its presence is asked for, inverted.

    ``treat_missing_header_as_empty`` is how istiod writes ``withoutHeaders`` (header_utility.cc matchesHeaders).
    """
    name, inverted = node.text("name"), node.boolean("invert_match")
    present = StringMatch("", "", node.place())
    value = _header_value(node)
    if value is None and "present_match" in node:
        wanted = node.boolean("present_match") is not inverted
        (headers if wanted else without).append((name, present))
    elif value is None:
        unknown.append(f"header {name}")
    elif not inverted:
        headers.append((name, value))
    else:
        if not node.boolean("treat_missing_header_as_empty"):
            headers.append((name, present))
        without.append((name, value))


def _header_value(node: Node) -> StringMatch | None:
    if "string_match" in node:
        return string_match(node.node("string_match"))
    # The older fields, one for each kind.
    for old, kind in (("exact_match", "exact"), ("prefix_match", "prefix")):
        if old in node:
            return StringMatch(kind, node.text(old), node.place(old))
    if "safe_regex_match" in node:
        return StringMatch("regex", node.node("safe_regex_match").text("regex"), node.place("safe_regex_match"))
    return None


def _queries(node: Node, unknown: list[str]) -> Iterator[tuple[str, StringMatch]]:
    for each in node.nodes("query_parameters"):
        name = each.text("name")
        value = string_match(each.node("string_match")) if "string_match" in each else StringMatch("", "", each.place())
        absent = "present_match" in each and not each.boolean("present_match")
        if value is None or absent:
            unknown.append(f"query parameter {name}")
        else:
            yield name, value


def text_holds(node: Node, text: str) -> bool | None:
    """Whether a StringMatcher holds for a text; None where it is of a kind that is not known."""
    fold = node.boolean("ignore_case")
    own = text.lower() if fold else text
    for kind, holds in _TEXT_KINDS.items():
        if kind in node:
            wanted = node.text(kind)
            return holds(own, wanted.lower() if fold else wanted)
    if "safe_regex" in node:
        return full_match(node.node("safe_regex").text("regex"), text)
    return None


_TEXT_KINDS: Mapping[str, Callable[[str, str], bool]] = {
    "exact": str.__eq__,
    "prefix": str.startswith,
    "suffix": str.endswith,
    "contains": str.__contains__,
}
