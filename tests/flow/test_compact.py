"""Connections that are kept without their capture."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.base.packing import pack, unpack
from analyzer.base.stream import Stream
from analyzer.capture.decode import decode_packets
from analyzer.capture.reader import read_capture
from analyzer.flow.compact import KEPT_LEN, compact
from analyzer.flow.connections import connections
from analyzer.protocol.conversation import parse_conversation

SLEEP = Path(__file__).resolve().parents[2] / "captures" / "shop-default" / "pods" / "shop_sleep-0.any.pcap"


@pytest.fixture(scope="module")
def found():
    capture = read_capture(SLEEP, name=SLEEP.name)
    return connections(capture.name, capture.buffer, capture.records, decode_packets(capture))


def places(stream: Stream) -> list[tuple[int, ...]]:
    return list(zip(stream.starts, stream.lengths, stream.packets, stream.times_ns, strict=True))


def test_what_was_said_is_kept(found) -> None:
    assert [compact(c).said for c in found] == [parse_conversation(c.from_client, c.from_server) for c in found]


def test_which_packet_brought_what_and_when_is_kept(found) -> None:
    for connection in found:
        small = compact(connection)

        assert places(small.from_client) == places(connection.from_client)
        assert places(small.from_server) == places(connection.from_server)
        assert small.from_server.breaks == connection.from_server.breaks


def test_the_client_s_first_bytes_are_kept_and_none_of_the_server_s(found) -> None:
    for connection in found:
        small = compact(connection)

        assert small.from_client.read(0, KEPT_LEN) == connection.from_client.read(0, KEPT_LEN)
        assert small.from_server.read(0, 1) == b""


def test_a_gap_stays_a_gap() -> None:
    gapped = Stream(memoryview(b"..abcdef"), [0, 10], [2, 5], [3, 3], [1, 2], [5, 6], 13, True)
    connection = _with_client_stream(gapped)

    small = compact(connection).from_client

    assert (small.read(0, 20), small.read(5, 1), small.read(10, 20)) == (b"abc", b"", b"def")


def test_bytes_far_behind_a_gap_take_no_room() -> None:
    far = Stream(memoryview(b"abc"), [1 << 40], [0], [3], [1], [5], (1 << 40) + 3, True)

    assert len(compact(_with_client_stream(far)).from_client.buffer) == KEPT_LEN


def test_to_be_compact_twice_changes_nothing(found) -> None:
    assert compact(compact(found[0])) == compact(found[0])


def test_it_can_be_sent(found) -> None:
    small = [compact(connection) for connection in found]

    assert unpack(pack(small)) == small
    assert len(pack(small)) < SLEEP.stat().st_size


def _with_client_stream(stream: Stream):
    from analyzer.flow.connection import Connection, Endpoint

    end = Endpoint("10.0.0.1", 1)
    return Connection(
        index=0, uid="C", community_id="", client=end, server=end, client_by="syn", redirect_port=0, joined=True,
        first_ns=0, last_ns=0, first_packet=1, last_packet=1, client_packets=1, server_packets=0, client_bytes=0,
        server_bytes=0, conn_state="S1", history="", missed_bytes=0, syn_seq=1, syn_ack_seq=1, syn_tsval=None,
        ifindexes=(), closed_by=None, reset_by=None, from_client=stream, from_server=Stream.of(b""),
    )  # fmt: skip
