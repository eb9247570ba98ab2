import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.oddity import Oddity
from analyzer.capture.record_log import MOST_ROOM, RecordLog
from analyzer.capture.records import RecordPart


def part(times: list[int], captured: list[int], wire: list[int], bad: list[bool] | None = None) -> RecordPart:
    zeros = np.zeros(len(times), np.int64)
    flags = np.array(bad if bad is not None else [False] * len(times), np.bool_)
    return RecordPart(np.array(times), zeros, np.array(captured), np.array(wire), flags, zeros, zeros)


def oddities(*parts: RecordPart) -> list[Oddity]:
    log = RecordLog("x.pcap")
    for each in parts:
        log.add(each)
    return log.oddities()


def test_sound_records_are_not_odd() -> None:
    assert oddities(part([1, 2, 3], [60, 60, 60], [60, 60, 60])) == []


def test_cut_packets_are_counted_with_their_missing_bytes() -> None:
    [oddity] = oddities(part([1, 2, 3], [60, 50, 40], [60, 60, 60]))

    assert (
        str(oddity) == "x.pcap: packet 2: 2 of 3 packets are cut: 30 bytes were on the wire and are not in the capture"
    )


def test_records_that_hold_more_than_was_sent_are_counted() -> None:
    [oddity] = oddities(part([1], [60], [50]))

    assert oddity.code.name == "captured-more-than-wire"


def test_packets_without_a_time_are_counted() -> None:
    [oddity] = oddities(part([0, 5, 0], [1, 1, 1], [1, 1, 1]))

    assert str(oddity) == "x.pcap: packet 1: 2 packets have no time stamp"


def test_times_that_were_brought_into_range_are_counted_over_all_parts() -> None:
    [oddity] = oddities(part([1], [1], [1]), part([2, 3], [1, 1], [1, 1], [False, True]))

    assert str(oddity) == "x.pcap: packet 3: 1 packets have a time stamp that cannot be"


def test_time_going_backwards_is_counted_where_it_begins() -> None:
    [oddity] = oddities(part([10**9, 3 * 10**9, 2 * 10**9, 4 * 10**9], [1] * 4, [1] * 4))

    assert str(oddity) == "x.pcap: packet 3: 1 packets are older than a packet before them, by up to 1.000000 s"


def test_a_packet_without_a_time_does_not_go_backwards() -> None:
    codes = [oddity.code.name for oddity in oddities(part([5, 0, 6], [1] * 3, [1] * 3))]

    assert codes == ["no-timestamp"]


def test_no_parts_make_an_empty_table() -> None:
    assert len(RecordLog("x.pcap").table()) == 0


def test_a_table_in_a_file_is_the_one_in_memory() -> None:
    parts = [part([1, 2], [60, 61], [60, 61]), part([], [], []), part([3], [62], [70])]
    tables = []
    for in_file in (False, True):
        log = RecordLog("x.pcap", in_file=in_file)
        for each in parts:
            log.add(each)
        tables.append(log.table())

    assert [t.time_ns.tolist() for t in tables] == [[1, 2, 3]] * 2
    assert [t.captured_len.tolist() for t in tables] == [[60, 61, 62]] * 2
    assert len(log) == 3


@pytest.mark.parametrize("expected", [(), (1, 2), (2, 100), (3, MOST_ROOM + 1)])
def test_whatever_was_expected_the_table_is_the_same(expected: tuple[int, ...]) -> None:
    log = RecordLog("x.pcap")

    for number, each in enumerate((part([1, 2], [60, 61], [60, 61]), part([3], [62], [70]))):
        if expected:
            log.expect(expected[number])
        log.add(each)

    assert log.table().time_ns.tolist() == [1, 2, 3]
    assert log.table().wire_len.tolist() == [60, 61, 70]


# Records by time, what was captured, what was on the wire, and whether the time is bad.
RECORDS = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 3), st.integers(1, 3), st.booleans()), max_size=12)


@settings(max_examples=100, deadline=None)
@given(records=RECORDS, cuts=st.tuples(st.integers(0, 12), st.integers(0, 12)))
def test_logs_of_records_that_follow_each_other_are_joined_to_the_log_of_all(records, cuts) -> None:
    def logged(some) -> RecordLog:
        log = RecordLog("x.pcap")
        log.add(part(*([record[n] for record in some] for n in range(4))))
        return log

    first, second = sorted(min(cut, len(records)) for cut in cuts)
    whole = logged(records)
    begun, *others = (logged(some) for some in (records[:first], records[first:second], records[second:]))

    for other in others:
        begun.join(other, other.facts)

    assert begun.oddities() == whole.oddities()
    assert begun.facts == whole.facts
    assert begun.table().time_ns.tolist() == whole.table().time_ns.tolist()


def test_of_many_records_that_are_joined_to_others_those_that_are_late_are_counted_where_they_are() -> None:
    times, ones = list(range(10, 600_010)), [1] * 600_000
    times[500_000] = 7
    begun, other, whole = RecordLog("x.pcap"), RecordLog("x.pcap"), RecordLog("x.pcap")
    begun.add(part([20], [1], [1]))
    other.add(part(times, ones, ones))
    whole.add(part([20, *times], [1, *ones], [1, *ones]))

    begun.join(other, other.facts)

    assert begun.facts == whole.facts


def test_a_log_goes_on_where_another_one_of_the_same_file_has_ended() -> None:
    log, fork = RecordLog("x.pcap"), RecordLog("x.pcap")
    fork.add(part([5, 4], [1, 1], [1, 1]))

    log.resume(fork.facts)

    assert log.oddities() == fork.oddities()
    assert len(log) == 2
