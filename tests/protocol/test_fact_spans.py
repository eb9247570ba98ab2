"""The bytes that facts stand on: with every other byte gone a connection is read the same."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.base.stream import Stream
from analyzer.protocol.conversation import parse_conversation
from analyzer.protocol.fact_spans import BEGINNING_LEN, fact_spans
from analyzer.protocol.http1_body import BODY_PREVIEW_LEN


def spans(client: bytes, server: bytes = b""):
    asked, answered = Stream.of(client), Stream.of(server)
    return fact_spans(parse_conversation(asked, answered), asked, answered)


def size(found) -> int:
    return sum(stop - start for start, stop in found)


def cut(data: bytes, found) -> Stream:
    """The stream with nothing but what ``found`` spans, in pieces of at most ten bytes."""
    there = sorted({i for start, stop in found for i in range(start, min(stop, len(data)))})
    pieces: list[list[int]] = []
    for i in there:
        if pieces and pieces[-1][-1] == i - 1 and len(pieces[-1]) < 10:
            pieces[-1].append(i)
        else:
            pieces.append([i])
    starts = [piece[0] for piece in pieces]
    lengths, numbers = [len(piece) for piece in pieces], [1 + start for start in starts]
    return Stream(memoryview(data), starts, starts, lengths, numbers, numbers, len(data), True)


def test_of_http_1_the_heads_and_the_beginning_of_each_answer_are_needed(say) -> None:
    ask, answer = say.get() + say.get("/b"), (say.ok(b"x" * 5000) * 2)

    asked, answered = spans(ask, answer)

    assert size(asked) == len(ask)
    assert size(answered) == 2 * (len(say.ok(b"x" * 5000)) - 5000 + BODY_PREVIEW_LEN)


def test_a_request_that_was_not_answered_is_needed_too(say) -> None:
    assert spans(say.get()) == (((0, len(say.get())),), ())


def test_chunks_are_kept_for_their_sizes() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" + b"x" * 1024 + b"\r\n0\r\n\r\n"
    sent = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"

    asked, answered = spans(sent, chunked)

    assert max(stop for _, stop in asked) == len(sent)
    assert max(stop for _, stop in answered) == len(chunked)


def test_of_http_2_every_frame_but_what_data_holds(client, server, say) -> None:
    ask = say.preface + client.request(1)
    answer = server.response(1, ends=False) + say.frame(0, 1, 1, b"x" * 5000)

    asked, answered = spans(ask, answer)

    assert size(asked) == len(ask)
    assert size(answered) == len(answer) - 5000 + BODY_PREVIEW_LEN


def test_of_tls_what_is_in_the_clear_and_one_sealed_header(say) -> None:
    hello = say.client_hello(say.server_name(b"a.example"))
    ask = hello + say.record(20, b"\x01") + say.record(22, b"f" * 40) + say.record(23, b"s" * 300) * 2
    answer = say.server_hello() + say.record(23, b"s" * 3000)

    asked, answered = spans(ask, answer)

    assert size(asked) == len(hello) + 6 + 5 + 5
    assert size(answered) == len(say.server_hello()) + 5


def test_of_opaque_bytes_the_beginning() -> None:
    assert spans(b"\x00\x01" * 4000, b"\xff" * 20) == (((0, BEGINNING_LEN),), ((0, 20),))


def test_of_anything_unusual_all_is_needed(say) -> None:
    ask, answer = say.get(more="Content-Length: many\r\n"), say.ok(b"x" * 900)

    assert spans(ask, answer) == (((0, len(ask)),), ((0, len(answer)),))


@pytest.mark.parametrize("kind", ["http/1.1", "chunked", "h2", "tls", "tcp"])
def test_with_every_other_byte_gone_the_connection_says_the_same(kind, say, client, server) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" + b"x" * 1024 + b"\r\n0\r\n\r\n"
    ask, answer = {
        "http/1.1": (say.get() * 2, say.ok(b"x" * 900) + say.ok(b"y" * 900)),
        "chunked": (say.get() * 2, chunked + say.ok(b"y" * 900)),
        "h2": (
            say.preface + client.request(1) + client.request(3),
            server.response(1, ends=False) + say.frame(0, 1, 1, b"x" * 900) + server.response(3, "404"),
        ),
        "tls": (
            say.client_hello(say.server_name(b"a"), say.alpn(b"h2")) + say.record(23, b"s" * 300),
            say.server_hello() + say.record(23, b"s" * 300),
        ),
        "tcp": (b"\x01\x02" * 2000, b"\x05" * 4000),
    }[kind]
    whole = parse_conversation(Stream.of(ask), Stream.of(answer))
    asked, answered = fact_spans(whole, Stream.of(ask), Stream.of(answer))

    again = parse_conversation(cut(ask, asked), cut(answer, answered))

    assert replace(again, server_first=False) == replace(whole, server_first=False)
