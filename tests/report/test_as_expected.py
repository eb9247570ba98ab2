"""The file of recorded ends: one line per end, stable, to be reviewed."""

from __future__ import annotations

from analyzer.report.as_expected import render_expected
from analyzer.verdict.check.expected import record_ends


def written(calls) -> str:
    return b"".join(render_expected(record_ends(calls))).decode()


def test_each_end_is_one_line(shop) -> None:
    text = written(shop.calls[:4])

    assert text.startswith("# Who called what")
    assert '  - {verdict: "service-matched", cluster: "outbound|9080||reviews' in text
    assert text.count("- from:") == 3 - 1


def test_the_order_of_the_calls_does_not_count(shop) -> None:
    assert written(shop.calls) == written(shop.calls[::-1])


def test_a_run_without_calls_is_an_empty_list() -> None:
    assert written(()).splitlines()[1] == "[]"
