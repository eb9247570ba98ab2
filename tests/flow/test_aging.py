"""Which connections are over, and which packets are still needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analyzer.base.fact import replace
from analyzer.base.oddity import Code, Family, Level, Oddity
from analyzer.base.place import PacketPlace
from analyzer.base.table import IP_FRAGMENT
from analyzer.capture.reader import read_capture
from analyzer.flow.aging import SETTLE_NS, is_over, numbered, rows_needed
from analyzer.opening import read_packets

SLEEP = Path(__file__).resolve().parents[2] / "captures" / "shop-default" / "pods" / "shop_sleep-0.any.pcap"


@pytest.fixture(scope="module")
def read():
    found = read_packets(read_capture(SLEEP, name=SLEEP.name))
    return found.packets, found.traffic, found.connections()


@pytest.mark.parametrize(("state", "over"), [("SF", True), ("RSTR", True), ("REJ", True), ("S1", False), ("S2", False)])
def test_only_what_both_ends_have_done_with_is_over(read, state, over) -> None:
    connection = replace(read[2][0], conn_state=state)

    assert is_over(connection, connection.last_ns + SETTLE_NS) is over


def test_late_packets_are_awaited(read) -> None:
    connection = replace(read[2][0], conn_state="SF")

    assert not is_over(connection, connection.last_ns + SETTLE_NS - 1)


def test_the_packets_of_living_connections_are_needed_and_no_others(read) -> None:
    _, traffic, found = read
    living = found[3:5]

    needed = rows_needed(traffic, living, int(traffic.records.time_ns.max()) + SETTLE_NS)

    starts = traffic.lanes.starts
    assert set(np.flatnonzero(needed).tolist()) == set(traffic.lanes.rows[starts[6] : starts[10]].tolist())
    assert not rows_needed(traffic, [], int(traffic.records.time_ns.max()) + SETTLE_NS).any()


def test_fragments_are_needed_for_a_while(read) -> None:
    packets, traffic, _ = read
    fates = packets.fate.copy()
    fates[7] = IP_FRAGMENT
    broken = replace(traffic, packets=replace(packets, fate=fates))
    time_ns = int(traffic.records.time_ns[7])

    assert np.flatnonzero(rows_needed(broken, [], time_ns + SETTLE_NS - 1)).tolist() == [7]
    assert not rows_needed(broken, [], time_ns + SETTLE_NS).any()


def test_packets_get_the_numbers_of_the_whole_capture(read) -> None:
    packets, _, found = read
    odd = Oddity(Code("odd", Family.FLOW, Level.INFO, "odd", "odd"), PacketPlace("a", 3))
    connection = replace(found[2], oddities=(odd, replace(odd, place=None)))

    moved = numbered(connection, np.arange(len(packets), dtype=np.int64) + 101, 7)

    assert (moved.index, moved.first_packet) == (7, connection.first_packet + 100)
    assert list(moved.from_server.packets) == [number + 100 for number in connection.from_server.packets]
    assert moved.from_client.end_packet == connection.from_client.end_packet + 100
    assert [oddity.place and oddity.place.packet for oddity in moved.oddities] == [103, None]
