"""The page of results says what was measured."""

from __future__ import annotations

import sys

import click
import pytest


@pytest.fixture
def bench(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / "benchmarks")
    import run

    return run


def test_a_command_is_measured_from_outside(bench) -> None:
    cost = bench.measure("python", [sys.executable, "-c", "print(sum(range(10**6)))"], 5, 7)

    assert (cost.command, cost.packets, cost.services) == ("python", 5, 7)
    assert min(cost.wall_s, cost.cpu_s, cost.memory_mb) > 0


def test_a_command_that_fails_is_not_measured(bench) -> None:
    with pytest.raises(click.ClickException, match="python left with 3"):
        bench.measure("python", [sys.executable, "-c", "raise SystemExit(3)"], 1, 1)


def test_a_peer_that_is_not_installed_is_left_out(bench, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(bench, "PEERS", {"python": f"{sys.executable} {{capture}}", "nothing": "no-such-program"})

    found = bench.commands_for(tmp_path / "a.pcap", tmp_path / "m.yaml", tmp_path, ["python", "nothing"])

    assert list(found) == ["meshverdict", "python"]
    assert found["python"][-1].endswith("a.pcap")


def test_the_page_has_medians_and_ratios(bench) -> None:
    costs = [bench.Cost("meshverdict", 1_000, 20, wall, 1.0, 50.0) for wall in (3.0, 2.0, 9.0)]
    costs += [bench.Cost("tcpdump", 1_000, 20, wall, 0.5, 10.0) for wall in (0.5, 0.5, 4.0)]

    page = bench.results_page([("Packets", costs)])

    assert "| 1,000 | 20 | meshverdict | 3.00 | 1.00 | 50 |  |" in page
    assert "| 1,000 | 20 | tcpdump | 0.50 | 0.50 | 10 | 6.00 |" in page
