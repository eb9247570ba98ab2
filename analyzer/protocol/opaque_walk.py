"""The kernels that tell which connections are surely opaque TCP, by the first bytes; ``spoken_columns`` runs them.

Each is one loop over columns, in plain Python as when compiled (``base/kernel.py``). They take a part of what
``opening`` takes for opaque.
"""

from __future__ import annotations

from analyzer.base.table import I64, U8
from analyzer.protocol.http2_frames import CONTINUATION, FRAME_HEADER_LEN
from analyzer.protocol.opening import MAX_PIECES
from analyzer.protocol.request_line import MAX_INSPECT_LEN
from analyzer.protocol.tls_records import CHANGE_CIPHER_SPEC, HANDSHAKE, HEARTBEAT

# Rows of the matrix of pieces.
POSITION, PIECE_LEN, OFFSET = range(3)
# Rows of the matrix of connections: the pieces of the client and how many bytes it sent, the first piece of the server
# and how many bytes it sent, and what the kernel says.
CLIENT_FIRST, CLIENT_STOP, CLIENT_SENT, SERVER_FIRST, SERVER_SENT, TOLD = range(6)
# Values of ``TOLD``: it has to be read; it is opaque; the client said nothing; it begins as TLS does.
UNKNOWN, OPAQUE, SILENT, MAYBE_TLS = range(4)

# As many bytes as ``opening`` looks at first.
_FIRST_READ = 512
# Of a frame of HTTP/2.
_LARGEST_FRAME = 1 << 14
_KIND, _FLAGS = 3, 4
_LF, _CR, _SPACE, _STAR, _SLASH, _A, _Z, _H, _T = b"\n\r */AZHT"
_SOCKS_4, _SOCKS_5, _MOST_METHODS = 4, 5, 4
_SSL2_LEAST, _SSL2_MOST, _SSL2_CLIENT_HELLO = 0x80, 0xBF, 1
_TLS_MAJOR = 3


def walk_first_bytes(data: U8, pieces: I64, connections: I64, flags: I64) -> int:
    """Kernel: what each connection may be of which nothing is missing; gives how many may be opaque.

    ``flags`` are those that each type of frame has in HTTP/2. Opaque is not what may be a preamble, a record, a frame
    or the hello of SSL 2.0, nor what goes on with a piece that begins as a handshake does, or is answered as by HTTP
    or TLS.
    """
    found = 0
    for connection in range(connections.shape[1]):
        connections[TOLD, connection] = UNKNOWN
        if connections[SERVER_SENT, connection] > 0:
            piece = connections[SERVER_FIRST, connection]
            at = pieces[OFFSET, piece]
            if data[at] == HANDSHAKE and connections[CLIENT_SENT, connection] == 0:
                continue
            if data[at] == _H and (pieces[PIECE_LEN, piece] < 2 or data[at + 1] == _T):
                continue
        if connections[CLIENT_SENT, connection] == 0:
            connections[TOLD, connection] = SILENT
            continue
        piece = connections[CLIENT_FIRST, connection]
        at, size = pieces[OFFSET, piece], pieces[PIECE_LEN, piece]
        first, told = data[at], OPAQUE
        if first == HANDSHAKE:
            connections[TOLD, connection] = MAYBE_TLS
            continue
        # What begins as text is no binary protocol, whatever comes next.
        short = size <= _FLAGS and size < connections[CLIENT_SENT, connection]
        if short and not _SPACE <= first < _SSL2_LEAST:
            continue
        second = data[at + min(size - 1, 1)]
        third = data[at + min(size - 1, 2)]
        if CHANGE_CIPHER_SPEC <= first <= HEARTBEAT and second == _TLS_MAJOR:
            continue
        if _SOCKS_4 <= first <= _SOCKS_5 and 1 <= second <= _MOST_METHODS:
            continue
        if _SSL2_LEAST <= first <= _SSL2_MOST and third == _SSL2_CLIENT_HELLO:
            continue
        framed = connections[CLIENT_SENT, connection] >= FRAME_HEADER_LEN
        if framed and first * 65536 + second * 256 + third <= _LARGEST_FRAME and data[at + _KIND] <= CONTINUATION:
            told = UNKNOWN if data[at + _FLAGS] & ~flags[data[at + _KIND]] == 0 else OPAQUE
        for later in range(piece + 1, min(connections[CLIENT_STOP, connection], piece + 1 + MAX_PIECES)):
            if data[pieces[OFFSET, later]] == HANDSHAKE:
                told = UNKNOWN
        connections[TOLD, connection] = told
        found += told == OPAQUE
    return found


def walk_lines(data: U8, pieces: I64, connections: I64, tokens: U8) -> int:
    """Kernel: connections whose client may begin a request are not opaque; gives how many are.

    ``tokens`` ``(256,)`` is 1 for what a method may have. No request is what begins with a word that has anything else,
    or with a line that is one word; nor, so that Envoy takes it for none, a line without a slash or star behind a
    method that nobody knows, all of which have upper case alone.
    """
    found = 0
    for connection in range(connections.shape[1]):
        if connections[TOLD, connection] != OPAQUE:
            continue
        piece = connections[CLIENT_FIRST, connection]
        at = pieces[OFFSET, piece]
        stop = at + min(pieces[PIECE_LEN, piece], _FIRST_READ)
        byte, foreign = at, False
        while byte < stop and tokens[data[byte]]:
            if not _A <= data[byte] <= _Z:
                foreign = True
            byte += 1
        # What ends the word, and for a CR or a blank also what comes then.
        ended = byte < stop and not (byte == at and (data[byte] == _CR or data[byte] == _LF or data[byte] == _SPACE))
        if ended and data[byte] == _CR:
            ended = byte + 1 < stop
        elif ended and data[byte] == _SPACE:
            while byte < stop and data[byte] != _LF and data[byte] != _SLASH and data[byte] != _STAR:
                byte += 1
            ended = foreign and byte < stop and data[byte] == _LF
        # A line without an end is too long for Envoy at some length.
        if ended and connections[CLIENT_SENT, connection] >= MAX_INSPECT_LEN:
            stop = at + min(pieces[PIECE_LEN, piece], MAX_INSPECT_LEN)
            while byte < stop and data[byte] != _LF:
                byte += 1
            ended = byte < stop
        if ended:
            found += 1
        else:
            connections[TOLD, connection] = UNKNOWN
    return found
