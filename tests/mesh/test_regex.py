"""Regular expressions as Envoy matches them."""

from __future__ import annotations

import pytest

from analyzer.mesh.regex import MAX_PATTERN_LENGTH, compile_pattern, full_match, replace_all


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [("/a(b|c)+", "/abc", True), ("/a", "/ab", False), (".*", "", True), ("caf.", "café", True), (r"\d+", "12", True)],
)
def test_the_whole_text_must_match(pattern: str, text: str, matches: bool) -> None:
    assert full_match(pattern, text) is matches


@pytest.mark.parametrize("pattern", ["(", "(?=a)", "a" * (MAX_PATTERN_LENGTH + 1)])
def test_what_re2_refuses_matches_nothing(pattern: str) -> None:
    assert compile_pattern(pattern) is None
    assert not full_match(pattern, "a")
    assert replace_all(pattern, "x", "a") == "a"


def test_nested_repetition_is_matched_in_linear_time() -> None:
    assert not full_match("(a+)+$", "a" * 20_000 + "b")


def test_replacements_use_groups() -> None:
    assert replace_all("^/api/(.*)$", r"/\1", "/api/x") == "/x"


def test_a_group_that_does_not_exist_changes_nothing() -> None:
    assert replace_all("a", r"\9", "a") == "a"
