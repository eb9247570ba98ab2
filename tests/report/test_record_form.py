"""Records stand in reports so that many can be put one behind the other."""

from __future__ import annotations

import json

import pytest

from analyzer.report.record_form import DOCUMENT, LINES, RecordForm

RECORDS = ['{"id":"1"}', '{"id":"2"}']


def written(kind: str, form: RecordForm) -> str:
    return "".join(form.record(kind, record) for record in RECORDS)


@pytest.mark.parametrize("kind", ["call", "flow"])
def test_lines_say_what_they_are(kind) -> None:
    found = written(kind, LINES)

    assert [json.loads(line) for line in found.splitlines()] == [{"kind": kind, "id": "1"}, {"kind": kind, "id": "2"}]


@pytest.mark.parametrize("kind", ["call", "flow"])
def test_a_document_has_a_line_for_each_behind_a_comma(kind) -> None:
    found = written(kind, DOCUMENT)

    assert found[0] == ","
    assert json.loads(f"[{found[1:]}]") == [{"id": "1"}, {"id": "2"}]
    assert len(found.splitlines()) == 1 + len(RECORDS)
