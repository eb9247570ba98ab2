"""Paths before and after Envoy's normalisation."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.mesh.path import normalize_path, split_target


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/a/../b/x", "/b/x"),
        ("/a/./b", "/a/b"),
        ("/a/b/..", "/a/"),
        ("/..", "/"),
        ("/%61/%7Ex", "/a/~x"),
        ("/a%2fb", "/a%2fb"),
        ("/a/%2e%2E/b", "/b"),
        ("/a\\b", "/a/b"),
        ("//a//b", "//a//b"),
        ("/a b", "/a%20b"),
        ("/\xe4", "/%E4"),
        ("", "/"),
        ("?q=/../x", "/?q=/../x"),
        ("/a/../b?x=/../y", "/b?x=/../y"),
        ("http://web.shop/a/../b", "/b"),
        ("http://web.shop", "/"),
        ("*", "*"),
        ("*?q", "*?q"),
        ("*x", "/*x"),
        ("a", "/a"),
    ],
)
def test_base_resolves_dots_and_decodes_what_is_unreserved(target, expected):
    assert normalize_path(target) == expected


def test_merge_slashes_merges_them_too():
    assert normalize_path("//a//b", "MERGE_SLASHES") == "/a/b"


def test_decode_and_merge_decodes_encoded_slashes_first():
    assert normalize_path("/a%2F%2fb%5Cc", "DECODE_AND_MERGE_SLASHES") == "/a/b/c"


def test_none_only_takes_the_authority_off():
    assert normalize_path("http://web/a/../b", "NONE") == "/a/../b"


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("ab./%2eF\\?"), max_size=30))
def test_a_normalised_path_stays_as_it_is(target):
    once = normalize_path(target)
    assert normalize_path(once) == once


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        ("http://web.shop:80/a?b", ("http", "web.shop:80", "/a?b")),
        ("HTTPS://Web", ("https", "Web", "/")),
        ("http://web?b", ("http", "web", "/?b")),
        ("/http://web", None),
        ("ftp://web/a", None),
        ("*", None),
    ],
)
def test_an_absolute_target_says_scheme_authority_and_path(target: str, parts: tuple[str, str, str] | None) -> None:
    assert split_target(target) == parts
