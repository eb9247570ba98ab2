"""A match covers another only where every request that takes the one takes the other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.virtual_service import HttpMatch, StringMatch
from analyzer.mesh.outbound.request import HttpRequest
from analyzer.mesh.outbound.route import Route, route_matches
from analyzer.verdict.lint.match_cover import covers, takes_any_path

PLACE = YamlPlace("a.yaml", 1)


def matcher(kind: str, value: str) -> StringMatch:
    return StringMatch(kind, value, PLACE)


def match(uri: tuple[str, str] | None = None, **fields: object) -> HttpMatch:
    for name in ("method", "authority", "scheme"):
        if name in fields:
            fields[name] = matcher(*fields[name])
    for name in ("headers", "without_headers", "query"):
        if name in fields:
            fields[name] = tuple((key, matcher(*value)) for key, value in fields[name].items())
    return HttpMatch("", PLACE, uri=matcher(*uri) if uri else None, **fields)


ANY = match()

COVERED = [
    (None, match(("exact", "/a"))),
    (ANY, None),
    (match(("prefix", "/")), match(("regex", "/a.*"))),
    (match(("regex", ".*")), match(("prefix", "/a"))),
    (match(("prefix", "/a")), match(("exact", "/ab"))),
    (match(("prefix", "/a")), match(("prefix", "/ab"))),
    (match(("regex", "/a+")), match(("exact", "/aaa"))),
    (match(("regex", "/a+")), match(("regex", "/a+"))),
    (match(("prefix", "/A"), ignore_uri_case=True), match(("exact", "/ab"))),
    (match(("prefix", "/1")), match(("exact", "/12"), ignore_uri_case=True)),
    (match(method=("exact", "GET")), match(("exact", "/a"), method=("exact", "GET"))),
    (match(method=("regex", "GET|PUT")), match(method=("exact", "PUT"))),
    (match(scheme=("", "")), ANY),
    (match(headers={"X-User": ("", "")}), match(headers={"x-user": ("exact", "jane")})),
    (match(headers={"x": ("prefix", "a")}), match(headers={"x": ("prefix", "ab"), "y": ("exact", "1")})),
    (match(query={"q": ("exact", "1")}), match(query={"q": ("exact", "1"), "p": ("", "")})),
    (match(without_headers={"x": ("exact", "a")}), match(without_headers={"x": ("exact", "a")})),
    (match(port=80), match(port=80)),
    (match(source_namespace="a"), match(source_namespace="a", source_labels={"app": "b"})),
    (match(source_labels={"app": "b"}), match(source_labels={"app": "b", "v": "1"})),
    (match(gateways=("mesh", "a/g")), match(gateways=("mesh",), source_labels={"app": "b"})),
    (match(gateways=("mesh",)), ANY),
]
NOT_COVERED = [
    (match(("exact", "/a")), match(("prefix", "/a"))),
    (match(("prefix", "/ab")), match(("prefix", "/a"))),
    (match(("prefix", "/a")), ANY),
    (match(("prefix", "/a")), match(("exact", "/ab"), ignore_uri_case=True)),
    (match(("prefix", "/a")), match(("regex", "/a.*"))),
    (match(("regex", "/a.*")), match(("prefix", "/ab"))),
    (match(method=("exact", "GET")), match(("exact", "/a"))),
    (match(headers={"x": ("exact", "a")}), match(headers={"x": ("", "")})),
    (match(headers={"x": ("exact", "a")}), match(("exact", "/a"))),
    (match(query={"q": ("exact", "1")}), match(query={"Q": ("exact", "1")})),
    (match(without_headers={"x": ("exact", "a")}), match(without_headers={"x": ("", "")})),
    (match(port=80), ANY),
    (match(source_namespace="a"), ANY),
    (match(source_labels={"app": "b"}), match(gateways=("mesh",), source_labels={"app": "b"})),
    (match(gateways=("a/g",)), match(gateways=("mesh",))),
    (match(gateways=("a/g",)), ANY),
]


@pytest.mark.parametrize(("wider", "narrower"), COVERED)
def test_a_wider_match_covers(wider: HttpMatch | None, narrower: HttpMatch | None):
    assert covers(wider, narrower, ("mesh",))


@pytest.mark.parametrize(("wider", "narrower"), NOT_COVERED)
def test_a_match_that_leaves_something_does_not_cover(wider: HttpMatch, narrower: HttpMatch):
    assert not covers(wider, narrower, ("mesh",))


def test_a_path_that_says_nothing_takes_any():
    assert all(takes_any_path(match(uri)) for uri in (None, ("", ""), ("prefix", "/"), ("regex", ".*")))
    assert not takes_any_path(match(("exact", "/")))


texts = st.sampled_from(["", "a", "A", "ab", "b"])
kinds = st.sampled_from(["exact", "prefix", "regex", ""])
matchers = st.builds(matcher, kinds, texts)
paths = st.sampled_from(["/", "/a", "/A", "/ab", "/b", "/a.*", ".*"])
maps = st.dictionaries(st.sampled_from(["x", "y"]), matchers, max_size=2).map(lambda found: tuple(found.items()))
matches = st.builds(
    HttpMatch,
    st.just(""),
    st.just(PLACE),
    uri=st.none() | st.builds(matcher, kinds, paths),
    ignore_uri_case=st.booleans(),
    method=st.none() | matchers,
    headers=maps,
    without_headers=maps,
    query=maps,
)
pairs = st.dictionaries(st.sampled_from(["x", "y"]), texts, max_size=2)
requests = st.builds(
    lambda path, method, headers, query: HttpRequest(
        authority="h", path=path + "?" + "&".join(f"{k}={v}" for k, v in query.items()), method=method,
        headers=tuple(headers.items()),
    ),
    st.sampled_from(["/", "/a", "/A", "/ab", "/b", "/aB", "/x"]),
    st.sampled_from(["a", "A", "ab", "b"]),
    pairs,
    pairs,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(matches, matches, st.lists(requests, min_size=12, max_size=12))
def test_no_request_takes_the_covered_match_and_not_the_wider_one(wider, narrower, asked):
    if covers(wider, narrower, ("mesh",)):
        for request in asked:
            taken = route_matches(Route("n", narrower), request)
            assert not taken or route_matches(Route("w", wider), request)
