"""Which packets a connection is made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.base.table import DECODED, PROTOCOL_TCP
from analyzer.capture.decode import decode_packets
from analyzer.capture.reader import read_capture
from analyzer.flow.connections import connections
from analyzer.flow.members import connection_rows

SLEEP = Path(__file__).resolve().parents[2] / "captures/shop-default/pods/shop_sleep-0.any.pcap"


@pytest.fixture(scope="module")
def recorded():
    capture = read_capture(SLEEP, name="a.pcap")
    packets = decode_packets(capture)
    return capture, packets, connections("a.pcap", capture.buffer, capture.records, packets)


def test_every_packet_belongs_to_one_connection(recorded):
    capture, packets, found = recorded

    members = connection_rows(capture.buffer, capture.records, packets, [c.uid for c in found])

    tcp = [i for i in range(len(packets)) if packets.fate[i] == DECODED and packets.protocol[i] == PROTOCOL_TCP]
    assert sorted(row for rows in members.values() for row in rows) == tcp


def test_a_redirected_connection_has_the_packets_of_both_halves(recorded):
    capture, packets, found = recorded
    one = next(c for c in found if c.redirect_port == 15001)

    rows = connection_rows(capture.buffer, capture.records, packets, [one.uid])[one.uid]

    assert (rows[0] + 1, rows[-1] + 1) == (one.first_packet, one.last_packet)
    assert len(rows) == one.client_packets + one.server_packets
    assert {int(packets.dst_port[row]) for row in rows} == {15001, one.client.port}


def test_a_connection_that_there_is_not_is_left_out(recorded):
    capture, packets, _ = recorded

    assert connection_rows(capture.buffer, capture.records, packets, ["CnoSuch"]) == {}
