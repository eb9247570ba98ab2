"""One typed row per call, for what comes after."""

from __future__ import annotations

import io
import sys

import pytest

from analyzer.base.errors import UsageError
from analyzer.notebook import Run
from analyzer.report import as_parquet
from analyzer.report.as_csv import COLUMNS
from analyzer.report.as_parquet import render_parquet, require_pyarrow
from analyzer.report.wording import format_time

# What the notebook's frame has as one text.
FLAT = {
    "time": lambda value: format_time(value.value),
    "undetermined": " ".join,
    "alpn": " ".join,
    "yaml": " ".join,
    "packets": lambda spans: " ".join(f"{span['capture']}:{span['first']}-{span['last']}" for span in spans),
}


@pytest.fixture
def parquet():
    return pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def table(parquet):
    return lambda analysis, **how: parquet.read_table(io.BytesIO(b"".join(render_parquet(analysis, **how))))


def test_pandas_reads_the_frame_of_a_notebook(shop, table):
    import pandas

    frame = table(shop, redact=False).to_pandas()
    for name, flat in FLAT.items():
        frame[name] = frame[name].map(flat)

    expected = Run(shop).calls
    # A column without any value has no type of its own in a notebook.
    for name in expected.columns[expected.isna().all()]:
        expected[name] = expected[name].astype(frame[name].dtype)
    pandas.testing.assert_frame_equal(frame, expected, check_dtype=False)


def test_the_types_are_the_documented_ones(shop, table):
    schema = table(shop).schema

    assert schema.names == [name for name, _ in COLUMNS]
    assert {
        name: str(schema.field(name).type) for name in ("time", "verdict", "status", "agrees", "alpn", "packets")
    } == {
        "time": "timestamp[ns, tz=UTC]",
        "verdict": "string",
        "status": "int64",
        "agrees": "bool",
        "alpn": "list<element: string>",
        "packets": "list<element: struct<capture: string, first: int64, last: int64>>",
    }
    assert schema.metadata[b"meshverdict.calls"] == b"1"


def test_what_is_not_there_is_null(shop, table):
    row = table(shop).to_pylist()[7]

    assert (row["host"], row["sni"], row["gateway_cluster"], row["alpn"]) == (None, None, None, [])


def test_more_rows_than_one_group_are_all_there_once(many, monkeypatch, parquet):
    monkeypatch.setattr(as_parquet, "_BATCH_ROWS", 4)
    monkeypatch.setattr(as_parquet, "_GROUP_BATCHES", 2)
    pieces = list(render_parquet(many(20)))

    found = parquet.ParquetFile(io.BytesIO(b"".join(pieces)))

    assert (len(pieces), found.num_row_groups) == (4, 3)
    assert found.read()["id"].to_pylist() == [call.id for call in many(20).calls]


def test_a_run_without_calls_has_its_columns(empty, table):
    assert (table(empty).num_rows, table(empty).num_columns) == (0, len(COLUMNS))


@pytest.mark.usefixtures("parquet")
def test_equal_runs_give_equal_bytes(shop):
    assert b"".join(render_parquet(shop)) == b"".join(render_parquet(shop))


def test_nothing_in_it_steers_a_terminal(hostile, table):
    texts = [value for row in table(hostile).to_pylist() for value in row.values() if isinstance(value, str)]

    assert texts
    assert all(text.isprintable() for text in texts)


def test_a_secret_is_shown_only_to_who_asks_for_it(shop, table):
    assert "CANARY" not in str(table(shop).to_pylist())
    assert "CANARY" in str(table(shop, redact=False).to_pylist())


def test_without_pyarrow_one_line_says_what_to_install(monkeypatch, shop):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)

    with pytest.raises(UsageError, match=r"pip install 'meshverdict\[parquet\]'"):
        require_pyarrow()
    with pytest.raises(UsageError):
        list(render_parquet(shop))
