"""Items that a thread makes ahead are the same items."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from threading import Event, active_count

import pytest

from analyzer.base.ahead import made_ahead


@pytest.mark.parametrize("items", [[], [None], [3, 1, 2], list(range(100))])
def test_they_come_in_their_order(items) -> None:
    assert list(made_ahead(items)) == items


def test_the_next_one_is_made_while_one_is_used() -> None:
    made = Event()

    def items() -> Iterator[int]:
        yield 1
        made.set()
        yield 2

    for _ in made_ahead(items()):
        assert made.wait(timeout=10)


def test_no_more_than_two_are_made_ahead() -> None:
    begun: list[int] = []

    def items() -> Iterator[int]:
        for number in count(1):
            begun.append(number)
            yield number

    assert list(islice(made_ahead(items()), 3)) == [1, 2, 3]
    assert len(begun) <= 5


def test_what_is_raised_comes_behind_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("no room")

    found = made_ahead(items())

    assert next(found) == 1
    with pytest.raises(OSError, match="no room"):
        next(found)


def test_whoever_stops_early_leaves_no_thread_behind() -> None:
    before = active_count()
    found = made_ahead(count())
    next(found)

    found.close()

    assert active_count() == before
