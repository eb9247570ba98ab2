"""Who waits is told how far a run is, and never that it went back."""

from __future__ import annotations

import pytest

from analyzer.base.watch import UNWATCHED, Watch


@pytest.fixture
def told():
    return []


@pytest.fixture
def watch(told) -> Watch:
    return Watch(lambda *each: told.append(each), 1000)


def test_the_size_goes_with_every_word(watch, told) -> None:
    watch.tell("reading", 0.25)

    assert told == [("reading", 0.25, 1000)]


def test_a_part_of_a_part_is_told_as_of_the_whole(watch, told) -> None:
    watch.part(0.5, 1.0).part(0.0, 0.5).tell("verdicts", 0.5)

    assert told == [("verdicts", 0.625, 1000)]


def test_items_pass_unchanged(watch) -> None:
    assert list(watch.over("calls", range(1000))) == list(range(1000))


def test_of_many_items_only_some_are_told(watch, told) -> None:
    list(watch.over("calls", range(100_000)))

    assert 100 < len(told) < 150
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_no_items_are_no_words(watch, told) -> None:
    assert list(watch.over("calls", [])) == []
    assert told == []


def test_where_nobody_waits_nothing_is_told() -> None:
    UNWATCHED.tell("reading")

    assert list(UNWATCHED.over("calls", "abc")) == ["a", "b", "c"]


def test_a_silent_watch_tells_nothing_and_ends_with_the_other_one(told) -> None:
    asked = [0]
    watch = Watch(lambda *each: told.append(each), 1000, stop=lambda: asked[0])
    silent = watch.silent()

    silent.tell("a")
    ends = [silent.is_stopped]
    asked[0] = 1
    ends += [silent.is_stopped, watch.heed().silent().is_stopped]

    assert (told, ends) == ([], [False, True, False])
