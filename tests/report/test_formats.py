"""Each format that ``-o`` names gives the bytes of a whole run."""

from __future__ import annotations

import pytest

from analyzer.report.formats import FORMATS


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_gives_the_same_bytes_for_the_same_run_and_no_secret(shop, name):
    report = b"".join(FORMATS[name](shop))
    assert report == b"".join(FORMATS[name](shop))
    assert report
    assert b"CANARY" not in report
