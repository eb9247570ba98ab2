"""Numbers read the same in every report."""

from __future__ import annotations

import pytest

from analyzer.report.wording import format_bytes, format_count, format_ranges, format_span, format_time


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (1_763_712_000_123_456_789, "2025-11-21T08:00:00.123456789Z"),
        (0, "1970-01-01T00:00:00.000000000Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (2**63 - 1, "2262-04-11T23:47:16.854775807Z"),
        (-(2**63), "1677-09-21T00:12:43.145224192Z"),
    ],
)
def test_any_int64_is_a_time(time_ns, text):
    assert format_time(time_ns) == text


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [(0, "0 s"), (-5, "0 s"), (999, "999 ns"), (1500, "1.5 µs"), (12_300_000, "12.3 ms"), (41_000_000_000, "41.0 s"),
     (725_000_000_000, "12 min 5 s"), (7_260_000_000_000, "2 h 1 min")],
)  # fmt: skip
def test_a_span_is_in_the_unit_that_fits(duration_ns, text):
    assert format_span(duration_ns) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (212, "212 B"), (4100, "4.1 kB"), (88_100_000, "88.1 MB"), (5 * 10**12, "5.0 TB")]
)
def test_bytes_are_in_decimal_units(count, text):
    assert format_bytes(count) == text


def test_a_count_agrees_with_its_noun():
    assert format_count(9304) == "9,304"
    assert format_count(1, "call") == "1 call"
    assert format_count(2, "call") == "2 calls"
    assert format_count(0, "proxy", "proxies") == "0 proxies"


def test_neighbouring_numbers_are_drawn_together():
    assert format_ranges([12, 3, 5, 6, 7, 8, 9, 14, 15]) == "3, 5–9, 12, 14, 15"
    assert format_ranges([]) == ""
