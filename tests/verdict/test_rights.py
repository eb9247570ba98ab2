"""Calls counted in columns are those that are counted one by one."""

from __future__ import annotations

import random

import numpy as np
import pytest

from analyzer.base.packing import pack, unpack
from analyzer.verdict.compare import CallKey
from analyzer.verdict.parting import Kind, Kinds
from analyzer.verdict.rights import RightLog, Rights
from made.counted import counted, counts_of, taken

CLIENTS = ["shop/a", "shop/b", "10.9.0.1"]
ASKED = [("web", "http/1.1", "GET"), ("web", "http/1.1", "POST"), ("10.8.0.1:6379", "tcp", "")]
PATHS = ["/", "/orders/*", ""]
Call = tuple[str, tuple[str, str, str], str, int]


def some_calls(count: int, *, seed: int = 0) -> list[Call]:
    """Calls with who calls what, and when they begin: in any order."""
    rng = random.Random(seed)
    return [(*map(rng.choice, (CLIENTS, ASKED, PATHS)), rng.randrange(-5, 10_000)) for _ in range(count)]


def key_of(call: Call) -> CallKey:
    client, asked, path, _ = call
    return CallKey(client, *asked, path)


def kinds_of(calls: list[Call]) -> Kinds:
    kinds: Kinds = {}
    for call in calls:
        kinds.setdefault(key_of(call), Kind()).add_right(1, call[3], call[3])
    return kinds


def add(log: RightLog, calls: list[Call], *, seed: int = 0) -> None:
    """Let a log count calls by names in some order, of which some are there twice."""
    tables = [
        random.Random(seed + n).sample(names * 2, len(names) * 2) for n, names in enumerate((CLIENTS, ASKED, PATHS))
    ]
    which = [[table.index(call[n]) for call in calls] for n, table in enumerate(tables)]
    begin_ns = np.array([call[3] for call in calls], np.int64)
    log.add(*tables, np.array(which, np.int64).reshape(3, -1), begin_ns)


def rights_of(calls: list[Call]) -> Rights:
    log = RightLog()
    add(log, calls)
    return log.take()


# Counting.


@pytest.mark.parametrize("count", [0, 1, 2, 500])
def test_calls_in_columns_are_counted_as_one_by_one(count) -> None:
    calls = some_calls(count)

    assert counts_of(rights_of(calls)) == counted(kinds_of(calls))


@pytest.mark.parametrize("seed", range(5))
def test_calls_that_come_in_parts_are_counted_together(seed) -> None:
    log, rng, calls = RightLog(), random.Random(seed), []
    for number in range(30):
        part = some_calls(rng.choice([0, 1, 3, 100]), seed=100 * seed + number)
        if rng.random() < 0.5:
            add(log, part, seed=number)
        else:
            log.add_kinds(kinds_of(part))
        calls += part

    assert taken(log) == counted(kinds_of(calls)) != {}


def test_kinds_of_which_no_call_agrees_are_not_counted() -> None:
    log, kinds = RightLog(), {key_of(call): Kind() for call in some_calls(9)}

    log.add_kinds(kinds)

    assert taken(log) == {}


def test_moments_are_exact_where_a_float_would_round_them() -> None:
    (client, asked, path, _), late = some_calls(1)[0], (1 << 62) + 1

    assert [*counts_of(rights_of([(client, asked, path, late + n) for n in (1, 0, 2)])).values()] == [
        (3, late, late + 2)
    ]


def test_what_is_kept_grows_with_who_calls_what_and_not_with_the_calls() -> None:
    log = RightLog()
    for number in range(20):
        add(log, some_calls(1000, seed=number))
        assert len(pack(log)) < 8000

    assert sum(count for count, *_ in taken(log).values()) == 20_000


# Taking.


def test_what_was_taken_is_not_counted_again() -> None:
    log, calls = RightLog(), some_calls(50)
    add(log, some_calls(50, seed=1))
    log.take()

    add(log, calls)

    assert taken(log) == counted(kinds_of(calls))
    assert taken(log) == {}


def test_what_is_taken_of_the_same_calls_is_the_same_whatever_was_counted_before() -> None:
    log = RightLog()
    add(log, some_calls(50, seed=1), seed=1)
    log.take()

    add(log, some_calls(50))

    assert pack(log.take()) == pack(rights_of(some_calls(50)))


def test_another_process_gets_what_was_taken() -> None:
    rights = rights_of(some_calls(50))

    assert counts_of(unpack(pack(rights))) == counts_of(rights) != {}


# Looking up.


@pytest.mark.parametrize("chosen", [slice(0, 0), slice(0, 1), slice(3, 9), slice(None)])
def test_kinds_that_are_there_are_counted_and_no_others(chosen) -> None:
    calls = some_calls(500)
    expected = counted(kinds_of(calls))
    kinds: Kinds = {key: Kind() for key in sorted(expected)[chosen]}

    rights_of(calls).count_among(kinds)

    assert counted(kinds) == {key: expected[key] for key in kinds}


def test_the_counts_of_several_processes_are_added_up() -> None:
    calls = some_calls(90)
    kinds: Kinds = {key_of(call): Kind() for call in calls}

    for part in (calls[:20], calls[20:80], calls[80:]):
        rights_of(part).count_among(kinds)

    assert counted(kinds) == counted(kinds_of(calls))


@pytest.mark.parametrize(
    "other",
    [
        CallKey("shop/b", "web", "http/1.1", "GET", "/"),
        CallKey("shop/a", "web", "http/1.1", "POST", "/"),
        CallKey("shop/a", "web", "http/1.1", "GET", ""),
        CallKey("shop/nobody", "web", "http/1.1", "GET", "/"),
    ],
)
def test_a_kind_of_which_no_call_agrees_stays_as_it_is(other) -> None:
    kinds = {other: Kind(), CallKey("shop/a", "web", "http/1.1", "GET", "/"): Kind()}
    calls = [("shop/a", ASKED[0], "/", 7), ("shop/b", ASKED[1], "", 8)]

    rights_of(calls).count_among(kinds)

    assert [kind.right for kind in kinds.values()] == [0, 1]


def test_where_nothing_was_counted_nothing_is_found() -> None:
    kinds = {key_of(call): Kind() for call in some_calls(3)}

    rights_of([]).count_among(kinds)

    assert counted(kinds) == {}
