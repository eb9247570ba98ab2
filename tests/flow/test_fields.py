"""Columns give of each connection what it has, and of many what they share once."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.flow.connection import Endpoint
from analyzer.flow.fields import Coded, Endpoints, Names

STATES = Coded.of(["SF", "S0", "SF", None])
ENDS = Endpoints(Coded.of(["10.0.0.1", "fd00::1", "10.0.0.1"]), np.array([80, 443, 0]))


def test_values_that_many_have_are_kept_once() -> None:
    assert (STATES.values, STATES.codes.tolist()) == (["SF", "S0", None], [0, 1, 0, 2])
    assert (len(STATES), [STATES[index] for index in range(4)]) == (4, ["SF", "S0", "SF", None])


def test_each_value_is_numbered_once() -> None:
    asked = []

    def number(value) -> int:
        asked.append(value)
        return 10 + len(asked)

    assert STATES.numbers(number, np.array([3, 0, 2])).tolist() == [13, 11, 11]
    assert asked == ["SF", "S0", None]


def test_endpoints_are_made_when_they_are_asked_for() -> None:
    found = [ENDS[index] for index in range(len(ENDS))]

    assert found == [Endpoint("10.0.0.1", 80), Endpoint("fd00::1", 443), Endpoint("10.0.0.1", 0)]
    assert ENDS.texts() == list(map(str, found))


def test_names_are_texts() -> None:
    names = Names(np.array([b"Cab", b"Ccd"]))

    assert (len(names), names[0], names[1]) == (2, "Cab", "Ccd")


@pytest.mark.parametrize("field", [STATES, ENDS, Names(np.array([b"Cab"]))])
def test_a_connection_that_is_not_there_has_nothing(field) -> None:
    with pytest.raises(IndexError):
        field[len(field)]
