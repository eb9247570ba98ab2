"""Reasons as codes."""

from __future__ import annotations

import re

import pytest

from analyzer.base.oddity import Code, Family
from analyzer.verdict import reasons

CODES = [value for value in vars(reasons).values() if isinstance(value, Code)]


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.name)
def test_a_reason_explains_itself(code: Code) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code.name)
    assert code.family in (Family.REASON, Family.UNDETERMINED)
    assert len(code.explanation) > 30


def test_names_are_unique() -> None:
    assert len({code.name for code in CODES}) == len(CODES)


def test_every_reason_is_listed() -> None:
    assert {name for name, value in vars(reasons).items() if isinstance(value, Code)} == set(reasons.__all__)
