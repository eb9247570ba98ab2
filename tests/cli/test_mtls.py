"""``meshverdict mtls``: which connections between pods were mutual TLS."""

from __future__ import annotations

import pytest


def test_edges_are_shown_with_their_shares(cli, sleep, mesh):
    answer = cli("mtls", sleep, "-m", mesh)

    assert (answer.code, answer.err) == (0, "")
    assert "shop/reviews-v2:8080" in answer.out


def test_what_the_sidecars_sealed_is_counted_once_over_all_captures(cli, shop, mesh):
    records = cli("mtls", shop / "pods", "-m", mesh, "-o", "jsonl").records

    edges = {(edge["client"], edge["server"], edge["port"]): edge for edge in records[1:]}
    edge = edges["monitoring/prometheus-0", "shop/frontend-0", 9080]
    assert (edge["istio_mtls"], edge["plaintext"]) == (1, 2)
    assert records[0]["istio_mtls"] == sum(edge["istio_mtls"] for edge in records[1:])


@pytest.mark.parametrize(("percent", "code"), [("100", 1), ("0.1", 1), ("0", 0)])
def test_a_share_may_be_required(cli, naked, mesh, percent, code):
    assert cli("mtls", naked, "-m", mesh, "--require", percent).code == code


def test_a_share_beyond_a_hundred_is_a_matter_of_usage(cli, naked):
    assert cli("mtls", naked, "--require", "101").code == 2


def test_the_sheet_may_be_a_table(cli, naked, mesh, tmp_path):
    path = tmp_path / "sheet.csv"

    assert cli("mtls", naked, "-m", mesh, "-o", "csv", "--out", path).out == ""
    assert path.read_text().startswith('"client","server","port"')


def test_a_capture_that_breaks_off_outweighs_a_requirement(cli, cut, mesh):
    answer = cli("mtls", cut, "-m", mesh, "--require", "100")

    assert answer.code == 3
    assert answer.err.startswith("meshverdict: cut.pcap: packet ")
