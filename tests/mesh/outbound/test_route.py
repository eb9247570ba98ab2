"""How routes match, and how virtual hosts are found."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.virtual_service import HttpMatch, StringMatch
from analyzer.mesh.outbound.request import HttpRequest
from analyzer.mesh.outbound.route import (
    Route,
    VirtualHost,
    hangs_on_claims,
    hangs_on_unseen,
    route_config,
    route_matches,
    unmet_condition,
)

PLACE = YamlPlace("f", 1)


def text(kind: str, value: str = "") -> StringMatch:
    return StringMatch(kind, value, PLACE)


def takes(request: HttpRequest, *, segments: bool = False, **conditions) -> bool:
    return route_matches(Route("r", HttpMatch("", PLACE, **conditions), path_segments=segments), request)


@pytest.mark.parametrize(
    ("matcher", "path", "matches"),
    [
        (("exact", "/a"), "/a?x", True),
        (("exact", "/a"), "/a/b", False),
        (("prefix", "/a"), "/abc", True),
        (("prefix", "/a"), "/b", False),
        (("regex", "/a.*"), "/abc", True),
        (("regex", "/a"), "/ab", False),
        (("", ""), "/x", True),
    ],
)
def test_paths_match_without_their_query(matcher, path: str, matches: bool) -> None:
    assert takes(HttpRequest("web", path), uri=text(*matcher)) is matches


@pytest.mark.parametrize(("path", "matches"), [("/a", True), ("/a/b", True), ("/ab", False)])
def test_a_segment_prefix_ends_at_a_slash(path: str, matches: bool) -> None:
    assert takes(HttpRequest("web", path), segments=True, uri=text("prefix", "/a/")) is matches


def test_the_root_prefix_takes_every_path() -> None:
    assert takes(HttpRequest("web", "/x"), segments=True, uri=text("prefix", "/"))


def test_case_of_paths_may_be_ignored() -> None:
    assert takes(HttpRequest("web", "/A"), uri=text("exact", "/a"), ignore_uri_case=True)
    assert not takes(HttpRequest("web", "/A"), uri=text("exact", "/a"))


@pytest.mark.parametrize(
    ("matcher", "value", "matches"),
    [
        (("exact", "bob"), "bob", True),
        (("prefix", "b"), "bob", True),
        (("regex", "b.b"), "bob", True),
        (("exact", "bob"), None, False),
        (("", ""), "", True),
        (("regex", "*"), "x", True),
        (("", ""), None, False),
    ],
)
def test_headers_match_by_value_or_presence(matcher, value: str | None, matches: bool) -> None:
    headers = (("x-user", value),) if value is not None else ()
    assert takes(HttpRequest("web", headers=headers), headers=(("X-User", text(*matcher)),)) is matches


@pytest.mark.parametrize(
    ("matcher", "value", "matches"),
    [
        (("exact", "bob"), "bob", False),
        (("exact", "bob"), None, True),
        (("", ""), None, True),
        (("", ""), "", False),
        (("regex", ".*"), None, False),
    ],
)
def test_a_header_that_must_not_be_there_counts_as_empty_where_it_is_missing(matcher, value, matches: bool) -> None:
    headers = (("x-user", value),) if value is not None else ()
    assert takes(HttpRequest("web", headers=headers), without_headers=(("x-user", text(*matcher)),)) is matches


def test_method_authority_and_scheme_are_headers() -> None:
    request = HttpRequest("Web:80", method="PUT")
    assert takes(request, method=text("exact", "PUT"), authority=text("exact", "Web:80"), scheme=text("exact", "http"))
    assert not takes(request, authority=text("exact", "web"))


@pytest.mark.parametrize(
    ("path", "matcher", "matches"),
    [
        ("/?q=a%20b", ("exact", "a%20b"), True),
        ("/?q=a%20b", ("exact", "a b"), False),
        ("/?q=a+b", ("exact", "a+b"), True),
        ("/?%71=1", ("exact", "1"), False),
        ("/?p=1&q=2", ("exact", "2"), True),
        ("/?q=1&q=2", ("exact", "2"), False),
        ("/?q", ("", ""), True),
        ("/", ("", ""), False),
    ],
)
def test_the_first_value_of_a_query_parameter_counts(path: str, matcher, matches: bool) -> None:
    assert takes(HttpRequest("web", path), query=(("q", text(*matcher)),)) is matches


CLAIM = "@request.auth.claims[group]"


@pytest.mark.parametrize(
    ("claims", "asked", "forbidden"),
    [({"group": "dev"}, True, False), ({"group": ["x"]}, False, True), ({}, False, True)],
)
def test_a_claim_is_asked_of_the_verified_token(claims, asked: bool, forbidden: bool) -> None:
    request = HttpRequest("web", headers=((CLAIM, "dev"),), claims=claims)
    assert takes(request, headers=((CLAIM, text("exact", "dev")),)) is asked
    assert takes(request, without_headers=((CLAIM, text("exact", "dev")),)) is forbidden
    assert not takes(request, headers=((CLAIM, text("", "")),))


@pytest.mark.parametrize(("path", "claims", "open_"), [("/a", None, True), ("/b", None, False), ("/a", {}, False)])
def test_a_claim_that_cannot_be_known_leaves_the_route_open(path: str, claims, open_: bool) -> None:
    match = HttpMatch("", PLACE, uri=text("prefix", "/a"), headers=((CLAIM, text("exact", "dev")),))
    assert hangs_on_claims(Route("r", match), HttpRequest("web", path, claims=claims)) is open_


def test_a_route_without_match_takes_everything() -> None:
    assert route_matches(Route("r"), HttpRequest("web"))


@pytest.mark.parametrize(
    ("conditions", "catches"),
    [
        ({}, True),
        ({"uri": text("prefix", "/")}, True),
        ({"uri": text("regex", ".*")}, True),
        ({"uri": text("")}, True),
        ({"uri": text("prefix", "/a")}, False),
        ({"headers": (("a", text("")),)}, False),
        ({"method": text("exact", "GET")}, False),
        ({"query": (("q", text("")),)}, False),
        ({"without_headers": (("a", text("")),)}, False),
    ],
)
def test_only_a_route_without_conditions_catches_all(conditions, catches: bool) -> None:
    assert Route("r", HttpMatch("", PLACE, **conditions)).catches_all is catches
    assert Route("r").catches_all


def config(*domains: str):
    hosts = [VirtualHost(domain, (domain,), ()) for domain in domains]
    return route_config("80", hosts, VirtualHost("rest", ("*",), ()))


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("web", "web"),
        ("a.foo.com", "*.foo.com"),
        ("x.a.foo.com", "*.a.foo.com"),
        ("foo.com", "rest"),
        ("web.x", "web.*"),
        ("y", "rest"),
    ],
)
def test_hosts_are_found_exactly_then_by_suffix_then_by_prefix(host: str, found: str) -> None:
    assert config("web", "*.foo.com", "*.a.foo.com", "web.*").virtual_host(host).name == found


def test_a_wildcard_needs_something_in_its_place() -> None:
    assert config("*.foo.com").virtual_host(".foo.com").name == "rest"


def test_a_configuration_without_a_fitting_host_has_none() -> None:
    assert route_config("80", [], None).virtual_host("web") is None
    assert route_config("80", [VirtualHost("all", ("*",), ())], None).virtual_host("web").name == "all"


DOMAINS = st.lists(st.sampled_from(["a", "b.a", "c.b.a", "*.a", "*.b.a", "*.c.b.a", "a.*"]), unique=True)


@settings(max_examples=100, deadline=None)
@given(DOMAINS, st.sampled_from(["a", "b.a", "c.b.a", "d.c.b.a", "a.b", "z"]))
def test_the_found_host_is_the_one_that_a_scan_would_choose(domains: list[str], host: str) -> None:
    exact = [each for each in domains if each == host]
    suffix = sorted((d for d in domains if d.startswith("*") and host.endswith(d[1:]) and len(host) >= len(d)), key=len)
    prefix = sorted(
        (d for d in domains if d.endswith("*") and host.startswith(d[:-1]) and len(host) >= len(d)), key=len
    )
    expected = next(iter([*exact, *reversed(suffix), *reversed(prefix)]), "rest")
    assert config(*domains).virtual_host(host).name == expected


@pytest.mark.parametrize(
    ("conditions", "hangs"),
    [
        ({"headers": (("X-Lost", text("exact", "1")),)}, True),
        ({"without_headers": (("x-lost", text("")),)}, True),
        ({"headers": (("x-seen", text("exact", "1")),)}, False),
        ({"headers": (("x-lost", text("")), ("x-seen", text("exact", "2")))}, False),
        ({"headers": (("x-lost", text("")),), "uri": text("exact", "/other")}, False),
        ({"uri": text("exact", "/a")}, False),
    ],
)
def test_a_route_hangs_on_a_header_that_may_have_been_lost(conditions, hangs: bool) -> None:
    route = Route("r", HttpMatch("", PLACE, **conditions))
    seen = (("x-seen", "1"),)

    assert hangs_on_unseen(route, HttpRequest("web", "/a", headers=seen, head_cut=True)) is hangs
    assert not hangs_on_unseen(route, HttpRequest("web", "/a", headers=seen))


def test_a_route_without_conditions_hangs_on_nothing() -> None:
    assert not hangs_on_unseen(Route("r"), HttpRequest("web", head_cut=True))


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ({"uri": text("exact", "/b")}, "asks for path /b"),
        ({"uri": text("prefix", "/b")}, "asks for path /b*"),
        ({"uri": text("regex", "/b.*")}, "asks for path ~ /b.*"),
        ({"headers": (("X-User", text("exact", "beta")),)}, "asks for header X-User: beta"),
        ({"headers": (("x-user", text("")),)}, "asks for header x-user"),
        ({"headers": (("authorization", text("exact", "Bearer abc")),)}, "asks for header authorization"),
        ({"headers": (("@request.auth.claims.group", text("exact", "ops")),)}, "asks for claim group: ops"),
        ({"without_headers": (("x-env", text("exact", "test")),)}, "wants no header x-env: test"),
        ({"method": text("exact", "POST")}, "asks for method POST"),
        ({"authority": text("prefix", "api")}, "asks for authority api*"),
        ({"query": (("v", text("exact", "2")),)}, "asks for query v: 2"),
        ({"uri": text("prefix", "/a"), "method": text("exact", "POST")}, "asks for method POST"),
        ({"uri": text("prefix", "/a")}, ""),
    ],
)
def test_what_a_route_asks_for_in_vain_is_named_by_its_first_condition(conditions, said: str) -> None:
    request = HttpRequest("web", "/a?v=1", headers=(("x-env", "test"),), claims={})

    assert unmet_condition(Route("r", HttpMatch("", PLACE, **conditions)), request) == said


def test_a_route_without_match_asks_for_nothing() -> None:
    assert unmet_condition(Route("r", None), HttpRequest("web", "/a")) == ""
