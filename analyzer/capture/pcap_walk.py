"""The walk over the records of a pcap file, as a kernel: what their headers say, and what packets they bring."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.base.table import I64, U8
from analyzer.capture.network.ipv4_tcp import decode_segment
from analyzer.capture.records import SECOND_NS

# How a walk over records may stop.
RUNNING, AT_END, HEADER_CUT, LENGTH_BAD, FILE_HEADER = range(5)

# What a walk leaves for the next one: where it goes on, how it stopped, the length that is wrong, where there is no
# file header after all, and how many packets are left.
AT, STOPPED, LENGTH, NO_HEADER, LEFT, STATES = range(6)


def walk_records(
    data: U8,
    state: I64,
    bounds: I64,
    layout: Sequence[int],
    records: Sequence[I64],
    link: Sequence[int],
    packets: Sequence[I64],
    left: I64,
) -> int:
    """Kernel: the records in ``data``, as columns of a ``RecordTable`` and whether their times are bad; how many.

    ``bounds`` are (where ``data`` begins in the file, how long that is, how long a record may be); all other places are
    the file's. It stops ``RUNNING`` before a record that is not all in ``data``, and where the columns are full.
    ``layout`` is (how long a record's header is, whether the highest byte comes first, where in it the length in the
    file and on the wire stand, the unit of fractions of a second). Where ``packets`` have rows they are filled by
    ``decode_segment``, which takes ``link``; the rows of the others go to ``left``.
    """
    header_len, is_big, captured_at, wire_at, fraction_ns = layout
    time_ns, data_off, captured_len, wire_len, time_is_bad = records
    place, most = bounds[0], bounds[2]
    size = bounds[1] - place
    at, not_header = state[AT] - place, state[NO_HEADER] - place
    found = count = 0
    decodes = len(packets[0]) > 0
    status = RUNNING
    while found < len(time_ns):
        if at + header_len > size:
            status = AT_END if at == size else HEADER_CUT
            break
        if at + header_len > len(data):
            break
        if ((data[at] == 0xA1 and data[at + 1] == 0xB2) or (data[at + 3] == 0xA1 and data[at + 2] == 0xB2)) and (
            data[at + 4] + data[at + 5] == 2 and data[at + 6] + data[at + 7] == 4 and at != not_header
        ):
            status = FILE_HEADER
            break
        length = number_at(data, at + captured_at, is_big)
        begin = at + header_len
        if length > most or begin + length > size:
            status = LENGTH_BAD
            state[LENGTH] = length
            break
        if begin + length > len(data):
            break
        rest_ns = number_at(data, at + 4, is_big) * fraction_ns
        time_ns[found] = number_at(data, at, is_big) * SECOND_NS + min(rest_ns, SECOND_NS - 1)
        time_is_bad[found] = rest_ns >= SECOND_NS
        data_off[found], captured_len[found] = begin + place, length
        wire_len[found] = number_at(data, at + wire_at, is_big)
        at = begin + length
        if decodes and not decode_segment(data, found, begin, at, link, packets):
            left[count] = found
            count += 1
        found += 1
    state[AT], state[STOPPED], state[LEFT] = at + place, status, count
    return found


def number_at(data: U8, at: int, is_big: int) -> int:
    """The unsigned number in four bytes, of which the highest comes first or last. Kernels call this."""
    found: int = data[at] | data[at + 1] << 8 | data[at + 2] << 16 | data[at + 3] << 24
    if is_big:
        found = data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]
    return found
