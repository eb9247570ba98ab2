"""What several processes count in windows is what one counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.base.fact import replace
from analyzer.capture.reader import read_capture
from analyzer.counting import count_packets, forget_columns
from made.counts import values

ROOT = Path(__file__).resolve().parents[1]
LO = ROOT / "captures" / "shop-default" / "interfaces" / "shop_sleep-0.lo.pcap"


@pytest.mark.parametrize("window_rows", [64, 1_000, 100_000])
@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_processes_and_windows_do_not_show(window_rows: int, jobs: int) -> None:
    capture = read_capture(LO, name=LO.name)

    found = count_packets(capture, jobs, window_rows=window_rows)

    assert values(found) == values(count_packets(capture, 1))


def test_fragments_are_told_of() -> None:
    counted = count_packets(read_capture(LO, name=LO.name), 1)
    fates = counted.packets.fates.copy()
    fates[5] = 1

    assert not counted.in_pieces
    assert counted._replace(packets=replace(counted.packets, fates=fates)).in_pieces


def test_columns_that_were_let_go_are_read_again() -> None:
    capture = read_capture(LO, name=LO.name)
    before = capture.records.time_ns.tolist()

    forget_columns(capture)

    assert capture.records.time_ns.tolist() == before
