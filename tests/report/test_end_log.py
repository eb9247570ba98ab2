"""How calls ended is counted lot by lot, and added up."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from analyzer.base.fact import replace
from analyzer.report.end_log import EndLog, count_ends
from analyzer.report.ends import summary_of


def counted(lots, numbers, *, redact=True):
    log = EndLog(redact=redact)
    parts = []
    for calls in lots:
        log.add(calls)
        parts.append(log.take())
    return count_ends(parts, np.array(numbers, np.int64))


@pytest.mark.parametrize("at", [0, 1, 5, 11])
def test_lots_add_up_to_the_whole(shop, at) -> None:
    calls = [replace(call, id=str(number)) for number, call in enumerate(shop.calls, 1)]

    ends, first = counted([calls[:at], calls[at:]], range(1, len(calls) + 1))

    expected = summary_of(replace(shop, calls=tuple(calls)))
    assert (ends, first) == (expected.ends, expected.first)


def test_the_first_is_told_by_its_number_and_not_by_its_lot(shop) -> None:
    matched = [call for call in shop.calls if call.decision.verdict == "service-matched"]

    _, first = counted([matched[:1], matched[:1]], [7, 3])

    assert first == ("3", matched[0].decision.reason)


def test_calls_that_do_not_count_have_numbers_and_are_not_counted(shop) -> None:
    dropped = next(call for call in shop.calls if call.decision.verdict == "dropped")
    matched = next(call for call in shop.calls if call.decision.verdict == "service-matched")

    ends, first = counted([[None, matched], [dropped, None]], [1, 2, 4, 3])

    assert [(end.verdict, outcomes.total()) for end, outcomes in ends.items()] == [
        ("service-matched", 1), ("dropped", 1),
    ]  # fmt: skip
    assert first == ("4", dropped.decision.reason)


@pytest.mark.parametrize("redact", [True, False])
def test_names_that_show_a_secret_are_told_without_it(shop, redact) -> None:
    call = replace(shop.calls[0], host="user:hunter2@web")

    ends, _ = counted([[call]], [1], redact=redact)

    assert ("hunter2" in str(ends)) is not redact


def test_of_no_calls_there_is_no_first() -> None:
    assert counted([[]], []) == ({}, None)
    assert counted([], []) == (Counter(), None)
