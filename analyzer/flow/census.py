"""Who talks with whom in a capture that is too large for one table: its TCP tuples, taken window by window.

Of each packet only its tuple's number is kept, of each tuple what says whose packets must be looked at together.
What windows give is joined in their order: however a capture is parted, the same comes of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analyzer.base.column import Column
from analyzer.base.fact import Fact
from analyzer.base.kernel import run_kernel
from analyzer.base.table import ACK, I32, I64, PROTOCOL_TCP, RST, SYN, PacketTable, RecordTable, decoded_as, distinct
from analyzer.capture.gather import forget
from analyzer.flow.numbering import Numbering, number_packets
from analyzer.flow.table import LOW_32
from analyzer.flow.tuples import canonical_tuples

# Rows of ``Tuples.table``: the tuple itself as ``canonical_tuples`` has it, then what was seen of it.
TUPLE_ROWS = 5
FIRST_ROW, LAST_ROW, FIRST_NS, LAST_NS, PACKETS, SENDERS, OPENING = range(TUPLE_ROWS, 12)
_TABLE_ROWS = 12
# Values of ``SENDERS``: which ends sent anything.
LOW_SENT, HIGH_SENT = 1, 2
# Rows of the matrices of SYNs and SYN-ACKs.
TUPLE, SENDER, NUMBER = range(3)
# Where these stand in a number that has them all; ``count_tuples`` tells SYNs from SYN-ACKs by a bit above the tuple.
_SENDER_AT, _TUPLE_AT, _ANSWER_AT = 32, 33, 62
_HANDSHAKE = SYN | ACK | RST
# Packets whose tuples are looked at at once: those of a section may be as many as a file has.
_ROWS_AT_ONCE = 1 << 20


class Tuples(Fact, frozen=True):
    """The TCP tuples of a capture, or of packets of it that follow each other, in the order of their first packet.

    ``table`` ``(12, T)``; ``OPENING`` is what the first packet has of SYN, ACK and RST. ``tuple_of`` ``(P,)`` is each
    packet's tuple, -1 for what is no TCP; rows count from the first of these packets. ``syns`` and ``syn_acks``
    ``(3, S)``, each once and in ascending order: the tuple, whether the greater end sent it, the number that a SYN
    announces, or that a SYN-ACK acknowledges. ``sure`` is false where too many tuples were made to look alike.
    """

    table: I64
    tuple_of: I32
    syns: I64
    syn_acks: I64
    sure: bool = True

    def __len__(self) -> int:
        return int(self.table.shape[1])


def tuples_of(packets: PacketTable, records: RecordTable) -> Tuples:
    """The tuples of a window: packets, and their records."""
    rows = np.flatnonzero(decoded_as(packets, PROTOCOL_TCP))
    numbers = number_packets(packets, rows)
    seen = np.zeros((int(numbers.max(initial=-1) >> 1) + 1, _TABLE_ROWS), np.int64)
    handshakes = np.empty(len(rows), np.int64)
    columns = packets.tcp_flags, packets.seq, packets.ack, records.time_ns
    found = handshakes[: run_kernel(count_tuples, len(rows), columns, rows, numbers, seen, handshakes)]
    order = np.argsort(seen[:, FIRST_ROW])
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    table = np.ascontiguousarray(seen[order].T)
    table[:TUPLE_ROWS] = canonical_tuples(packets, table[FIRST_ROW])[0]
    tuple_of = np.full(len(packets), -1, np.int32)
    tuple_of[rows] = rank[numbers >> 1]
    answers, keys = found >> _ANSWER_AT > 0, _renumbered(found & (1 << _ANSWER_AT) - 1, rank)
    return Tuples(table, tuple_of, _events([keys[~answers]]), _events([keys[answers]]))


def count_tuples(packets: Sequence[I64], rows: I64, numbers: I64, seen: I64, handshakes: I64) -> int:
    """Kernel: what is seen of tuples, into ``seen`` ``(T, 12)``, all 0; gives how many ``handshakes`` there are.

    ``packets`` are flags, sequence and acknowledgement numbers and times by row; ``numbers`` ``(N,)`` as
    ``number_packets`` gives them, for ``rows``. ``handshakes`` ``(N,)`` takes the SYNs and SYN-ACKs.
    """
    tcp_flags, seqs, acks, times = packets
    found = 0
    for i in range(len(rows)):
        row = rows[i]
        t = numbers[i] >> 1
        side = numbers[i] & 1
        flags = tcp_flags[row] & _HANDSHAKE
        now = times[row]
        if seen[t, PACKETS] == 0:
            seen[t, FIRST_ROW] = row
            seen[t, FIRST_NS] = now
            seen[t, LAST_NS] = now
            seen[t, OPENING] = flags
        # Time may turn back within a connection.
        seen[t, FIRST_NS] = min(now, seen[t, FIRST_NS])
        seen[t, LAST_NS] = max(now, seen[t, LAST_NS])
        seen[t, LAST_ROW] = row
        seen[t, PACKETS] += 1
        seen[t, SENDERS] |= 1 << side
        if flags == SYN:
            handshakes[found] = t << _TUPLE_AT | side << _SENDER_AT | ((seqs[row] + 1) & LOW_32)
            found += 1
        elif flags == SYN | ACK:
            handshakes[found] = 1 << _ANSWER_AT | t << _TUPLE_AT | side << _SENDER_AT | (acks[row] & LOW_32)
            found += 1
    return found


class Census:
    """Joins the tuples of a capture's windows, in order; ``in_file`` as in ``Column``."""

    def __init__(self, *, in_file: bool = False) -> None:
        self._tuple_of = Column(np.int32, in_file=in_file)
        self._numbering = Numbering()
        self._table: I64 = np.empty((_TABLE_ROWS, 1024), np.int64)
        self._syns: list[I64] = []
        self._syn_acks: list[I64] = []
        self._rows = 0
        self._sure = True

    @property
    def tuple_of(self) -> I32:
        """As ``Tuples`` has it; of a census in a file that a fork took, too."""
        return self._tuple_of.array()

    def add(self, packets: PacketTable, records: RecordTable) -> None:
        """Take the next window: packets, and their records."""
        self.join(tuples_of(packets, records))

    def join(self, following: Tuples) -> None:
        """Take the tuples of the packets that follow those that were taken."""
        before = len(self._numbering)
        numbers = self._numbering.numbers_of(following.table[:TUPLE_ROWS]) if self._sure and following.sure else None
        if numbers is None:
            self._sure = False
            return
        # What is no TCP, -1, finds itself at the end.
        known = np.append(numbers, -1).astype(np.int32)
        for begin in range(0, len(following.tuple_of), _ROWS_AT_ONCE):
            self._tuple_of.append(known[following.tuple_of[begin : begin + _ROWS_AT_ONCE]])
        self._join_seen(numbers, following.table, before)
        self._syns.append(_renumbered(_keys(following.syns), numbers))
        self._syn_acks.append(_renumbered(_keys(following.syn_acks), numbers))
        self._rows += len(following.tuple_of)

    def finish(self) -> Tuples:
        """All tuples."""
        table = self._table[:, : len(self._numbering)]
        table[:TUPLE_ROWS] = self._numbering.tuples
        return Tuples(table, self.tuple_of, _events(self._syns), _events(self._syn_acks), self._sure)

    def _join_seen(self, numbers: I64, more: I64, before: int) -> None:
        """Add what was seen of tuples; those from number ``before`` on were not known."""
        self._make_room(len(self._numbering))
        new, known = np.flatnonzero(numbers >= before), np.flatnonzero(numbers < before)
        seen, at = self._table, numbers[known]
        seen[:, before : before + len(new)] = more[:, new]
        seen[FIRST_ROW, before : before + len(new)] += self._rows
        seen[LAST_ROW, before : before + len(new)] += self._rows
        seen[LAST_ROW, at] = more[LAST_ROW, known] + self._rows
        seen[FIRST_NS, at] = np.minimum(seen[FIRST_NS, at], more[FIRST_NS, known])
        seen[LAST_NS, at] = np.maximum(seen[LAST_NS, at], more[LAST_NS, known])
        seen[PACKETS, at] += more[PACKETS, known]
        seen[SENDERS, at] |= more[SENDERS, known]

    def _make_room(self, size: int) -> None:
        before = self._table
        if size > before.shape[1]:
            self._table = np.empty((_TABLE_ROWS, max(size, 2 * before.shape[1])), np.int64)
            self._table[:, : before.shape[1]] = before


def rows_of(tuple_of: I32, wanted: NDArray[np.bool_], first: int = 0, stop: int | None = None) -> I64:
    """The rows from ``first`` to ``stop`` whose packets are of ``wanted`` tuples ``(T + 1,)``, ascending.

    What is no TCP, -1, finds itself at the end. What was read of ``tuple_of`` is let go of.
    """
    last = len(tuple_of) if stop is None else stop
    found = [
        np.flatnonzero(wanted[tuple_of[begin : min(begin + _ROWS_AT_ONCE, last)]]) + begin
        for begin in range(first, last, _ROWS_AT_ONCE)
    ]
    forget(tuple_of.view(np.uint8))
    return np.concatenate([np.empty(0, np.int64), *found])


def _keys(events: I64) -> I64:
    """Events ``(3, S)`` as one number each."""
    keys: I64 = events[TUPLE] << _TUPLE_AT | events[SENDER] << _SENDER_AT | events[NUMBER]
    return keys


def _renumbered(keys: I64, numbers: I64) -> I64:
    """Events of tuples that have other ``numbers`` now."""
    moved: I64 = numbers[keys >> _TUPLE_AT] << _TUPLE_AT | keys & (1 << _TUPLE_AT) - 1
    return moved


def _events(keys: Sequence[I64]) -> I64:
    """Events ``(3, S)``, each once."""
    found = distinct(np.concatenate([np.empty(0, np.int64), *keys]))
    return np.stack([found >> _TUPLE_AT, found >> _SENDER_AT & 1, found & LOW_32])
