"""The exchanges of plain HTTP/1.1 connections as columns: where they lie, and which of them are alike.

What is plain here is a part of what ``http1_plain`` takes, and has its exchanges; the whole parser reads all else.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analyzer.base.fact import Fact
from analyzer.base.table import I64, U8, ranges
from analyzer.protocol import http1_walk as walk
from analyzer.protocol.http1_machine import (
    REQUEST_ID,
    STATUS,
    TARGET,
    request_machine,
    response_machine,
    text_machine,
)
from analyzer.protocol.http1_pairs import HeadClasses, HeadReader, Pairs, Side
from analyzer.protocol.piece_reader import Pieces

# A compile takes as long as plain Python for so many pieces of clients.
_COMPILE_ROWS = 20_000
_ZERO, _PLACES = ord("0"), np.arange(3)[:, None]


class PlainExchanges(Fact, frozen=True):
    """The exchanges of plain connections, each with request and response.

    Those of the k-th connection that was asked about are ``starts[k]:starts[k + 1]``: none where it is not plain. All
    else is by exchange, ``(E,)``:

    * ``request_start``, ``request_end``, ``response_start``, ``response_end``: the heads, and ``response_body_end`` the
      end of the message, as positions on the streams. ``complete`` is 1 where that end was sent.
    * ``asking_piece`` holds all of the request's head, ``answering_piece`` all of the response's, and
      ``answered_last_piece`` the message's last byte, or is the last one before it that was captured.
    * ``target_len`` of the request's target; ``targets`` has all of them, one behind the other, as latin-1.
    * ``request_id_off``, ``request_id_len``: the bytes of the request's ``x-request-id`` without outer blanks, in the
      buffer; where there is none, the length is -1.
    * ``status`` of the response.
    * ``asked`` and ``answered`` are the classes of requests and of responses.

    Requests of a class have the same method, the same Host or none, and the same headers of those that were looked at:
    names and values, in their order but for the three that are not compared by place (Host, Content-Length and
    X-Request-Id). Responses of a class have the same status and ``server``, have or lack
    ``x-envoy-upstream-service-time``, and are complete or not.
    """

    starts: I64
    request_start: I64
    request_end: I64
    response_start: I64
    response_end: I64
    response_body_end: I64
    complete: I64
    asking_piece: I64
    answering_piece: I64
    answered_last_piece: I64
    targets: str
    target_len: I64
    request_id_off: I64
    request_id_len: I64
    status: I64
    asked: I64
    answered: I64

    def __len__(self) -> int:
        return len(self.asked)

    @classmethod
    def joined(cls, parts: Sequence[PlainExchanges]) -> PlainExchanges:
        """Those of connections that were asked about one part after the other; at least one part."""
        counts = np.concatenate([np.diff(part.starts) for part in parts])
        targets = "".join(part.targets for part in parts)
        names = [name for name in cls.__struct_fields__ if name not in ("starts", "targets")]
        columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        return cls(starts=np.append(0, np.cumsum(counts)), targets=targets, **columns)


class PlainHeads:
    """What plain heads are, and the classes of those that were read so far, of whatever capture.

    ``looked_at`` are names of request headers in lower case. A response that has one of ``own_texts`` in the first 128
    bytes of its body is not plain; nor is an error, or one without a length. Of more names than a machine is made for
    nothing is plain.
    """

    def __init__(self, *, looked_at: frozenset[str] = frozenset(), own_texts: frozenset[bytes] = frozenset()) -> None:
        self.asking, self.answering = request_machine(looked_at), response_machine()
        self.texts = text_machine(own_texts)
        self.asked, self.answered = HeadClasses(self.asking), HeadClasses(self.answering)

    @property
    def is_full(self) -> bool:
        """Whether there may soon be no room for other classes."""
        return self.asked.is_full or self.answered.is_full


class PlainReader:
    """Reads exchanges of a capture's plain connections, some of ``connections`` after others.

    Both lanes of each must begin with its handshake.
    """

    def __init__(
        self,
        buffer: memoryview,
        pieces: Pieces,
        connections: I64,
        heads: PlainHeads,
        *,
        compile_rows: int = _COMPILE_ROWS,
    ) -> None:
        self._heads = heads
        self._may_be = _may_be_plain(pieces)
        which = connections[self._may_be[connections]]
        self._reader = HeadReader.of(buffer, pieces, int(np.diff(pieces.starts)[2 * which].sum()), compile_rows)

    def read(self, connections: I64) -> PlainExchanges:
        """The exchanges of some connections. There should not be many: kernels read the same bytes in turn."""
        reader, heads = self._reader, self._heads
        which = np.flatnonzero(self._may_be[connections])
        pairs = reader.pairs(connections[which], heads.asking, heads.answering)
        pairs = pairs.only(pairs.free_of(reader.has_texts(pairs.responses, heads.texts)))
        of_requests = heads.asked.of(reader, pairs.requests, np.zeros(len(pairs), np.int64))
        of_responses = heads.answered.of(reader, pairs.responses, pairs.complete)
        told = pairs.free_of((of_requests < 0) | (of_responses < 0))
        counts = np.zeros(len(connections), np.int64)
        counts[which[pairs.which[told]]] = pairs.counts[told]
        columns = {**_columns(reader.data, pairs), "asked": of_requests, "answered": of_responses}
        each = np.repeat(told, pairs.counts)
        targets = _targets(reader.data, pairs.requests.only(each)).decode("latin-1")
        own = {name: column[each] for name, column in columns.items()}
        return PlainExchanges(starts=np.append(0, np.cumsum(counts)), targets=targets, **own)


def _may_be_plain(pieces: Pieces) -> NDArray[np.bool_]:
    """Of which connections no byte is missing between others, and the server spoke after it had heard something."""
    broken = np.searchsorted(pieces.breaks, pieces.starts)
    whole = (np.diff(broken) == 0) & (np.diff(pieces.starts) > 0)
    may_be: NDArray[np.bool_] = whole[::2] & whole[1::2] & (pieces.heard[1::2] > 0)
    return may_be


def _targets(data: U8, requests: Side) -> bytes:
    """What is asked for, one behind the other."""
    return data[ranges(*requests.span(TARGET))].tobytes()


def _columns(data: U8, pairs: Pairs) -> dict[str, I64]:
    """The columns of ``PlainExchanges`` but for the classes."""
    requests, responses = pairs.requests, pairs.responses
    _, target_len = requests.span(TARGET)
    request_id_off, request_id_len = requests.span(REQUEST_ID)
    digits, _ = responses.span(STATUS)
    status = (data[digits + _PLACES].astype(np.int64) - _ZERO) * 10 ** _PLACES[::-1]
    return {
        "request_start": requests.heads[walk.BEGIN],
        "request_end": requests.heads[walk.END],
        "response_start": responses.heads[walk.BEGIN],
        "response_end": responses.heads[walk.END],
        "response_body_end": responses.heads[walk.BODY_END],
        "complete": pairs.complete,
        "asking_piece": requests.heads[walk.PIECE],
        "answering_piece": responses.heads[walk.PIECE],
        "answered_last_piece": responses.heads[walk.LAST_PIECE],
        "target_len": target_len,
        "request_id_off": request_id_off,
        "request_id_len": request_id_len,
        "status": status.sum(axis=0),
    }
