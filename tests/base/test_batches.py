"""Batches are the items, some at a time."""

import pytest

from analyzer.base.batches import batches


@pytest.mark.parametrize(
    ("items", "expected"),
    [("", []), ("ab", [["a", "b"]]), ("abc", [["a", "b"], ["c"]]), ("abcd", [["a", "b"], ["c", "d"]])],
)
def test_the_last_batch_may_have_fewer_items(items: str, expected: list[list[str]]) -> None:
    assert list(batches(iter(items), 2)) == expected
