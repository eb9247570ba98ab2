"""Items some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in their order, ``size`` at a time; the last ones are fewer. ``itertools.batched`` came with 3.12."""
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch
