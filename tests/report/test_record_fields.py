"""The meaning of each field is held against what the program writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analyzer.cli.program import run
from analyzer.report.record_fields import RECORDS, fields_page

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
SHOP = [str(CAPTURES / "shop-default" / "pods"), "-m", str(CAPTURES / "shop-default" / "mesh")]
# Objects whose keys are names from the input.
OPEN = {"packets", "fates", "kinds", "ignored", "verdicts", "skews"}
COMMANDS = {
    "analyze": ["analyze", *SHOP],
    "timeline": ["timeline", *SHOP],
    "journey": ["journey", *SHOP, "--where", "pod != null", "--most", "40"],
    "names": ["names", *SHOP],
    "mtls": ["mtls", *SHOP],
}


def names_in(record: dict, prefix: str = ""):
    for key, value in record.items():
        yield prefix + key
        if isinstance(value, dict) and key not in OPEN:
            yield from names_in(value, f"{prefix}{key}.")
        if isinstance(value, list | tuple):
            for each in value:
                if isinstance(each, dict) and key != "clusters":
                    yield from names_in(each, f"{prefix}{key}[].")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_field_that_is_written_has_its_meaning(name, capfdbinary):
    assert run([*COMMANDS[name], "-o", "jsonl"]) == 0
    lines = [json.loads(line) for line in capfdbinary.readouterr().out.decode().splitlines()]

    kinds = {record["kind"] for record in lines} - ({"run"} if name == "mtls" else set())
    for kind in kinds:
        known = {field.name for field in RECORDS[kind].fields}
        written = {each for record in lines if record["kind"] == kind for each in names_in(record)} - {"kind"}
        assert written - known == set()
        always = {field.name for field in RECORDS[kind].fields if not set(".[-?") & set(field.name + field.type)}
        assert always - written == set()
    assert kinds == {kind for kind, record in RECORDS.items() if record.written_by == name}


def test_no_meaning_is_given_twice():
    for record in RECORDS.values():
        names = [field.name for field in record.fields]
        assert len(set(names)) == len(names)


def test_a_table_survives_names_with_bars():
    rows = [line for line in fields_page() if line.startswith("| `")]

    assert all(line.replace("\\|", "").count("|") == 4 for line in rows)
