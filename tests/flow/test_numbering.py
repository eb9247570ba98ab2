"""Tuples as numbers: the hash table and the sort say the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.fact import replace
from analyzer.base.kernel import run_kernel
from analyzer.capture.decode import blank_table
from analyzer.flow import numbering
from analyzer.flow.numbering import Numbering, number_ends, number_packets, number_tuples
from analyzer.flow.tuples import canonical_tuples

# Ends that differ in one thing each: a half of the address, its sign, the port.
HALVES = (0, 1, -1, 1 << 40, -(1 << 62))
ends = st.tuples(st.sampled_from(HALVES), st.sampled_from(HALVES), st.sampled_from((0, 80, 65_535)))
packets = st.lists(st.tuples(ends, ends, st.sampled_from((4, 6))), max_size=30)


def columns_of(rows):
    src, dst = ([row[side] for row in rows] for side in (0, 1))
    (src_hi, src_lo, src_port), (dst_hi, dst_lo, dst_port) = (
        np.array(end, np.int64).reshape(-1, 3).T.copy() for end in (src, dst)
    )
    version = np.array([row[2] for row in rows], np.uint8)
    return (src_hi, src_lo, src_port.astype(np.uint16), dst_hi, dst_lo, dst_port.astype(np.uint16), version)


def table_of(rows):
    names = ("src_hi", "src_lo", "src_port", "dst_hi", "dst_lo", "dst_port", "ip_version")
    return replace(blank_table(len(rows)), **dict(zip(names, columns_of(rows), strict=True)))


def numbered(columns, *, compile_rows: int) -> list[int] | None:
    count = len(columns[0])
    numbers = np.zeros(count, np.int64)
    slots, tuples = np.empty(1 << 14, np.int32), np.empty((count, 6), np.int64)
    arguments = np.arange(count), np.zeros(2, np.int64), slots, tuples, numbers
    found = run_kernel(number_tuples, 0, columns, *arguments, compile_rows=compile_rows)
    return numbers.tolist() if found >= 0 else None


@given(rows=packets)
@settings(max_examples=50, deadline=None)
def test_packets_have_one_number_exactly_where_their_ends_and_versions_are_the_same(rows) -> None:
    numbers = numbered(columns_of(rows), compile_rows=1)

    same = [[a >> 1 == b >> 1 for b in numbers] for a in numbers]

    assert same == [[a[2] == b[2] and sorted(a[:2]) == sorted(b[:2]) for b in rows] for a in rows]


@given(rows=packets)
@settings(max_examples=50, deadline=None)
def test_the_greater_end_sent_where_a_number_is_odd(rows) -> None:
    numbers = numbered(columns_of(rows), compile_rows=1)

    assert [number & 1 for number in numbers] == [int(src > dst) for src, dst, _ in rows]


@given(rows=packets)
@settings(max_examples=50, deadline=None)
def test_compiled_or_not_the_numbers_are_the_same(rows) -> None:
    assert numbered(columns_of(rows), compile_rows=0) == numbered(columns_of(rows), compile_rows=1)


def test_the_table_grows_with_the_tuples() -> None:
    rows = [((0, n, 1), (0, n + 1, 2), 4) for n in range(5_000)]

    assert numbered(columns_of(rows), compile_rows=1) == [2 * n for n in range(5_000)]


def test_tuples_that_all_meet_in_one_slot_are_given_up(monkeypatch) -> None:
    monkeypatch.setattr(numbering, "_SPREAD", 0)
    rows = [((0, n, 1), (0, n + 1, 2), 4) for n in range(2_000)]

    assert numbered(columns_of(rows), compile_rows=1) is None


@given(rows=packets)
@settings(max_examples=50, deadline=None)
def test_the_hash_table_tells_apart_what_sorting_does(rows) -> None:
    table = table_of(rows)

    hashed = number_packets(table, np.arange(len(rows)), compile_rows=0)
    ordered = number_packets(table, np.arange(len(rows)))

    assert [(hashed == number).tolist() for number in hashed] == [(ordered == number).tolist() for number in ordered]


@given(rows=packets, size=st.integers(1, 12))
@settings(max_examples=50, deadline=None)
def test_tuples_that_come_part_by_part_have_the_numbers_of_their_first_appearance(rows, size) -> None:
    tuples = canonical_tuples(table_of(rows), np.arange(len(rows)))[0]
    numbering = Numbering()

    parts = [numbering.numbers_of(tuples[:, first : first + size]) for first in range(0, len(rows), size)]
    numbers = np.concatenate([np.empty(0, np.int64), *parts])

    assert list(dict.fromkeys(numbers.tolist())) == list(range(len(numbering)))
    assert numbering.tuples[:, numbers].tolist() == tuples.tolist()


def test_a_numbering_grows_with_what_comes() -> None:
    tuples = canonical_tuples(table_of([((0, n, 1), (0, n + 1, 2), 4) for n in range(9_000)]), np.arange(9_000))[0]
    numbering = Numbering()

    found = [numbering.numbers_of(tuples[:, first:stop]) for first, stop in ((0, 10), (5, 5_000), (0, 9_000))]

    assert [numbers.tolist() for numbers in found] == [
        list(range(10)), list(range(5, 5_000)), list(range(9_000)),
    ]  # fmt: skip


def test_tuples_that_were_made_to_meet_have_no_numbers(monkeypatch) -> None:
    monkeypatch.setattr(numbering, "_SPREAD", 0)
    tuples = canonical_tuples(table_of([((0, n, 1), (0, n + 1, 2), 4) for n in range(2_000)]), np.arange(2_000))[0]

    assert Numbering().numbers_of(tuples) is None


@pytest.mark.parametrize("spread", [numbering._SPREAD, 0])
def test_ends_have_one_number_where_they_are_equal_and_so_have_their_addresses(monkeypatch, spread) -> None:
    """Also where their tuples were made to meet."""
    monkeypatch.setattr(numbering, "_SPREAD", spread)
    places = np.arange(6_000) * 7 % 5_000
    hi, lo, port = places // 1_000, places // 2 % 500, places % 2

    ends, address_of = number_ends(hi, lo, port)

    assert sorted(set(ends.tolist())) == list(range(5_000))
    assert len(set(zip(ends.tolist(), places.tolist(), strict=True))) == 5_000
    addresses = set(zip(address_of[ends].tolist(), (hi * 1_000 + lo).tolist(), strict=True))
    assert sorted(number for number, _ in addresses) == list(range(2_500))
