"""Heads of two directions become pairs, and connections leave as a whole."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from analyzer.protocol.http1_machine import HOST, TARGET, request_machine, response_machine
from analyzer.protocol.http1_pairs import HeadClasses, HeadReader, Pairs
from analyzer.protocol.http1_walk import BEGIN, BODY_END

ASKED = [b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /b HTTP/1.1\r\n\r\n", b"POST / HTTP/1.1\r\nHost:\r\n\r\n"]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


class Column:
    """Pieces of one message each; the lanes have as many messages as ``counts`` says."""

    def __init__(self, messages: list[bytes], counts: list[int], lengths: list[int]) -> None:
        self.length = np.array([len(each) for each in messages])
        self.offset = np.cumsum(self.length) - self.length
        self.starts = np.append(0, np.cumsum(counts))
        self.position = self.offset - np.repeat(self.offset[self.starts[:-1]], counts)
        self.lengths, self.heard, self.breaks = np.array(lengths), np.ones(len(counts), np.int64), np.zeros(0, np.int64)


def pairs_of(messages: list[bytes], counts: list[int]) -> tuple[HeadReader, Pairs]:
    starts = np.append(0, np.cumsum(counts))
    lengths = [sum(map(len, messages[begin:end])) for begin, end in pairwise(starts)]
    pieces = Column(messages, counts, lengths)
    reader = HeadReader.of(memoryview(b"".join(messages)), pieces, 0, 1 << 62)
    connections = np.arange(len(counts) // 2)
    return reader, reader.pairs(connections, request_machine(frozenset()), response_machine())


def text(reader: HeadReader, span) -> list[bytes | None]:
    return [
        None if size < 0 else reader.data[begin : begin + size].tobytes() for begin, size in zip(*span, strict=True)
    ]


def test_a_request_has_its_response() -> None:
    reader, pairs = pairs_of([*ASKED, OK, OK, OK], [3, 3])

    assert text(reader, pairs.requests.span(TARGET)) == [b"/a", b"/b", b"/"]
    assert text(reader, pairs.requests.span(HOST)) == [b"a", None, b""]
    assert pairs.responses.heads[BEGIN].tolist() == [0, len(OK), 2 * len(OK)]


def test_a_connection_leaves_with_all_of_its_exchanges() -> None:
    reader, pairs = pairs_of([ASKED[0], OK, ASKED[1], ASKED[2], OK, OK], [1, 1, 2, 2])

    kept = pairs.only(pairs.free_of(np.array([False, True, False])))

    assert (kept.which.tolist(), kept.counts.tolist(), text(reader, kept.requests.span(TARGET))) == ([0], [1], [b"/a"])


def test_a_connection_whose_answers_are_not_plain_has_no_pairs() -> None:
    _, pairs = pairs_of([ASKED[0], b"junk", ASKED[1], OK], [1, 1, 1, 1])

    assert (pairs.which.tolist(), pairs.counts.tolist(), len(pairs)) == ([1], [1], 1)


def test_a_response_that_goes_on_behind_what_was_sent_is_not_complete() -> None:
    _, pairs = pairs_of([ASKED[0], ASKED[1], OK, OK.replace(b": 2", b": 9")], [2, 2])

    assert (pairs.complete.tolist(), pairs.responses.heads[BODY_END].tolist()) == ([1, 0], [len(OK), 2 * len(OK) + 7])


def test_classes_hold_from_lot_to_lot() -> None:
    reader, pairs = pairs_of([*ASKED, ASKED[0], OK, OK, OK, OK], [4, 4])
    classes = HeadClasses(request_machine(frozenset()))
    nothing = np.zeros(4, np.int64)

    found = [classes.of(reader, pairs.requests, nothing).tolist() for _ in range(2)]

    assert found == [[0, 1, 2, 0]] * 2
