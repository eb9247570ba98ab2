"""Every format of a pipeline takes every kind of issues."""

from __future__ import annotations

import pytest

from analyzer.report.forges import FORGES
from analyzer.report.issues import issues_of_run


@pytest.mark.parametrize("name", sorted(FORGES))
def test_a_format_gives_bytes_without_secrets(shop, name: str) -> None:
    written = b"".join(FORGES[name](issues_of_run(shop)))

    assert written.endswith(b"\n")
    assert b"CANARY" not in written


@pytest.mark.parametrize("name", sorted(FORGES))
def test_the_same_issues_give_the_same_bytes(shop, name: str) -> None:
    issues = issues_of_run(shop)

    assert b"".join(FORGES[name](issues)) == b"".join(FORGES[name](issues))
