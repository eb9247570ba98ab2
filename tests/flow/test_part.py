"""A part of a capture's traffic says of its connections what the whole says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.errors import CaptureError
from analyzer.base.fact import replace
from analyzer.base.table import I64
from analyzer.capture.decode import decode_packets
from analyzer.capture.reader import read_capture
from analyzer.flow.connection import Connection
from analyzer.flow.connections import describe
from analyzer.flow.facts import EndTable, end_addresses, end_table
from analyzer.flow.part import part_of_traffic
from analyzer.flow.traffic import Traffic, read_traffic

ROOT = Path(__file__).resolve().parents[2]
RECORDED = sorted((ROOT / "captures").glob("*/*/*.pcap")) + sorted((ROOT / "tests" / "captures").rglob("*.pcap*"))
NAME = "test.pcap"


def all_of(buffer: memoryview, traffic: Traffic) -> list[Connection]:
    return [replace(each, index=0) for each in describe(NAME, buffer, traffic)]


def ends(table: EndTable) -> list[object]:
    """The ends of connections as values."""
    found = end_addresses(table)
    texts = ([found.texts[index] for index in each.tolist()] for each in (found.client, found.server))
    columns = table.client[2], table.server[2], table.client_by, table.redirect_port, table.joined
    return list(zip(*texts, *(column.tolist() for column in columns), strict=True))


def check(buffer: memoryview, traffic: Traffic, chosen: I64) -> Traffic:
    """Hold the connections of a part against those of the whole."""
    whole, part = all_of(buffer, traffic), part_of_traffic(traffic, chosen)
    assert all_of(buffer, part) == [whole[number] for number in chosen.tolist()]
    of_whole = ends(end_table(traffic))
    assert ends(end_table(part)) == [of_whole[number] for number in chosen.tolist()]
    assert part.oddities == ()
    return part


def strange(wire) -> None:
    """Connections with segments that come late, twice, otherwise, not at all, or in one direction only."""
    wire.talk("10.0.0.1:1").open().ask(b"GET /").ask(b"good").ask(b"evil", seq=1006).answer(b"ok").close()
    wire.talk("10.0.0.1:2", towards="127.0.0.1:15001").open().ask(b"ab").ask(b"cd", skip=True).ask(b"ef").answer(b"x")
    wire.talk("10.0.0.1:3").ask(b"mid").answer(b"stream").answer(b"stream", seq=5000)
    late = wire.talk("10.0.0.1:4").open().ask(b"cd", seq=1003)
    late.ask(b"ab", seq=1001).answer(b"no", wire_len=900).send(1, "R")
    wire.talk("10.0.0.1:5", towards="127.0.0.1:15001").send(0, "S").send(0, "S", seq=1000)
    wire.talk("10.0.0.1:6").send(0, "S").send(1, "RA")
    wire.talk("10.0.0.1:1", isn=(90_000, 70_000)).open().ask(b"again").close()


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parts[-3]}-{path.name}")
def test_halves_of_a_recording_are_described_as_in_the_whole(path) -> None:
    try:
        capture = read_capture(path, name=NAME)
    except CaptureError:
        pytest.skip("no capture")
    traffic = read_traffic(decode_packets(capture), capture.records)
    numbers = np.arange(len(traffic.lanes))

    for chosen in (numbers, numbers[::2], numbers[1::3], numbers[len(numbers) // 2 :]):
        check(capture.buffer, traffic, chosen)


@given(chosen=st.sets(st.integers(0, 6)))
@settings(max_examples=100, deadline=None)
def test_whichever_strange_connections_are_chosen_they_are_described_as_in_the_whole(new_wire, chosen) -> None:
    wire = new_wire()
    strange(wire)
    traffic = wire.traffic()
    assert len(traffic.lanes) == 7

    check(memoryview(bytes(wire.buffer)), traffic, np.array(sorted(chosen), np.int64))


@given(first=st.sets(st.integers(0, 6), min_size=1), data=st.data())
@settings(max_examples=30, deadline=None)
def test_a_part_of_a_part_is_a_part(new_wire, first, data) -> None:
    wire = new_wire()
    strange(wire)
    buffer, traffic = memoryview(bytes(wire.buffer)), wire.traffic()
    part = part_of_traffic(traffic, np.array(sorted(first), np.int64))
    again = data.draw(st.sets(st.integers(0, len(first) - 1)))

    check(buffer, part, np.array(sorted(again), np.int64))


def test_connections_are_numbered_anew(wire) -> None:
    strange(wire)
    buffer = memoryview(bytes(wire.buffer))

    part = part_of_traffic(wire.traffic(), np.array([1, 4, 6]))

    assert [connection.index for connection in describe(NAME, buffer, part)] == [0, 1, 2]


def test_of_connections_beyond_the_ceiling_nothing_is_in_a_part(wire) -> None:
    strange(wire)
    traffic = wire.traffic(most=4)

    part = check(memoryview(bytes(wire.buffer)), traffic, np.array([0, 2, 3]))

    assert len(part.lanes) == 3
    assert traffic.oddities != ()


def test_no_connections_are_no_traffic(wire) -> None:
    strange(wire)

    part = part_of_traffic(wire.traffic(), np.empty(0, np.int64))

    assert (len(part.lanes), len(part.flows), len(part.lanes.rows)) == (0, 0, 0)
