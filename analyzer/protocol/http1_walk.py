"""The kernels that read plain HTTP/1 heads where they lie; ``http1_pairs`` runs them.

Each is one loop over columns, in plain Python as when compiled (``base/kernel.py``). Heads stand in one matrix and the
spots in them, which a machine of ``http1_machine`` tells, in another.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analyzer.base.table import I64, U8, U16
from analyzer.protocol import http1_machine
from analyzer.protocol.http1_head import ENVOY_MAX_HEADERS
from analyzer.protocol.http1_machine import DONE, LENGTH, LINE, REJECTED, START, STATUS

I16 = NDArray[np.int16]

# Rows of the matrix of pieces.
POSITION, PIECE_LEN, OFFSET = range(3)
# Rows of the matrix of lanes: their pieces, how many bytes were sent, where their heads go and how many there may be;
# and what the walk gives: how many there are, and the position behind the last message.
FIRST, STOP, SENT, ROOM, MOST, TAKEN, REACHED = range(7)
# Rows of the matrix of heads: where they begin and end on the stream, where their bodies do, where they lie in the
# buffer, the pieces that hold their first byte and their message's last; and what the caller says of a body of which
# the head says nothing.
BEGIN, END, BODY_END, AT, PIECE, LAST_PIECE, UNSAID = range(7)
# Values of ``UNSAID``: there is none; the head has to say it; there is none, whatever the head says.
NONE_UNSAID, MUST_SAY, NONE_EVER = 0, -1, -2

# As much of a piece as the reader of one connection at a time looks at, and as many lines.
MAX_HEAD_LEN = 2048
# The first line and the empty one are lines too.
MAX_LINES = ENVOY_MAX_HEADERS + 2
# Longer bodies are for those who can count further than 64 bits.
_MOST_BODY = 10**15
_LENGTH_BEGINS, _LENGTH_ENDS = http1_machine.begins(LENGTH), http1_machine.ends(LENGTH)
_STATUS_BEGINS = http1_machine.begins(STATUS)
_ZERO, _FOUR, _LOWER = 0x30, 0x34, 0x20
# Fowler, Noll and Vo's hash of 32 bits.
_HASH_BASIS, _HASH_PRIME, _LOW_32 = 0x811C9DC5, 0x01000193, 0xFFFFFFFF


def walk_heads(data: U8, pieces: I64, lanes: I64, table: U16, marks: I64, heads: I64, spots: I16, names: I64) -> int:
    """Kernel: the heads of some lanes, one message after the other up to the first that is not plain.

    ``table`` and ``marks`` are a machine's. The heads of lane k go to the columns from ``lanes[ROOM, k]`` on, and how
    far behind their beginning each spot was passed to the same rows of ``spots``, which are zeros. ``names`` has room
    for as many hashes as a head may have lines; names that share one count as repeated. Gives 0.
    """
    for lane in range(lanes.shape[1]):
        piece = lanes[FIRST, lane]
        head = lanes[ROOM, lane]
        until = head + lanes[MOST, lane]
        position = 0
        while position < lanes[SENT, lane] and head < until:
            piece += piece + 1 < lanes[STOP, lane] and pieces[POSITION, piece + 1] == position
            at = pieces[OFFSET, piece] + position - pieces[POSITION, piece]
            stop = min(at + MAX_HEAD_LEN, pieces[OFFSET, piece] + pieces[PIECE_LEN, piece])
            byte, state, name, named, lines = at, START, _HASH_BASIS, 0, 0
            while byte < stop and state > DONE:
                step = table[state << 8 | data[byte]]
                name = ((name ^ (data[byte] | _LOWER)) * _HASH_PRIME) & _LOW_32
                byte += 1
                # Most bytes change nothing, and a processor that expects this need not wait for the table.
                if step != state:
                    state = step
                    if state < len(marks):
                        mark = marks[state]
                        spots[head, abs(mark)] = byte - at
                        if mark == LINE:
                            name = _HASH_BASIS
                            lines += 1
                            state = state if lines <= MAX_LINES else REJECTED
                        elif mark < 0:
                            for other in range(named):
                                state = state if names[other] != name else REJECTED
                            names[named] = name
                            named += 1
            if state != DONE:
                break
            body = heads[UNSAID, head]
            status = at + spots[head, _STATUS_BEGINS]
            if body == NONE_EVER or (data[status] == _ZERO and data[status + 1] == _FOUR):
                body = 0
            elif spots[head, _LENGTH_ENDS]:
                body = 0
                for digit in range(at + spots[head, _LENGTH_BEGINS] - 1, at + spots[head, _LENGTH_ENDS] - 1):
                    body = min(body * 10 + data[digit] - _ZERO, _MOST_BODY)
            if not 0 <= body < _MOST_BODY:
                break
            heads[BEGIN, head] = position
            heads[END, head] = position + byte - at
            position += byte - at + body
            heads[BODY_END, head] = position
            heads[AT, head] = at
            heads[PIECE, head] = piece
            while piece + 1 < lanes[STOP, lane] and pieces[POSITION, piece + 1] < position:
                piece += 1
            heads[LAST_PIECE, head] = piece
            head += 1
        lanes[TAKEN, lane] = head - lanes[ROOM, lane]
        lanes[REACHED, lane] = position
    return 0


def find_texts(data: U8, pieces: I64, heads: I64, table: U16, looked_at_len: int, flagged: I64) -> int:
    """Kernel: flag the heads whose body has, within its first bytes, a text that a machine finds; gives how many."""
    found = 0
    for head in range(heads.shape[1]):
        position = heads[END, head]
        stop = min(position + looked_at_len, heads[BODY_END, head])
        piece = heads[PIECE, head]
        state = START
        while position < stop and piece <= heads[LAST_PIECE, head]:
            captured = min(stop, pieces[POSITION, piece] + pieces[PIECE_LEN, piece])
            shift = pieces[OFFSET, piece] - pieces[POSITION, piece]
            for byte in range(position + shift, captured + shift):
                # Most bytes begin no text: nothing waits for what the table says of these.
                step = table[START << 8 | data[byte]]
                if state != START or step != START:
                    state = table[state << 8 | data[byte]]
            position = max(position, captured)
            piece += 1
        if state == DONE:
            flagged[head] = 1
            found += 1
    return found
