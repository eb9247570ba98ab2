"""The library as a notebook uses it, by the names that the package shows."""

from __future__ import annotations

from pathlib import Path

import pytest

import analyzer as az
from analyzer.base.errors import CaptureError, MeshError, UsageError
from analyzer.cli.program import run as command_line
from analyzer.report.as_csv import COLUMNS
from analyzer.report.as_json import render_jsonl

SHOP = Path(__file__).resolve().parents[1] / "captures" / "shop-default"
STRICT = SHOP.with_name("shop-strict")
NAKED = SHOP / "pods" / "legacy_naked-0.any.pcap"
CLUSTER = "outbound|9080||frontend.shop.svc.cluster.local"


@pytest.fixture(scope="module")
def mesh():
    return az.load_mesh(SHOP / "mesh")


@pytest.fixture(scope="module")
def run(mesh):
    return az.analyze(NAKED, mesh)


# The names.


def test_every_promised_name_is_there() -> None:
    assert all(callable(getattr(az, name)) for name in az.__all__)


def test_a_name_that_is_not_promised_is_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'unheard_of'"):
        az.unheard_of  # noqa: B018


# The mesh.


def test_a_mesh_may_lie_in_several_places(tmp_path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text("outboundTrafficPolicy: {mode: REGISTRY_ONLY}\n")

    mesh = az.load_mesh(str(SHOP / "mesh"), mesh_config=settings)

    assert mesh.config.outbound_policy == "REGISTRY_ONLY"
    assert mesh.pod("shop", "sleep-0") is not None


def test_a_mesh_that_is_not_there_is_an_error(tmp_path) -> None:
    with pytest.raises(MeshError):
        az.load_mesh(tmp_path / "gone")


# Runs.


def test_calls_are_a_table_with_the_columns_of_csv(run) -> None:
    calls = run.calls

    assert list(calls.columns) == [name for name, _ in COLUMNS]
    assert len(calls) == len(run.analysis.calls)
    assert set(calls.query("verdict == 'passthrough'")["verdict"]) == {"passthrough"}


def test_captures_may_be_a_folder_a_list_or_a_pattern(mesh) -> None:
    by_list = az.analyze([NAKED, str(SHOP / "pods" / "shop_frontend-0.any.pcap")], mesh)
    by_pattern = az.analyze(str(SHOP / "pods" / "legacy_naked-0.any.*"), mesh)

    assert len(by_list.analysis.captures) == 2
    assert len(by_pattern.analysis.captures) == 1


def test_a_run_may_be_cut_to_an_interval(run, mesh) -> None:
    calls = run.analysis.calls

    found = az.analyze(NAKED, mesh, since_ns=calls[1].first_ns, until_ns=calls[3].first_ns)

    assert found.analysis.calls == calls[1:3]


def test_without_captures_there_is_no_run(tmp_path) -> None:
    with pytest.raises(CaptureError):
        az.analyze(tmp_path)


def test_a_call_is_explained_by_its_id(run) -> None:
    assert run.explain(1) == run.explain("1")
    assert "legacy/naked-0" in run.explain(1)
    assert max(map(len, run.explain(1, width=60).splitlines())) <= 60


@pytest.mark.parametrize("wrong", [0, 999, "first"])
def test_a_call_that_there_is_not_is_a_matter_of_usage(run, wrong) -> None:
    with pytest.raises(UsageError, match=f"explain: found no call {wrong}; the run has {len(run.analysis.calls)}"):
        run.explain(wrong)


# Invented calls.


def test_an_invented_call_is_followed_through_the_mesh(mesh) -> None:
    decision = az.route(mesh, source="shop/sleep-0", to="10.96.0.11:9080", host="frontend")

    assert (decision.verdict, decision.outbound.cluster) == ("service-matched", CLUSTER)


def test_an_invented_call_may_have_headers_and_tls(mesh) -> None:
    with_header = az.route(mesh, source="shop/sleep-0", to="10.96.0.11:9080", host="frontend", headers={"X-User": "a"})
    with_tls = az.route(
        mesh, source="shop/sleep-0", to="203.0.113.11:443", protocol="tcp", tls="tls", sni="secure.example.com",
        alpn=["h2"],
    )  # fmt: skip

    assert with_header.outbound.cluster == CLUSTER
    assert with_tls.outbound.cluster == "outbound|443||secure.example.com"


def test_an_ipv6_address_stands_in_brackets(mesh) -> None:
    assert az.route(mesh, source="shop/sleep-0", to="[2001:db8::1]:80").verdict == "passthrough"


@pytest.mark.parametrize("to", ["10.96.0.11", "10.96.0.11:", "10.96.0.11:http", "frontend:80"])
def test_an_address_that_is_none_is_a_matter_of_usage(mesh, to) -> None:
    with pytest.raises(UsageError):
        az.route(mesh, source="shop/sleep-0", to=to)


# Runs kept and compared.


def test_a_saved_run_equals_itself(run, tmp_path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(b"".join(render_jsonl(run.analysis)))

    saved = az.load_run(path)

    assert az.compare(saved, run) == ()
    assert list(saved.calls["verdict"]) == list(run.calls["verdict"])


def test_a_stricter_mesh_moves_calls(run) -> None:
    strict = az.analyze(NAKED, az.load_mesh(STRICT / "mesh"))

    moves = az.compare(run, strict)

    assert {move.after.verdict for move in moves if move.after} >= {"dropped"}
    assert az.compare(strict, strict) == ()


def test_a_report_is_one_file(run, tmp_path) -> None:
    path = tmp_path / "run.html"

    az.write_report(run, path)

    assert path.read_text().lower().startswith("<!doctype html>")


def test_findings_are_rows_with_lists_of_calls_and_places(mesh) -> None:
    run = az.analyze(SHOP / "pods", mesh)

    table = run.findings

    assert list(table.columns) == ["code", "level", "sentence", "time", "calls", "yaml", "advice"]
    assert len(table) == len(run.analysis.findings)
    assert table.iloc[0]["calls"] == ["45", "52", "53", "54"]
    assert table.iloc[0]["yaml"][0].endswith("manifests.yaml:929")


def test_the_timeline_is_a_table_in_the_order_of_time(mesh) -> None:
    table = az.analyze(SHOP / "pods", mesh).timeline

    assert list(table["time"]) == sorted(table["time"])
    assert "first-failure" in set(table["event"])


def test_a_run_without_findings_has_the_columns_all_the_same(run) -> None:
    assert list(type(run)(run.analysis.__class__((), (), (), (), None)).findings.columns)[:2] == ["code", "level"]


def test_the_page_of_a_run_has_what_only_its_captures_know(run, tmp_path) -> None:
    az.write_report(run, tmp_path / "page.html")

    assert "A saved run does not keep" not in (tmp_path / "page.html").read_text()


def test_a_run_that_was_saved_is_read_back(mesh, tmp_path) -> None:
    path = tmp_path / "naked.run"
    assert command_line(["analyze", str(NAKED), "-m", str(SHOP / "mesh"), "--save", str(path), "-o", "jsonl"]) == 0

    assert list(az.load_run(path).calls["id"]) == list(az.analyze(NAKED, mesh).calls["id"])
