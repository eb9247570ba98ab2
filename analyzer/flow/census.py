"""Who talks with whom in a capture that is too large for one table: its TCP tuples, taken window by window.

Of each packet only its tuple's number is kept, of each tuple what says whose packets must be looked at together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyzer.base.column import Column
from analyzer.base.table import ACK, DECODED, I32, I64, PROTOCOL_TCP, RST, SYN, U64, PacketTable, RecordTable
from analyzer.flow.table import LOW_32
from analyzer.flow.tuples import canonical_tuples, hash_columns

# Rows of ``Tuples.table``: the tuple itself as ``canonical_tuples`` has it, then what was seen of it.
FIRST_ROW, LAST_ROW, FIRST_NS, LAST_NS, PACKETS, SENDERS, OPENING = range(5, 12)
# Values of ``SENDERS``: which ends sent anything.
LOW_SENT, HIGH_SENT = 1, 2
# Rows of the matrices of SYNs and SYN-ACKs.
TUPLE, SENDER, NUMBER = range(3)
_HANDSHAKE = SYN | ACK | RST


@dataclass(frozen=True, slots=True)
class Tuples:
    """The TCP tuples of a capture, in the order of their first packet.

    ``table`` ``(12, T)``; ``OPENING`` is what the first packet has of SYN, ACK and RST. ``tuple_of`` ``(P,)`` is each
    packet's tuple, -1 for what is no TCP. ``syns`` and ``syn_acks`` ``(3, S)``, each once: the tuple, whether the
    greater end sent it, the number that a SYN announces, or that a SYN-ACK acknowledges. ``sure`` is false where two
    tuples could not be told apart.
    """

    table: I64
    tuple_of: I32
    syns: I64
    syn_acks: I64
    sure: bool

    def __len__(self) -> int:
        return int(self.table.shape[1])


class Census:
    """Counts the tuples of a capture's windows, in order; ``in_file`` as in ``Column``."""

    def __init__(self, *, in_file: bool = False) -> None:
        self._tuple_of = Column(np.int32, in_file=in_file)
        self._hashes: U64 = np.empty(0, np.uint64)
        self._numbers: I64 = np.empty(0, np.int64)
        self._table = np.empty((12, 1024), np.int64)
        self._len = self._rows = 0
        self._syns: I64 = np.empty((3, 0), np.int64)
        self._syn_acks: I64 = np.empty((3, 0), np.int64)
        self._sure = True

    def add(self, packets: PacketTable, records: RecordTable) -> None:
        """Take the next window: packets, and their records."""
        rows = np.flatnonzero((packets.fate == DECODED) & (packets.protocol == PROTOCOL_TCP))
        tuple_of = np.full(len(packets), -1, np.int32)
        if len(rows):
            tuple_of[rows] = self._count(packets, records, rows)
        self._tuple_of.append(tuple_of)
        self._rows += len(packets)

    def finish(self) -> Tuples:
        """All tuples."""
        table = self._table[:, : self._len]
        return Tuples(table, self._tuple_of.array(), self._syns, self._syn_acks, self._sure)

    def _count(self, packets: PacketTable, records: RecordTable, rows: I64) -> I64:
        """The tuples of ``rows``, which are counted."""
        tuples, swapped = canonical_tuples(packets, rows)
        hashes, first, inverse = np.unique(hash_columns(tuples), return_index=True, return_inverse=True)
        numbers = self._numbers_of(hashes, tuples[:, first], first)
        of = numbers[inverse]
        self._sure &= bool((self._table[:5, of] == tuples).all())
        last = np.empty(len(hashes), np.int64)
        # Of several values for one place the last one stays.
        last[inverse] = np.arange(len(rows))
        sent_high = np.bincount(inverse, swapped, len(hashes))
        counts = np.bincount(inverse, minlength=len(hashes))
        flags = packets.tcp_flags[rows].astype(np.int64) & _HANDSHAKE
        seen, times = self._table, records.time_ns
        new = seen[PACKETS, numbers] == 0
        seen[FIRST_ROW, numbers[new]] = rows[first[new]] + self._rows
        seen[FIRST_NS, numbers[new]] = times[rows[first[new]]]
        seen[OPENING, numbers[new]] = flags[first[new]]
        seen[LAST_ROW, numbers] = rows[last] + self._rows
        # Time may turn back within a connection.
        np.minimum.at(seen[FIRST_NS], of, times[rows])
        np.maximum.at(seen[LAST_NS], of, times[rows])
        seen[PACKETS, numbers] += counts
        seen[SENDERS, numbers] |= (sent_high < counts) * LOW_SENT | (sent_high > 0) * HIGH_SENT
        syn, syn_ack = np.flatnonzero(flags == SYN), np.flatnonzero(flags == SYN | ACK)
        announced = (packets.seq[rows[syn]].astype(np.int64) + 1) & LOW_32
        self._syns = _with_new(self._syns, of[syn], swapped[syn].astype(np.int64), announced)
        acknowledged = packets.ack[rows[syn_ack]].astype(np.int64)
        self._syn_acks = _with_new(self._syn_acks, of[syn_ack], swapped[syn_ack].astype(np.int64), acknowledged)
        return of

    def _numbers_of(self, hashes: U64, tuples: I64, first: I64) -> I64:
        """The numbers of distinct tuples, given by their hashes in ascending order; new ones by their first packet."""
        at = np.searchsorted(self._hashes, hashes)
        known = np.zeros(len(hashes), np.bool_)
        inside = at < len(self._hashes)
        known[inside] = self._hashes[at[inside]] == hashes[inside]
        numbers = np.empty(len(hashes), np.int64)
        numbers[known] = self._numbers[at[known]]
        new = np.flatnonzero(~known)
        numbers[new[np.argsort(first[new])]] = np.arange(self._len, self._len + len(new))
        self._make_room(self._len + len(new))
        self._table[:5, numbers[new]] = tuples[:, new]
        self._table[5:, numbers[new]] = 0
        self._len += len(new)
        self._hashes = np.insert(self._hashes, at[new], hashes[new])
        self._numbers = np.insert(self._numbers, at[new], numbers[new])
        return numbers

    def _make_room(self, size: int) -> None:
        room = self._table.shape[1]
        if size > room:
            wider = np.empty((12, max(size, 2 * room)), np.int64)
            wider[:, : self._len] = self._table[:, : self._len]
            self._table = wider


def _with_new(events: I64, tuples: I64, senders: I64, numbers: I64) -> I64:
    """``events`` ``(3, S)`` with more of them, each once within a window."""
    more = np.stack([tuples, senders, numbers])
    keys = more[TUPLE] << 33 | more[SENDER] << 32 | more[NUMBER]
    _, first = np.unique(keys, return_index=True)
    return np.concatenate([events, more[:, first]], axis=1)
