"""Whether one-sided flows are halves of one conversation."""

import pytest

from analyzer.flow.echoes import RANGE_SLACK, read_echoes
from analyzer.flow.table import build_flows

ASKS, ANSWERS = ("10.0.0.1:40000", "127.0.0.1:15001"), ("10.96.0.1:80", "10.0.0.1:40000")


def agree(wire) -> bool:
    packets = wire.packets()
    return read_echoes(build_flows(packets, wire.records()), packets).agree(0, 1)


def test_flows_that_acknowledge_each_other_agree(wire) -> None:
    wire.packet(*ASKS, seq=100, ack=900, data=b"ping").packet(*ANSWERS, seq=900, ack=104)

    assert agree(wire)


@pytest.mark.parametrize(
    ("away", "expected"), [(RANGE_SLACK, True), (RANGE_SLACK + 1, False), (-RANGE_SLACK - 1, False)]
)
def test_packets_that_were_lost_leave_some_room(wire, away: int, expected: bool) -> None:
    wire.packet(*ASKS, seq=100_000, ack=900).packet(*ANSWERS, seq=900, ack=100_000 + away)

    assert agree(wire) is expected


def test_both_directions_must_agree(wire) -> None:
    wire.packet(*ASKS, seq=100, ack=5_000_000).packet(*ANSWERS, seq=900, ack=100)

    assert not agree(wire)


def test_a_range_may_lie_across_the_wrap(wire) -> None:
    wire.packet(*ASKS, seq=-10, ack=900).packet(*ASKS, seq=10, ack=900).packet(*ANSWERS, seq=900, ack=5)

    assert agree(wire)


def test_resets_say_nothing(wire) -> None:
    wire.packet(*ASKS, "RA", seq=100, ack=900).packet(*ANSWERS, seq=900, ack=100)

    assert not agree(wire)


def test_timestamps_that_nobody_echoes_disagree(wire) -> None:
    wire.packet(*ASKS, seq=100, ack=900, stamp=(1, 2)).packet(*ANSWERS, seq=900, ack=100, stamp=(3, 4))

    assert not agree(wire)


def test_where_one_has_no_timestamps_none_are_needed(wire) -> None:
    wire.packet(*ASKS, seq=100, ack=900, stamp=(1, 2)).packet(*ANSWERS, seq=900, ack=100)

    assert agree(wire)
