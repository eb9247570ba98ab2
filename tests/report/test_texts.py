"""Texts are found by the numbers that they were given, until they are forgotten."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.report.texts import Texts


def text_of(texts: Texts, number: int) -> bytes:
    data, spans = texts.since(0)
    begin, length = spans[number].tolist()
    return data[begin : begin + length]


def all_of(texts: Texts) -> list[bytes]:
    return [text_of(texts, number) for number in range(len(texts))]


def test_a_new_table_has_the_empty_text_alone() -> None:
    texts = Texts()

    assert (all_of(texts), texts.size, texts.number("")) == ([b""], 0, 0)


def test_a_text_that_is_kept_has_one_number() -> None:
    texts = Texts()

    numbers = [texts.number(each) for each in ("a", "b", "a", "", "b")]

    assert numbers == [1, 2, 1, 0, 2]
    assert all_of(texts) == [b"", b"a", b"b"]


def test_bytes_that_are_added_have_a_number_of_their_own_each_time() -> None:
    texts = Texts()

    assert [texts.add(b"a"), texts.add(b"a"), texts.number("a")] == [1, 2, 3]
    assert all_of(texts) == [b"", b"a", b"a", b"a"]


@pytest.mark.parametrize(
    "words", [[], [""], ["a", "", "bc"], ["\xe9", "z", "\u20ac\U0001f310", ""], ["ab", "\xff" * 9]]
)
def test_many_texts_are_added_in_their_order(words) -> None:
    texts = Texts()
    texts.number("before")

    numbers = texts.add_texts(words)

    assert numbers.tolist() == list(range(2, 2 + len(words)))
    assert [text_of(texts, number).decode() for number in numbers.tolist()] == words


def test_texts_that_follow_each_other_are_parted_by_their_lengths() -> None:
    texts = Texts()

    numbers = texts.add_all(b"abcde", np.array([2, 0, 3]))

    assert [text_of(texts, number) for number in numbers.tolist()] == [b"ab", b"", b"cde"]


def test_what_came_since_a_mark_is_forgotten_and_its_numbers_are_given_again() -> None:
    texts = Texts()
    texts.number("kept")
    mark = texts.mark()
    texts.add_texts(["x", "yy", "\xe9"])

    texts.cut(mark)

    assert (len(texts), texts.size, all_of(texts)) == (2, 4, [b"", b"kept"])
    assert texts.number("kept") == 1
    assert texts.add(b"again") == 2
    assert all_of(texts) == [b"", b"kept", b"again"]


def test_a_mark_behind_which_nothing_came_forgets_nothing() -> None:
    texts = Texts()
    texts.number("kept")

    texts.cut(texts.mark())

    assert all_of(texts) == [b"", b"kept"]


def test_what_is_seen_of_a_table_does_not_hold_it() -> None:
    texts = Texts()
    mark = texts.mark()
    texts.add(b"forgotten")
    seen = texts.since(1)

    texts.cut(mark)

    assert texts.number("a" * 100_000) == 1
    assert (seen[0], seen[1].tolist()) == (b"forgotten", [[0, 9]])


steps = st.one_of(
    st.tuples(st.just("number"), st.text(max_size=4)),
    st.tuples(st.just("add"), st.binary(max_size=4)),
    st.tuples(st.just("add_texts"), st.lists(st.text(max_size=4), max_size=4)),
    st.tuples(st.just("forget"), st.lists(st.binary(max_size=4), max_size=4)),
)


@given(steps=st.lists(steps, max_size=12))
@settings(max_examples=100, deadline=None)
def test_whatever_was_done_each_number_has_its_text(steps) -> None:
    texts, expected, kept = Texts(), [b""], {"": 0}
    for name, what in steps:
        if name == "forget":
            mark = texts.mark()
            for each in what:
                texts.add(each)
            texts.cut(mark)
            continue
        getattr(texts, name)(what)
        if name == "number":
            if what not in kept:
                kept[what] = len(expected)
                expected.append(what.encode())
        else:
            expected += [what] if name == "add" else [each.encode() for each in what]

    assert all_of(texts) == expected
    assert {word: texts.number(word) for word in kept} == kept
