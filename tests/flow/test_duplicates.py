"""Packets that were captured at two places."""

from analyzer.flow.duplicates import LOOK_BACK, SAME_PACKET_NS, find_duplicates
from analyzer.flow.table import build_flows

ENDS = ("10.0.0.1:40000", "10.0.0.2:80")


def copies_in(wire) -> list[bool]:
    packets, records = wire.packets(), wire.records()
    return find_duplicates(build_flows(packets, records), packets, records).tolist()


def test_a_packet_on_a_second_interface_is_a_copy(wire) -> None:
    wire.packet(*ENDS, data=b"x", ifindex=1).packet(*ENDS, data=b"x", ifindex=2)

    assert copies_in(wire) == [False, True]


def test_a_packet_that_went_out_and_came_in_is_a_copy(wire) -> None:
    wire.packet(*ENDS, data=b"x", ifindex=1, direction=4).packet(*ENDS, data=b"x", ifindex=1, direction=0)

    assert copies_in(wire) == [False, True]


def test_interfaces_of_the_file_tell_copies_too(wire) -> None:
    wire.packet(*ENDS, data=b"x", interface=0).packet(*ENDS, data=b"x", interface=1)

    assert copies_in(wire) == [False, True]


def test_the_same_packet_on_the_same_interface_is_a_retransmission(wire) -> None:
    wire.packet(*ENDS, data=b"x", ifindex=1).packet(*ENDS, data=b"x", ifindex=1).packet(*ENDS, seq=9, ifindex=2)

    assert copies_in(wire) == [False] * 3


def test_the_same_packet_much_later_is_a_retransmission(wire) -> None:
    later = SAME_PACKET_NS / 1_000_000 + 0.001
    wire.packet(*ENDS, data=b"x", ifindex=1, at_ms=0).packet(*ENDS, data=b"x", ifindex=2, at_ms=later)

    assert copies_in(wire) == [False, False]


def test_another_acknowledgement_makes_another_packet(wire) -> None:
    wire.packet(*ENDS, ack=1, ifindex=1).packet(*ENDS, ack=2, ifindex=2)

    assert copies_in(wire) == [False, False]


def test_the_answer_is_no_copy_of_the_question(wire) -> None:
    wire.packet(*ENDS, ifindex=1).packet(*reversed(ENDS), ifindex=2)

    assert copies_in(wire) == [False, False]


def test_other_packets_may_stand_between_the_copies(wire) -> None:
    for interface in (1, 2):
        for seq in range(LOOK_BACK):
            wire.packet(*ENDS, seq=seq, ifindex=interface, at_ms=0)

    assert copies_in(wire) == [False] * LOOK_BACK + [True] * LOOK_BACK


def test_one_clock_reading_on_payload_makes_a_copy_on_any_interface(wire) -> None:
    wire.packet(*ENDS, data=b"x", stamp=(7, 3)).packet(*ENDS, data=b"x", stamp=(7, 3))

    assert copies_in(wire) == [False, True]


def test_another_clock_reading_makes_a_retransmission(wire) -> None:
    wire.packet(*ENDS, data=b"x", stamp=(7, 3)).packet(*ENDS, data=b"x", stamp=(8, 3))

    assert copies_in(wire) == [False, False]


def test_an_acknowledgement_may_be_sent_twice_with_one_clock_reading(wire) -> None:
    wire.packet(*ENDS, ack=7, stamp=(7, 3)).packet(*ENDS, ack=7, stamp=(7, 3))

    assert copies_in(wire) == [False, False]


def test_three_taps_give_two_copies(wire) -> None:
    for interface in (1, 2, 3):
        wire.packet(*ENDS, data=b"x", ifindex=interface)

    assert copies_in(wire) == [False, True, True]


def test_an_empty_capture_has_no_copies(wire) -> None:
    assert copies_in(wire) == []
