"""Filters choose calls; what is wrong in one is named with its column."""

from __future__ import annotations

import pickle
from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.errors import UsageError
from analyzer.verdict.filter import MAX_DEPTH, like, parse_filter


@pytest.fixture
def call(record, decision):
    """shop/sleep-0 asks reviews for / with GET and is dropped with 404 NR."""
    return record(decision("dropped", "no-route", cluster=None, code=404, flag="NR"), alpn=("h2", "http/1.1"))


@pytest.mark.parametrize(
    "text",
    [
        'host == "reviews"',
        "host == 'reviews' and verdict != \"service-matched\"",
        'host != "ratings"',
        'host in ["a", "reviews"]',
        'host not in ["a", "b"]',
        'host in ("reviews", null)',
        'pod like "shop/*"',
        'pod not like "data/*"',
        "sni == null and not (sni != null)",
        "sni in [null]",
        "port == 9080 and port >= 9080 and port < 9081.5 and port > -1",
        "outbound.response.code == 404",
        '"h2" in alpn and alpn == "http/1.1" and alpn like "h*"',
        "undetermined == null",
        "inbound.mtls == null and not inbound.mtls",
        "not inbound.mtls or inbound.mtls",
        'verdict == "dropped" or host == "x" and host == "y"',
        'not host == "x" and not not host == "reviews"',
        '(host == "x" or host == "reviews") and method == "GET"',
        'server.ip == "10.96.0.11"',
    ],
)
def test_what_holds_chooses_the_call(call, text: str) -> None:
    assert parse_filter(text)(call)


@pytest.mark.parametrize(
    "text",
    [
        'host == "ratings"',
        "host == null",
        'sni == ""',
        'sni like "*"',
        "observed.status > 0",
        "inbound.mtls",
        "observed.agrees == false",
        'verdict == "dropped" and host == "x"',
        'not verdict == "dropped"',
        '"h3" in alpn',
        "alpn == null",
        "host in []",
    ],
)
def test_what_does_not_hold_leaves_the_call_out(call, text: str) -> None:
    assert not parse_filter(text)(call)


def test_a_null_verdict_is_not_a_service(record, decision) -> None:
    unknown = record(decision(None, None, undetermined=("midstream",)))

    assert parse_filter('verdict != "service-matched" and undetermined == "midstream"')(unknown)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column 1: found nothing"),
        ("host", r"column 5: found the end, expected one of == !="),
        ('hst == "a"', "column 1 .* 'hst', which is no field of a call; is it 'host'"),
        ('qqqqqq == "a"', "no field of a call$"),
        ("host == 5", "column 9 .* expected a text in quotes, since host is text"),
        ('port == "80"', "column 9 .* expected a number, since port is number"),
        ("inbound.mtls == 1", "expected true or false"),
        ("host == true", "expected a text in quotes"),
        ('host < "b"', "column 6 .* host is text, < compares numbers"),
        ("port < null", "column 8 .* found null, expected a number"),
        ('port like "8*"', "port is number, like compares text"),
        ("host like 8", "column 11 .* expected a text with"),
        ('verdict == "droped"', "column 12 .* verdict is never 'droped'; it is one of service-matched"),
        ('host == "a" host', "column 13 .* expected and, or, or the end"),
        ('(host == "a"', r"column 13: found the end, expected \)"),
        ('host in "a"', "column 9 .* expected a list"),
        ('host in ["a" "b"]', r"column 14 .* expected , or \]"),
        ('host in ["a"', r"expected , or \]"),
        ('host not == "a"', "expected one of in like"),
        ('"a" == host', "expected in and a field that is a list"),
        ('"a" in host', "column 8 .* host is no list"),
        ("and", "found 'and', expected a field"),
        ("inbound.mtls 5", "expected one of"),
        ("not " * (MAX_DEPTH + 1) + "inbound.mtls", f"nested deeper than {MAX_DEPTH}"),
        ("(" * 9000, f"nested deeper than {MAX_DEPTH}"),
    ],
)
def test_what_is_wrong_is_named_with_its_column(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_filter(text)


def test_a_filter_keeps_its_text() -> None:
    assert parse_filter("port == 80").text == "port == 80"


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("*", "", True),
        ("a*c", "abbc", True),
        ("a*c", "abbd", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("*.example.com", "a.b.example.com", True),
        ("a", "A", False),
        ("*a*b*", "xxaxxbxx", True),
        ("[a]", "a", False),
    ],
)
def test_a_pattern_stands_for_texts(pattern: str, text: str, fits: bool) -> None:
    assert like(pattern, text) is fits


@settings(max_examples=100, deadline=None)
@given(st.text("ab*?", max_size=8), st.text("abc", max_size=10))
def test_patterns_mean_what_shells_mean_by_them(pattern: str, text: str) -> None:
    assert like(pattern, text) is fnmatchcase(text, pattern)


def test_a_pattern_of_many_stars_takes_no_long_time() -> None:
    assert not like("*a" * 30 + "b", "a" * 3000)


PIECES = ["host", "port", "alpn", "inbound.mtls", "==", "!=", "<", "in", "not", "like", "and", "or", "(", ")", "[", "]",
          ",", '"a"', "'b*'", "5", "null", "true", "verdict"]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_any_words_give_a_filter_or_a_usage_error(pieces: list[str]) -> None:
    text = " ".join(pieces)
    try:
        message = parse_filter(text).text
    except UsageError as error:
        message = str(error)
    assert message == text or "column" in message


def test_a_filter_is_the_same_in_another_process(call) -> None:
    for text in ('host == "reviews"', 'host == "ratings" or not verdict == "dropped"'):
        there = pickle.loads(pickle.dumps(parse_filter(text)))
        assert (there.text, there(call)) == (text, parse_filter(text)(call))
