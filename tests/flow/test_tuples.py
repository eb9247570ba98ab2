"""Tuples without direction, and their numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.flow import tuples
from analyzer.flow.tuples import canonical_tuples, number_rows

columns = st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2), st.integers(0, 3)), max_size=20)


def test_both_directions_have_one_tuple(wire) -> None:
    wire.packet("10.0.0.1:1", "10.0.0.2:2").packet("10.0.0.2:2", "10.0.0.1:1")

    found, swapped = canonical_tuples(wire.packets(), np.arange(2))

    assert (found[:, 0] == found[:, 1]).all()
    assert swapped.tolist() == [False, True]


def test_equal_ends_are_not_swapped(wire) -> None:
    wire.packet("10.0.0.1:7", "10.0.0.1:7")

    assert not canonical_tuples(wire.packets(), np.arange(1))[1].any()


def test_ports_of_one_address_are_kept_apart(wire) -> None:
    wire.packet("127.0.0.1:1", "127.0.0.1:2").packet("127.0.0.1:1", "127.0.0.1:3")

    found, _ = canonical_tuples(wire.packets(), np.arange(2))

    assert len(set(number_rows(found).tolist())) == 2


def test_ipv4_is_not_taken_for_ipv4_mapped_ipv6(wire) -> None:
    wire.packet("10.0.0.1:1", "10.0.0.2:2").packet("[::ffff:10.0.0.1]:1", "[::ffff:10.0.0.2]:2")

    found, _ = canonical_tuples(wire.packets(), np.arange(2))

    assert len(set(number_rows(found).tolist())) == 2


@given(rows=columns)
@settings(max_examples=100, deadline=None)
def test_numbers_are_equal_exactly_where_the_rows_are(rows) -> None:
    numbers = number_rows(np.array(rows, np.int64).reshape(-1, 3).T.copy()).tolist()

    same = [[a == b for b in numbers] for a in numbers]

    assert same == [[a == b for b in rows] for a in rows]


def test_rows_that_share_a_hash_are_still_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuples, "_SPREAD", np.uint64(0))

    numbers = number_rows(np.array([[1, 2, 1], [5, 6, 5]]))

    assert numbers[0] == numbers[2] != numbers[1]
