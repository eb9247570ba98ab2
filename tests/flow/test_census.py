"""A census by windows counts what one over all packets counts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.kernel import run_kernel
from analyzer.base.table import PROTOCOL_TCP, PROTOCOL_UDP, PacketTable
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
    count_tuples,
    tuples_of,
)
from analyzer.flow.numbering import number_packets


def windows_of(wire, bounds: Sequence[int]) -> list[Tuples]:
    """The tuples of the packets between bounds."""
    packets, records = wire.packets(), wire.records()
    return [
        tuples_of(
            PacketTable(**{name: getattr(packets, name)[first:stop] for name in PacketTable.__struct_fields__}),
            records.part(slice(first, stop)),
        )
        for first, stop in pairwise(bounds)
    ]


def joined(windows: Sequence[Tuples], *, in_file: bool = False) -> Tuples:
    census = Census(in_file=in_file)
    for window in windows:
        census.join(window)
    return census.finish()


def census_of(wire, size: int, *, in_file: bool = False) -> Tuples:
    bounds = [*range(0, len(wire.rows), size), len(wire.rows)]
    return joined(windows_of(wire, bounds), in_file=in_file)


def values_of(found: Tuples) -> list[Any]:
    return [getattr(found, name).tolist() for name in ("table", "tuple_of", "syns", "syn_acks")]


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

    assert values_of(found) == values_of(whole)
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


# Packets of few ends, so that tuples come again: their ends, what they carry, and when they were captured.
PORTS = st.integers(1, 3)
PACKETS_SENT = st.lists(
    st.tuples(PORTS, PORTS, st.sampled_from(["S", "SA", "A", "R", "SR"]), st.integers(0, 3), st.integers(0, 9)),
    max_size=24,
)


def sent(wire, packets) -> None:
    for src, dst, flags, number, at_ms in packets:
        protocol = PROTOCOL_UDP if number == 3 else PROTOCOL_TCP
        wire.packet(
            f"10.0.0.1:{src}", f"10.0.0.1:{dst}", flags, seq=number - 1, ack=number, at_ms=at_ms, protocol=protocol
        )


@settings(max_examples=100, deadline=None)
@given(packets=PACKETS_SENT, cuts=st.lists(st.integers(0, 24), max_size=4), split=st.integers(0, 5))
def test_however_a_capture_is_parted_and_joined_the_same_comes_of_it(new_wire, packets, cuts, split) -> None:
    wire = new_wire()
    sent(wire, packets)
    whole = tuples_of(wire.packets(), wire.records())

    windows = windows_of(wire, sorted({0, len(packets), *(min(cut, len(packets)) for cut in cuts)}))
    halves = [joined(some) for some in (windows[:split], windows[split:])]

    assert values_of(joined(windows)) == values_of(whole)
    assert values_of(joined(halves)) == values_of(whole)


@settings(max_examples=50, deadline=None)
@given(packets=PACKETS_SENT)
def test_compiled_or_not_the_tuples_are_the_same(new_wire, packets) -> None:
    wire = new_wire()
    sent(wire, packets)
    table, records, rows = wire.packets(), wire.records(), np.arange(len(packets))
    columns = table.tcp_flags, table.seq, table.ack, records.time_ns
    found = []

    for compile_rows in (0, 1):
        seen, handshakes = np.zeros((len(rows), 12), np.int64), np.zeros(len(rows), np.int64)
        arguments = rows, number_packets(table, rows), seen, handshakes
        count = run_kernel(count_tuples, 0, columns, *arguments, compile_rows=compile_rows)
        found.append((count, seen.tolist(), handshakes.tolist()))

    assert found[0] == found[1]


def test_tuples_that_were_made_to_meet_are_not_told_apart(wire, monkeypatch) -> None:
    monkeypatch.setattr("analyzer.flow.numbering._SPREAD", 0)
    for n in range(1_000):
        wire.packet(f"10.0.0.1:{n}", "10.0.0.2:80")

    one, two = census_of(wire, 1_000), census_of(wire, 500)

    assert not one.sure
    assert not joined([two]).sure


def test_nothing_captured_is_no_tuple(wire) -> None:
    wire.packet("10.0.0.1:5000", "10.96.0.10:53", protocol=PROTOCOL_UDP)

    assert len(census_of(wire, 4)) == 0
