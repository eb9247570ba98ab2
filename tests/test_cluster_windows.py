"""The windows of one capture are counted by a real scheduler's workers, and joined as if one process had counted."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from analyzer.base.errors import CaptureError
from analyzer.base.fact import replace
from analyzer.base.watch import UNWATCHED, Watch
from analyzer.capture.sources import find_captures
from analyzer.cluster_capture import sent_capture, to_send
from analyzer.cluster_windows import count_on, count_sent, open_sent
from analyzer.counting import Counted, count_packets

SHOP = Path(__file__).resolve().parents[1] / "captures" / "shop-default"
LO, ANY = SHOP / "interfaces" / "shop_sleep-0.lo.pcap", SHOP / "pods" / "shop_sleep-0.any.pcap"
ROWS = 32

# dask tells old and new names of its own apart by warnings.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def counted():
    """A function: the packets of a capture as this process counts them."""
    return lambda path=LO: count_packets(find_captures([str(path)])[0].read(), 1, window_rows=1 << 20)


@pytest.fixture
def count_there():
    """A function: the packets of a capture as workers count them in tiny windows."""

    def count(client, path: Path = LO, *, there: Path | None = None, watch: Watch = UNWATCHED) -> Counted:
        (source,) = find_captures([str(path)])
        return count_on(client, replace(source, path=there or path), source.read(), watch, window_rows=ROWS)

    return count


def same(one: Counted, other: Counted) -> bool:
    """Whether the same was counted."""
    return all(map(np.array_equal, everything(one), everything(other)))


def everything(counted: Counted) -> list[object]:
    tuples, count = counted
    numbers = (tuples.sure, count.rows, count.bytes, count.first_ns, count.last_ns, count.nested)
    udp = np.concatenate([*count.udp, []])
    return [tuples.table, tuples.tuple_of, tuples.syns, tuples.syn_acks, count.fates, udp, numbers]


@pytest.mark.parametrize("path", [LO, ANY], ids=["lo", "any"])
def test_what_windows_give_is_joined_exactly(workers, counted, count_there, path) -> None:
    told: list[float] = []

    found = count_there(workers, path, watch=Watch(lambda _, done, __: told.append(done), 1))

    assert same(found, counted(path))
    assert len(told) > 2
    assert told == sorted(told)


def test_a_worker_that_is_killed_on_the_way_changes_no_number(
    workers, kill_worker, counted, count_there, monkeypatch
) -> None:
    monkeypatch.setattr("analyzer.cluster_work.FETCH_SECONDS", 0.2)
    killed: list[bool] = []

    def kill_one(*_: object) -> None:
        if not killed:
            killed.append(True)
            kill_worker()

    assert same(count_there(workers, watch=Watch(kill_one, 1)), counted())
    assert killed


def test_what_no_worker_has_is_counted_here(workers, counted, count_there, tmp_path) -> None:
    assert same(count_there(workers, there=tmp_path / "gone.pcap"), counted())


def test_what_is_left_when_the_run_shall_end_is_counted_here(workers, counted, count_there) -> None:
    assert same(count_there(workers, watch=Watch(stop=lambda: 1)), counted())


def test_what_was_compressed_is_counted_here(workers, counted, count_there, tmp_path) -> None:
    path = tmp_path / f"{LO.name}.gz"
    path.write_bytes(gzip.compress(LO.read_bytes()))

    assert same(count_there(workers, path), counted())


def test_a_file_that_becomes_shorter_is_an_error_there(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("analyzer.capture.reader.MAPPED_FROM", 1)
    path = tmp_path / LO.name
    path.write_bytes(LO.read_bytes())
    (source,) = find_captures([str(path)])
    capture = source.read()
    opened, records = open_sent(to_send(sent_capture(source, capture))), to_send(capture.records)
    count_sent(opened, records)
    os.truncate(path, 4096)

    with pytest.raises(CaptureError, match="became shorter"):
        count_sent(opened, records)
