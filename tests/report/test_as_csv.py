"""One row per call that a spreadsheet can open without harm."""

from __future__ import annotations

import csv
import io
import re

from analyzer.report.as_csv import COLUMNS, render_csv


def rows(analysis):
    return list(csv.DictReader(io.StringIO(b"".join(render_csv(analysis)).decode())))


def test_there_is_one_row_per_call_in_order(shop):
    assert [row["id"] for row in rows(shop)] == [call.id for call in shop.calls]


def test_more_rows_than_one_batch_are_all_there_once(many):
    assert [row["id"] for row in rows(many(2001))] == [call.id for call in many(2001).calls]


def test_a_row_holds_the_decision_and_what_was_seen(shop):
    row = rows(shop)[4]
    assert (row["verdict"], row["reason"], row["outbound_code"], row["outbound_flag"]) == (
        "dropped",
        "no-route",
        "404",
        "NR",
    )
    assert (row["status"], row["answered_by"], row["agrees"]) == ("404", "envoy", "true")
    assert row["yaml"] == "mesh/ratings.yaml:12 mesh/routes.yaml:40 mesh/routes.yaml:44 mesh/routes.yaml:52"


def test_what_is_not_there_is_an_empty_cell(shop):
    row = rows(shop)[7]
    assert (row["host"], row["sni"], row["status"], row["gateway_pod"]) == ("", "", "200", "")


def test_weighted_clusters_share_a_cell(shop):
    assert rows(shop)[9]["outbound_cluster"].split()[0] == "outbound|9080|v1|reviews.shop.svc.cluster.local=90"


def test_no_run_is_too_small_for_a_header(empty):
    assert b"".join(render_csv(empty)).decode().strip() == ",".join(f'"{name}"' for name, _ in COLUMNS)


def test_no_hostile_cell_is_a_formula_or_another_row(hostile):
    text = b"".join(render_csv(hostile)).decode()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028]", text)
    found = rows(hostile)
    assert len(found) == len(hostile.calls)
    assert not [cell for row in found for cell in row.values() if cell and cell[0] in "=+-@\t\r\n"]


def test_a_secret_is_shown_only_to_who_asks_for_it(shop):
    assert b"CANARY" not in b"".join(render_csv(shop))
    assert b"CANARY" in b"".join(render_csv(shop, redact=False))
