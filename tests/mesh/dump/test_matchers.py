"""Envoy's matchers as those of the model."""

from __future__ import annotations

import json

import pytest

from analyzer.mesh.dump.matchers import conditions_of, string_match, text_holds
from analyzer.mesh.outbound.request import HttpRequest
from analyzer.mesh.outbound.route import Route, route_matches
from analyzer.mesh.resource import Node
from analyzer.mesh.source import read_documents


def node(content) -> Node:
    root = next(iter(read_documents(json.dumps(content), "dump.json", [])))
    return Node("dump.json", root, root, (), [])


def takes(match, *, path="/", headers=()) -> bool:
    found = conditions_of(node(match))
    assert found.unknown == []
    route = Route("r", found.match, found.path_segments)
    return route_matches(route, HttpRequest("web", path, headers=headers))


@pytest.mark.parametrize(
    ("match", "path", "taken"),
    [
        ({"prefix": "/a"}, "/ab", True),
        ({"path": "/a"}, "/ab", False),
        ({"path_separated_prefix": "/a"}, "/ab", False),
        ({"path_separated_prefix": "/a"}, "/a/b", True),
        ({"safe_regex": {"regex": "/[0-9]+"}}, "/12", True),
        ({"path": "/A", "case_sensitive": False}, "/a", True),
        ({"path": "/A"}, "/a", False),
        ({}, "/x", True),
        ({"prefix": "/", "query_parameters": [{"name": "q", "string_match": {"exact": "1"}}]}, "/?q=1", True),
        ({"prefix": "/", "query_parameters": [{"name": "q", "present_match": True}]}, "/?p=1", False),
    ],
)
def test_paths_and_queries(match, path, taken) -> None:
    assert takes(match, path=path) is taken


@pytest.mark.parametrize(
    ("matcher", "value", "taken"),
    [
        ({"string_match": {"exact": "a"}}, "a", True),
        ({"string_match": {"exact": "a"}}, None, False),
        ({"string_match": {"suffix": ".b"}}, "a.b", True),
        ({"string_match": {"suffix": ".b"}}, "axb", False),
        ({"string_match": {"contains": "x"}}, "axb", True),
        ({"string_match": {"safe_regex": {"regex": "a+"}}}, "aa", True),
        ({"exact_match": "a"}, "a", True),
        ({"prefix_match": "a"}, "ab", True),
        ({"safe_regex_match": {"regex": "a+"}}, "b", False),
        ({"present_match": True}, "a", True),
        ({"present_match": True, "invert_match": True}, "a", False),
        ({"present_match": True, "invert_match": True}, None, True),
        ({"present_match": False}, None, True),
        ({"string_match": {"exact": "a"}, "invert_match": True}, "b", True),
        ({"string_match": {"exact": "a"}, "invert_match": True}, "a", False),
        # header_utility.cc: what is absent matches nothing, inverted or not ...
        ({"string_match": {"exact": "a"}, "invert_match": True}, None, False),
        # ... unless it counts as empty, as istiod asks for withoutHeaders.
        ({"string_match": {"exact": "a"}, "invert_match": True, "treat_missing_header_as_empty": True}, None, True),
    ],
)
def test_headers(matcher, value, taken) -> None:
    headers = (("x-a", value),) if value is not None else ()

    assert takes({"prefix": "/", "headers": [{"name": "x-a", **matcher}]}, headers=headers) is taken


@pytest.mark.parametrize(
    ("match", "unknown"),
    [
        ({"runtime_fraction": {}}, "runtime_fraction"),
        ({"grpc": {}}, "grpc"),
        ({"headers": [{"name": "x-a", "range_match": {}}]}, "header x-a"),
        ({"headers": [{"name": "x-a", "string_match": {"exact": "a", "ignore_case": True}}]}, "header x-a"),
        ({"query_parameters": [{"name": "q", "present_match": False}]}, "query parameter q"),
    ],
)
def test_conditions_that_are_not_modelled_are_named(match, unknown) -> None:
    assert conditions_of(node(match)).unknown == [unknown]


def test_a_matcher_without_a_kind_is_none() -> None:
    assert string_match(node({"custom": {}})) is None


@pytest.mark.parametrize(
    ("matcher", "text", "holds"),
    [
        ({"exact": "A", "ignore_case": True}, "a", True),
        ({"exact": "A"}, "a", False),
        ({"prefix": "a"}, "ab", True),
        ({"suffix": "b"}, "ab", True),
        ({"contains": "B", "ignore_case": True}, "abc", True),
        ({"safe_regex": {"regex": "a.*"}}, "abc", True),
        ({"custom": {}}, "abc", None),
    ],
)
def test_a_text_is_held_against_a_matcher(matcher, text, holds) -> None:
    assert text_holds(node(matcher), text) is holds
