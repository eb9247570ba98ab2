"""A file that is read by sections is the file that is read as a whole; where a guess was wrong that is seen."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.base.errors import CaptureError
from analyzer.base.mapped_files import FilePart
from analyzer.capture.capture import Capture
from analyzer.capture.record_log import RecordLog, Sink
from analyzer.capture.sections import Section, joined_sections, read_section, sections_of

RECORD_LEN = 16 + 10


@pytest.fixture
def file(write_pcap):
    """A function: a pcap file of so many small packets."""

    def of(count: int = 400, **how) -> bytes:
        return write_pcap([b"0123456789"] * count, **how)

    return of


def by_sections(data: bytes, sections: list[Section]) -> Capture | None:
    buffer, log, ends = memoryview(data), RecordLog("x.pcap"), []
    for section in sections:
        own = RecordLog("x.pcap")
        sink = Sink(own)
        ends.append(read_section(buffer, FilePart(0, len(data)), section, name="x.pcap", sink=sink))
        log.join(own, own.facts)
    return joined_sections(buffer, ends, name="x.pcap", log=log)


def told(capture: Capture) -> tuple[object, ...]:
    offsets = [capture.records.data_off.tolist(), capture.records.time_ns.tolist()]
    return capture.format, offsets, capture.interfaces, capture.oddities, capture.complete, capture.error


@pytest.mark.parametrize("how", [{}, {"order": ">"}, {"magic": 0xA1B2CD34}, {"magic": 0xA1B23C4D}, {"version": (2, 2)}])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_sections_have_the_records_of_the_whole(file, read, how, count) -> None:
    data = file(**how)

    sections = sections_of(memoryview(data), "x.pcap", count)
    capture = by_sections(data, sections)

    assert len(sections) == count
    assert capture is not None
    assert told(capture) == told(read(data))


@pytest.mark.parametrize("lost", [1, 12])
def test_a_file_that_breaks_off_is_told_as_the_whole(file, read, lost) -> None:
    data = file()[:-lost]

    capture = by_sections(data, sections_of(memoryview(data), "test.pcap", 2))

    assert capture is not None
    assert not capture.complete
    assert capture.error == read(data).error.replace("test.pcap", "x.pcap")


def test_where_no_records_follow_each_other_there_is_one_section(file) -> None:
    few, far = file(20), bytearray(file())
    # Of every record the time.
    for at in range(24 + RECORD_LEN, len(far), RECORD_LEN):
        far[at : at + 4] = b"\0\0\0\0"

    assert [len(sections_of(memoryview(data), "x.pcap", 2)) for data in (few, bytes(far))] == [1, 1]


def test_a_file_that_is_a_header_alone_is_one_section_or_none(file) -> None:
    assert len(sections_of(memoryview(file(0)), "x.pcap", 2)) < 2


@pytest.mark.parametrize("apart", [1, RECORD_LEN - 1])
def test_a_section_that_begins_within_a_record_is_seen(file, apart) -> None:
    data = file()
    middle = 24 + 200 * RECORD_LEN + apart

    assert by_sections(data, [Section(24, middle), Section(middle, len(data))]) is None


def test_what_a_packet_says_is_not_taken_for_records(write_pcap, file) -> None:
    """A capture that was sent over the wire, in packets."""
    inner = file(2_000)
    data = write_pcap([inner[24:], inner[24:]])

    sections = sections_of(memoryview(data), "x.pcap", 4)

    assert len(sections) > 1
    assert by_sections(data, sections) is None


@pytest.mark.parametrize("place", [100, 300])
def test_a_file_that_was_appended_is_left_to_who_reads_the_whole(file, place) -> None:
    data = file(place) + file(400 - place)

    assert by_sections(data, sections_of(memoryview(data), "x.pcap", 2)) is None


def test_what_is_no_capture_is_told() -> None:
    with pytest.raises(CaptureError):
        sections_of(memoryview(b"\xd4\xc3\xb2\xa1\x09"), "x.pcap", 2)


def test_how_a_section_ended_is_told_by_its_walk(file) -> None:
    data, log = file(), RecordLog("x.pcap")

    state = read_section(memoryview(data), FilePart(0, len(data)), Section(24, len(data)), name="x", sink=Sink(log))

    assert state[0] == len(data)
    assert len(log) == 400
    assert np.diff(log.table().data_off).tolist() == [RECORD_LEN] * 399
