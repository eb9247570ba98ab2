"""The kernels that read the opening flights of TLS where they lie; ``spoken_columns`` runs them.

Each is one loop over columns, in plain Python as when compiled (``base/kernel.py``). They take a part of what
``tls_records`` and ``tls_hello`` read, and where they take something they find the same.
"""

from __future__ import annotations

from analyzer.base.table import I64, U8
from analyzer.protocol.tls_records import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    HEADER_LEN,
    HEARTBEAT,
    MAX_RECORD_LEN,
)

# Rows of the matrix of pieces.
POSITION, PIECE_LEN, OFFSET = range(3)
# Rows of the matrix of lanes: their pieces and how many bytes were sent. ``walk_records`` gives where the bytes of the
# handshake begin and end (END -1: the lane is not simple), the alerts, and the length of the first application data;
# ``walk_messages`` where the hello begins and ends, 0 where there is none, whether there is a certificate, and where
# the first one of a server lies; ``walk_hellos`` the version and extensions. Two rows of a stretch are its begin and
# length, -1 for none.
FIRST, STOP, SENT, BEGIN, END, ALERTS, DATA_LEN = range(7)
HELLO_BEGIN, HELLO_END, CERTIFIED, LEAF, LEAF_LEN, VERSION, EXTENSIONS = range(7, 14)
# Values of ``CERTIFIED``: no message, one of zeros, one that says something.
NO_CERTIFICATE, EMPTY_CERTIFICATE, CERTIFICATE = range(3)

# Honest handshakes have fewer records, alerts, extensions and bytes than this; others are read one at a time.
MAX_RECORDS = 32
MAX_FLIGHT_LEN = 16 * 1024
MAX_EXTENSIONS = 64
_MOST_ALERTS = 1 << 48

CLIENT_HELLO, SERVER_HELLO = 1, 2
_CERTIFICATE = 11
_MESSAGE_HEADER_LEN = 4
# Legacy version and random; of a ServerHello cipher suite and compression method.
_FIXED_LEN, _CHOSEN_LEN = 34, 3


def walk_records(data: U8, pieces: I64, lanes: I64, flights: U8) -> int:
    """Kernel: the handshakes in the clear of some lanes without gaps, one behind the other in ``flights``.

    This has room for all bytes of each lane, or ``MAX_FLIGHT_LEN``. ``ALERTS`` are 16 bits each behind a 1. Gives how
    much of ``flights`` is taken.
    """
    taken = 0
    for lane in range(lanes.shape[1]):
        at = taken
        piece, position, sent = lanes[FIRST, lane], 0, lanes[SENT, lane]
        lanes[END, lane] = -1
        lanes[BEGIN, lane] = at
        lanes[ALERTS, lane] = 1
        records = kind = encrypted = 0
        want = HEADER_LEN
        while True:
            if kind == 0 and position >= sent:
                lanes[END, lane] = at
                break
            if position + want > sent or at + want > taken + MAX_FLIGHT_LEN:
                break
            left = want
            while left > 0:
                skip = position - pieces[POSITION, piece]
                run = min(pieces[PIECE_LEN, piece] - skip, left)
                begin, shift = at + want - left, pieces[OFFSET, piece] + skip
                for byte in range(run):
                    flights[begin + byte] = data[shift + byte]
                run = max(run, 0)
                position += run
                left -= run
                piece += left > 0
            if kind == HANDSHAKE:
                at += want
            elif kind == ALERT:
                lanes[ALERTS, lane] = lanes[ALERTS, lane] * 65536 + flights[at] * 256 + flights[at + 1]
            if kind:
                kind, want = 0, HEADER_LEN
                continue
            found, length, records = flights[at], flights[at + 3] * 256 + flights[at + 4], records + 1
            known = CHANGE_CIPHER_SPEC <= found <= HEARTBEAT and flights[at + 1] == 3 and flights[at + 2] <= 4
            if not known or length > MAX_RECORD_LEN or records > MAX_RECORDS or lanes[ALERTS, lane] >= _MOST_ALERTS:
                break
            if found == APPLICATION_DATA:
                lanes[DATA_LEN, lane] = length
                lanes[END, lane] = at
                break
            encrypted |= found == CHANGE_CIPHER_SPEC
            if (found == HANDSHAKE and not encrypted) or (found == ALERT and length == 2):
                kind, want = found, length
            else:
                position += length
        taken = max(taken, lanes[END, lane])
    return taken


def walk_messages(flights: U8, lanes: I64, hello: int) -> int:
    """Kernel: the first message of the kind ``hello``, and the first certificate of each lane; gives 0.

    A client's hello has to come first, and no certificate without a hello. What is no whole message at the end is left.
    """
    for lane in range(lanes.shape[1]):
        at, end = lanes[BEGIN, lane], lanes[END, lane]
        lanes[LEAF_LEN, lane] = -1
        while at + _MESSAGE_HEADER_LEN <= end:
            kind = flights[at]
            begin = at + _MESSAGE_HEADER_LEN
            at = begin + (flights[at + 1] * 65536 + flights[at + 2] * 256 + flights[at + 3])
            if at > end:
                break
            if kind == hello and lanes[HELLO_END, lane] == 0:
                lanes[HELLO_BEGIN, lane] = begin
                lanes[HELLO_END, lane] = at
            elif kind == _CERTIFICATE and lanes[CERTIFIED, lane] == NO_CERTIFICATE:
                lanes[CERTIFIED, lane] = EMPTY_CERTIFICATE
                for byte in range(begin, at):
                    if flights[byte]:
                        lanes[CERTIFIED, lane] = CERTIFICATE
                        break
                if hello == SERVER_HELLO:
                    listed = leaf = -1
                    if at - begin > 6:
                        listed = flights[begin] * 65536 + flights[begin + 1] * 256 + flights[begin + 2]
                        leaf = flights[begin + 3] * 65536 + flights[begin + 4] * 256 + flights[begin + 5]
                    if listed != at - begin - 3 or leaf > listed - 3:
                        lanes[END, lane] = -1
                    lanes[LEAF, lane] = begin + 6
                    lanes[LEAF_LEN, lane] = leaf
        first = lanes[HELLO_BEGIN, lane] == lanes[BEGIN, lane] + _MESSAGE_HEADER_LEN
        if (hello == CLIENT_HELLO and not first) or (lanes[CERTIFIED, lane] and not lanes[HELLO_END, lane]):
            lanes[END, lane] = -1
    return 0


def walk_hellos(flights: U8, lanes: I64, hello: int, wanted: I64, kinds: I64) -> int:
    """Kernel: the version of each hello, and where the extensions of the kinds ``wanted`` lie; gives 0.

    A hello that contradicts its lengths, repeats an extension or has very many of them is not simple. ``kinds`` is
    scratch for ``MAX_EXTENSIONS``.
    """
    for lane in range(lanes.shape[1]):
        at, end = lanes[HELLO_BEGIN, lane], lanes[HELLO_END, lane]
        lanes[VERSION, lane] = -1
        for which in range(len(wanted)):
            lanes[EXTENSIONS + 2 * which + 1, lane] = -1
        if lanes[END, lane] < 0 or end == 0:
            continue
        last = end - 1
        if end - at > _FIXED_LEN:
            lanes[VERSION, lane] = flights[at] * 256 + flights[at + 1]
        at += _FIXED_LEN
        # Session, and of a client its cipher suites and compression methods; behind the end it stays there.
        for vector in range(1 if hello == SERVER_HELLO else 3):
            length = flights[min(at, last)] * 1
            if vector == 1:
                length = length * 256 + flights[min(at + 1, last)]
                at += 1
            at += 1 + length
        if hello == SERVER_HELLO:
            at += _CHOSEN_LEN
        sound = at == end or (at + 2 <= end and at + 2 + (flights[at] * 256 + flights[at + 1]) == end)
        at += 2
        count = 0
        while sound and at < end:
            if at + 4 > end or count == MAX_EXTENSIONS:
                sound = False
                break
            kind, size = flights[at] * 256 + flights[at + 1], flights[at + 2] * 256 + flights[at + 3]
            for other in range(count):
                if kinds[other] == kind:
                    sound = False
            kinds[count] = kind
            count += 1
            at += 4
            for which in range(len(wanted)):
                if wanted[which] == kind:
                    lanes[EXTENSIONS + 2 * which, lane] = at
                    lanes[EXTENSIONS + 2 * which + 1, lane] = size
            at += size
            sound = sound and at <= end
        if not sound or lanes[VERSION, lane] < 0:
            lanes[END, lane] = -1
    return 0


def walk_protocols(flights: U8, lanes: I64, row: int) -> int:
    """Kernel: lanes whose list of protocols (RFC 7301 section 3.1) contradicts its lengths are not simple; gives 0.

    ``row`` is where the extension stands in the matrix.
    """
    for lane in range(lanes.shape[1]):
        at, size = lanes[row, lane], lanes[row + 1, lane]
        if lanes[END, lane] < 0 or size < 0:
            continue
        stop = at + size
        sound = size >= 2 and flights[at] * 256 + flights[at + 1] == size - 2
        at += 2
        while sound and at < stop:
            at += 1 + flights[at]
        if not sound or at != stop:
            lanes[END, lane] = -1
    return 0
