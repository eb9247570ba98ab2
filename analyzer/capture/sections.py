"""A large pcap file read by several processes, each of which reads a section of it.

Where a section begins is guessed: where records seem to follow each other. Whether that was right is seen in the end: a
walk over records is right from a place on where the walk before it, over all that lies before, has ended there.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from analyzer.base.mapped_files import FilePart
from analyzer.base.table import I64
from analyzer.capture.blocks import Blocks
from analyzer.capture.capture import Capture
from analyzer.capture.gather import as_bytes
from analyzer.capture.pcap import HEADER_LEN, RECORD, Header, Reading, explain_stop, read_header, state_at
from analyzer.capture.pcap_walk import AT_END, FILE_HEADER, RUNNING, STOPPED
from analyzer.capture.record_log import RecordLog, Sink
from analyzer.capture.records import MAX_RECORD_LEN, SECOND_NS

# So much of a file is looked into for a record that others follow, and so many must.
_LOOK_LEN = 4 << 20
_CHAIN = 32
# More places that look like a record's beginning take an attacker.
_MOST_TRIED = 4_096
# Packets of one capture are rarely further apart.
_NEAR_SECONDS = 7 * 24 * 3600


class Section(NamedTuple):
    """Where in a file a section's records begin, and where the next section's do, or the file ends."""

    begin: int
    end: int


def sections_of(buffer: memoryview, name: str, count: int) -> list[Section]:
    """Up to ``count`` sections of the pcap file in ``buffer``, of about one size; raises as ``read_pcap``."""
    header = _header_of(buffer, name)
    found = {HEADER_LEN, len(buffer)}
    for n in range(1, count):
        at = _record_near(buffer, len(buffer) * n // count, header)
        found |= {at} if at else set()
    return [Section(*bounds) for bounds in pairwise(sorted(found))]


def read_section(buffer: memoryview, file: FilePart, section: Section, *, name: str, sink: Sink) -> I64:
    """Read a section of the one file in ``buffer`` into ``sink``; gives how that ended, for ``joined_sections``."""
    reading = Reading(name, buffer, *sink, [_header_of(buffer, name)])
    state = state_at(section.begin, RUNNING)
    with file.opened() as descriptor:
        reading.take_records(Blocks(buffer[: section.end], descriptor), state, 0)
    return state


def joined_sections(buffer: memoryview, ends: Sequence[I64], *, name: str, log: RecordLog) -> Capture | None:
    """The capture of a file whose sections ended so, and whose records are in ``log``; None where a guess was wrong."""
    *others, last = ends
    if any(state[STOPPED] != AT_END for state in others) or last[STOPPED] == FILE_HEADER:
        return None
    reading = Reading(name, buffer, log, None, [_header_of(buffer, name)])
    error = explain_stop(last, len(buffer), reading.headers[0].variant.record_header_len)
    if error is not None:
        reading.stop(error)
    return reading.finish()


def _header_of(buffer: memoryview, name: str) -> Header:
    header = read_header(buffer[:HEADER_LEN], name, first=True)
    assert header is not None
    return header


def _record_near(buffer: memoryview, at: int, header: Header) -> int | None:
    """Where behind ``at`` a record seems to begin, with many behind it; None where none does."""
    header_len, layout = header.variant.record_header_len, RECORD[header.order]
    data = as_bytes(buffer[at : at + _LOOK_LEN]).copy()
    places = len(data) - layout.itemsize + 1
    if places <= 0 or len(buffer) < HEADER_LEN + layout.itemsize:
        return None
    # A header may begin at every byte.
    record = np.ndarray((places,), layout, data, 0, (1,))
    captured, wire = ("wire_len", "captured_len") if header.swapped_lengths else ("captured_len", "wire_len")
    first = np.frombuffer(buffer, layout, 1, HEADER_LEN)
    apart = record["seconds"].astype(np.int64) - int(first["seconds"][0])
    likely = (record[captured] <= record[wire]) & (record[captured] <= MAX_RECORD_LEN) & (record[captured] > 0)
    likely &= (np.abs(apart) <= _NEAR_SECONDS) & (record["fraction"] < SECOND_NS // header.variant.fraction_ns)
    lengths = record[captured]
    tried: list[int] = np.flatnonzero(likely[: MAX_RECORD_LEN + header_len])[:_MOST_TRIED].tolist()
    for place in tried:
        following = place
        for _ in range(_CHAIN):
            following += header_len + int(lengths[following])
            if following >= places or not likely[following]:
                break
        else:
            return at + place
    return None
