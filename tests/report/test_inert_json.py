"""JSON inside a page."""

from __future__ import annotations

import json

from analyzer.report.inert_json import CELL_LENGTH, cell, encoded


def test_what_is_encoded_comes_back_and_ends_no_element() -> None:
    text = encoded({"a": "</script>&<!--"})

    assert not set("<>&") & set(text)
    assert json.loads(text) == {"a": "</script>&<!--"}


def test_a_cell_is_visible_and_not_endless() -> None:
    assert cell("a\x1b[2J") == "a\\x1b[2J"
    assert len(cell("x" * 5000)) == CELL_LENGTH
