"""What is judged elsewhere counts as if it were here."""

from __future__ import annotations

from analyzer.verdict.beside import NOTHING_BESIDE, Beside


def test_nothing_beside_names_nobody() -> None:
    assert Beside(frozenset(), frozenset(), frozenset()) == NOTHING_BESIDE
