"""A census by windows counts what one over all packets counts."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.base.table import PROTOCOL_UDP, PacketTable
from analyzer.flow.census import (
    FIRST_ROW,
    HIGH_SENT,
    LAST_ROW,
    LOW_SENT,
    NUMBER,
    PACKETS,
    SENDERS,
    Census,
    Tuples,
)


def census_of(wire, size: int, *, in_file: bool = False) -> Tuples:
    packets, records = wire.packets(), wire.records()
    census = Census(in_file=in_file)
    for first in range(0, len(packets), size):
        rows = slice(first, first + size)
        columns = {name: getattr(packets, name)[rows] for name in PacketTable.__dataclass_fields__}
        census.add(PacketTable(**columns), records.part(rows))
    return census.finish()


@pytest.fixture
def busy(wire):
    """Two redirected connections, one over eth0, and a datagram, all under way at once."""
    talks = [
        wire.talk("10.0.0.1:40000", "10.96.0.1:80", towards="127.0.0.1:15001"),
        wire.talk("10.0.0.1:40001", "10.96.0.2:80", towards="127.0.0.1:15001", isn=(7, 9)),
        wire.talk("10.0.0.9:40000", "10.0.0.1:80", isn=(70, 90)),
    ]
    for talk in talks:
        talk.open()
    wire.packet("10.0.0.1:5000", "10.96.0.10:53", protocol=PROTOCOL_UDP)
    for talk in reversed(talks):
        talk.ask(b"GET / HTTP/1.1\r\n\r\n").answer(b"HTTP/1.1 200 OK\r\n\r\n").close()
    return wire


@pytest.mark.parametrize("size", [1, 4, 7, 1000])
@pytest.mark.parametrize("in_file", [False, True])
def test_windows_do_not_show(busy, size, in_file) -> None:
    whole, found = census_of(busy, 1000), census_of(busy, size, in_file=in_file)

    assert found.table.tolist() == whole.table.tolist()
    assert found.tuple_of.tolist() == whole.tuple_of.tolist()
    assert set(zip(*found.syns.tolist(), strict=True)) == set(zip(*whole.syns.tolist(), strict=True))
    assert set(zip(*found.syn_acks.tolist(), strict=True)) == set(zip(*whole.syn_acks.tolist(), strict=True))
    assert found.sure


def test_a_tuple_is_known_by_its_packets(busy) -> None:
    found = census_of(busy, 4)

    assert len(found) == 5
    assert found.tuple_of.tolist().count(-1) == 1
    assert found.table[PACKETS].sum() == len(busy.rows) - 1
    assert sorted(found.syns[NUMBER].tolist()) == [8, 71, 1001]
    assert sorted(found.syn_acks[NUMBER].tolist()) == [8, 71, 1001]
    both = found.table[SENDERS] == LOW_SENT | HIGH_SENT
    assert np.flatnonzero(both).tolist() == [4]
    assert (found.table[FIRST_ROW] <= found.table[LAST_ROW]).all()


def test_tuples_that_have_one_hash_are_not_taken_for_one(busy, monkeypatch) -> None:
    monkeypatch.setattr("analyzer.flow.tuples._SPREAD", np.uint64(0))

    assert not census_of(busy, 4).sure


def test_nothing_captured_is_no_tuple(wire) -> None:
    wire.packet("10.0.0.1:5000", "10.96.0.10:53", protocol=PROTOCOL_UDP)

    assert len(census_of(wire, 4)) == 0
