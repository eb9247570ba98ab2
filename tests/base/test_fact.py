"""Facts are values: equal, hashable, and as they were made."""

from dataclasses import dataclass

import pytest

from analyzer.base.fact import Fact, field, replace, set_derived


class Span(Fact, frozen=True, order=True):
    first: int
    last: int = 0
    length: int = 0

    def __post_init__(self) -> None:
        set_derived(self, "length", self.last - self.first)


@dataclass(frozen=True)
class Plain:
    first: int
    last: int = 0


def test_equal_facts_are_one_key() -> None:
    assert len({Span(1, 2), Span(1, 2), Span(1, 3)}) == 2


def test_facts_sort_by_their_fields_where_they_say_so() -> None:
    assert sorted([Span(2, 0), Span(1, 9), Span(1, 3)]) == [Span(1, 3), Span(1, 9), Span(2, 0)]


def test_a_fact_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Span(1, 2).first = 3


def test_what_is_derived_follows_a_change() -> None:
    assert replace(Span(1, 2), last=9).length == 8


def test_a_dataclass_can_be_replaced_too() -> None:
    assert replace(Plain(1, 2), last=9) == Plain(1, 9)


class Held(Fact, frozen=True):
    values: dict[str, int] = field(default_factory=dict)


def test_facts_share_no_default() -> None:
    Held().values["a"] = 1

    assert Held().values == {}


class Own(Fact, frozen=True, eq=False):
    first: int


def test_facts_may_be_told_apart_by_what_they_are() -> None:
    one, same = Own(1), Own(1)

    assert len({one, same}) == 2
    assert one in {one}
