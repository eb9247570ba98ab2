"""The page is measured by the browser."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("selenium")
pytestmark = pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")), reason="no chromium with its driver"
)


@pytest.fixture
def page(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(request.config.rootpath / "benchmarks")
        import page

        yield page


def test_opening_filtering_and_sorting_are_told_in_milliseconds(page, request) -> None:
    example: Path = request.config.rootpath / "reports" / "example.html"

    done = CliRunner().invoke(page.main, [str(example), "--runs", "1"])

    assert done.exit_code == 0, done.output
    told = [line.split() for line in done.output.splitlines()[1:]]
    assert [line[0] for line in told] == ["open", *["filter"] * len(page.TYPED), "sort"]
    assert all(float(line[-2]) > 0 for line in told)
