"""The words of a filter, each with its column."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.errors import UsageError
from analyzer.verdict.filter_tokens import MAX_LENGTH, tokens_of


def words(text: str) -> list[tuple[str, str, int]]:
    return [(token.kind, token.value, token.column) for token in tokens_of(text)]


def test_every_word_has_its_kind_and_column() -> None:
    assert words('a.b  >= -1.5 and "x"') == [
        ("name", "a.b", 1),
        ("sign", ">=", 6),
        ("number", "-1.5", 9),
        ("name", "and", 14),
        ("text", "x", 18),
        ("end", "", 21),
    ]


def test_nothing_is_only_an_end() -> None:
    assert words("  ") == [("end", "", 3)]


def test_a_text_stands_in_either_quotes_and_keeps_what_is_escaped() -> None:
    assert [word[1] for word in words(r"""'a"b' "c\"d\\" """)][:2] == ['a"b', 'c"d\\']


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("host = 1", r"column 6 \(at '= 1'\): found '=', expected '=='"),
        ("a && b", "found '&&', expected 'and'"),
        ("a || b", r"found '\|\|', expected 'or'"),
        ("!a", "column 1 .* found '!', expected 'not'"),
        ('host == "abc', "column 9 .* a text that does not end"),
        ("host == 1a", "column 9 .* found '1'"),
        ("host # 1", "found '#', expected a field"),
        ("a" * (MAX_LENGTH + 1), f"expected at most {MAX_LENGTH}"),
    ],
)
def test_what_is_no_word_is_refused_with_its_column(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        list(tokens_of(text))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80))
def test_any_text_gives_words_or_a_usage_error(text: str) -> None:
    try:
        found = list(tokens_of(text))
    except UsageError:
        return
    assert found[-1].kind == "end"
