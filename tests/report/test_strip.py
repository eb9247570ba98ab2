"""Calls over time as columns."""

from __future__ import annotations

from analyzer.base.fact import replace
from analyzer.report.strip import COLUMNS, HEIGHT, WIDTH, strip_of

SECOND = 1_000_000_000


def at(call, *seconds):
    return [replace(call, first_ns=call.first_ns + second * SECOND) for second in seconds]


def test_a_column_has_the_calls_of_its_time_by_verdict_the_worst_at_the_bottom(shop):
    good, bad = shop.calls[0], shop.calls[4]

    strip = strip_of([*at(good, 0, 0, 95), *at(replace(bad, first_ns=good.first_ns), 0)])

    first = strip.columns[0]
    assert first.title.endswith(": 1 dropped, 2 service-matched")
    assert [bar.verdict for bar in first.bars] == ["dropped", "service-matched"]
    assert first.bars[0].y > first.bars[1].y
    assert sum(bar.height for bar in first.bars) == HEIGHT
    assert strip.most == 3


def test_the_last_call_is_in_the_last_column(shop):
    strip = strip_of(at(shop.calls[0], 0, 96))

    assert len(strip.columns) == 2
    assert strip.columns[-1].bars[0].x == WIDTH / COLUMNS * (COLUMNS - 1)


def test_moments_outside_have_no_mark(shop):
    calls = at(shop.calls[0], 0, 10)
    begin = calls[0].first_ns

    assert strip_of(calls, [begin - 1, begin + 5 * SECOND, begin + 11 * SECOND]).marks == (WIDTH / 2,)


def test_one_call_among_thousands_is_seen(shop):
    good, bad = shop.calls[0], shop.calls[4]

    strip = strip_of([*at(good, *[0] * 3000, 9), replace(bad, first_ns=good.first_ns)])

    assert strip.columns[0].bars[0].height >= 2


def test_calls_of_one_moment_have_no_strip(shop, empty):
    assert strip_of(at(shop.calls[0], 0, 0)) is None
    assert strip_of(empty.calls) is None
