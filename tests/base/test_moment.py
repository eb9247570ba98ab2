"""Moments as people write them."""

from __future__ import annotations

import pytest

from analyzer.base.errors import UsageError
from analyzer.base.moment import format_moment, parse_moment


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("0", 0),
        ("1.5", 1_500_000_000),
        ("1970-01-01T00:00:00.123456789Z", 123_456_789),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01 00:00:01", 1_000_000_000),
    ],
)
def test_a_moment_is_seconds_since_the_epoch_or_rfc_3339(text: str, time_ns: int) -> None:
    assert parse_moment(text, "--since") == time_ns


@pytest.mark.parametrize("text", ["", "noon", "NaN", "1e999999", "2026-13-01T00:00:00Z"])
def test_anything_else_names_what_was_asked(text: str) -> None:
    with pytest.raises(UsageError, match=r"shop\.yaml: found"):
        parse_moment(text, "shop.yaml")


@pytest.mark.parametrize("time_ns", [0, 1_795_224_810_423_000_000, -1_000_000])
def test_what_is_written_is_read_again(time_ns: int) -> None:
    assert parse_moment(format_moment(time_ns), "T") == time_ns


def test_moments_have_milliseconds() -> None:
    assert format_moment(1_795_224_810_423_999_999) == "2026-11-21T01:33:30.423Z"
