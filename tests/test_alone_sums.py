"""What a run in lots sums up is what a summary of all its calls says."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.capture.sources import find_captures
from analyzer.large import run_large
from analyzer.lot import Plan
from analyzer.mesh.load import load_mesh
from analyzer.pipeline import analyze_paths, mesh_record
from analyzer.report.as_text import render_summary, render_text
from analyzer.report.ends import summary_of
from analyzer.report.private import redact_analysis
from made.lo import Lo, calls_over_lo, get, ok
from made.lo_busy import busy
from made.lo_runs import apart, plain_run, read_bytes

SHOP = Path(__file__).resolve().parents[1] / "captures" / "shop-default"
CLIENTS = ["10.9.0.1", "10.9.0.2", "10.9.9.9"]
SERVERS = [
    ("10.8.0.1:80", "http", "web"), ("10.8.0.1:80", "http", "token-A1b2C3d4@web.shop"), ("10.8.0.1:443", "tls", "web"),
    ("10.8.0.2:6379", "tcp", ""), ("1.2.3.4:80", "http", "out.example"),
]  # fmt: skip


@pytest.fixture
def mesh(town):
    """Services web and cache, and two clients."""
    town.pod("shop/a-0", "10.9.0.1").pod("shop/b-0", "10.9.0.2").pod("shop/web-0").pod("shop/cache-0")
    town.service("shop/web", "10.8.0.1", ("http:80:8080", "tls:443:8443"))
    town.service("shop/cache", "10.8.0.2", ("tcp:6379:6379",))
    return town.mesh()


def check(run, analysis, *, redact: bool = True) -> None:
    assert run is not None
    told, expected = run.summary(redact=redact), summary_of(redact_analysis(analysis) if redact else analysis)
    assert told.ends == expected.ends
    assert told.first == expected.first
    assert render_summary(told, width=300) == render_text(analysis, width=300, redact=redact)


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("with_mesh", [True, False])
def test_calls_that_meet_no_others_are_summed_up(jobs, with_mesh) -> None:
    mesh = load_mesh([SHOP / "mesh"]) if with_mesh else None
    read = read_bytes(calls_over_lo(sorted((SHOP / "pods").glob("*.any.pcap"))))

    check(apart(read, mesh, jobs=jobs, form=None), plain_run(read, mesh))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("redact", [True, False])
def test_calls_that_are_alike_are_summed_up(mesh, seed, redact) -> None:
    read = read_bytes(busy(CLIENTS, SERVERS, seed=seed).data)

    for lot in (2, 1000):
        check(apart(read, mesh, redact=redact, lot=lot, form=None), plain_run(read, mesh), redact=redact)


def test_calls_that_do_not_count_are_not_summed_up(mesh) -> None:
    def to_web(call) -> bool:
        return call.host == "web"

    read = read_bytes(busy(CLIENTS, SERVERS).data)

    check(apart(read, mesh, keep=to_web, form=None), plain_run(read, mesh, where=to_web))


def test_the_first_of_the_calls_that_ended_worst_is_the_first_in_time_whatever_its_lot(mesh) -> None:
    lo = Lo()
    for number, server in enumerate(("10.8.0.1:80", "10.8.0.2:6379", "10.8.0.1:80")):
        lo.talk(f"10.9.0.{1 + number % 2}:{40_000 + number}", server).open().ask(get()).answer(ok()).close()
    read = read_bytes(lo.data)
    run = apart(read, mesh, lot=1, form=None)

    check(run, plain_run(read, mesh))
    assert run is not None
    assert run.first == ("1", "service")


@pytest.mark.parametrize("path", sorted(SHOP.glob("*/*.pcap")), ids=lambda path: path.stem)
def test_every_capture_is_summed_up(path) -> None:
    mesh = load_mesh([SHOP / "mesh"])
    (source,) = find_captures([str(path)])
    hint = "/".join(part for part in source.pod_hint if part) if source.pod_hint else None
    plan = Plan(mesh, mesh_record(mesh), hint, None, {}, form=None)

    run = run_large(source.read(), plan, lot_packets=20, window_rows=64, most_together=1.0)

    check(run, analyze_paths([str(path)], mesh))


def test_a_run_without_calls_is_summed_up(mesh) -> None:
    read = read_bytes(Lo().data)
    run = run_large(read.capture, Plan(mesh, mesh_record(mesh), None, None, {}, form=None))

    check(run, plain_run(read, mesh))
