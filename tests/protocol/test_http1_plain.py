"""The plain connection is read as the whole parser reads it, or left to it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.stream import End, Stream
from analyzer.protocol.http1 import parse_any
from analyzer.protocol.http1_plain import parse_plain
from analyzer.protocol.notes import Notes

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


def plain(asked, answered):
    streams = [each if isinstance(each, Stream) else Stream.of(each) for each in (asked, answered)]
    return parse_plain(*streams, client_start=0, server_start=0)


def whole(asked: Stream, answered: Stream):
    notes = Notes()
    said = parse_any(asked, answered, notes, client_start=0, server_start=0, in_step=True)
    return said, notes


# What is plain.


def test_requests_and_answers_in_turn_are_plain() -> None:
    one, two = plain(GET + GET, OK + EMPTY)

    assert [(e.ordinal, e.request.target, e.response.status) for e in (one, two)] == [(1, "/a", 200), (2, "/a", 204)]


def test_equal_header_lines_are_one_pair() -> None:
    one, two = plain(GET + GET, OK + OK)

    assert one.request.headers[0] is two.request.headers[0]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (GET, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nGrpc-Status: 5\r\n\r\n"),
        (GET, b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nthe capture ends"),
        (GET, b"HTTP/1.0 404\r\nGrpc-Status: x\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n"),
        (GET.replace(b"GET", b"HEAD"), b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        (b"POST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc" + GET, OK + OK),
    ],
)
def test_what_is_plain_is_read_as_the_whole_parser_reads_it(asked, answered) -> None:
    said, notes = whole(Stream.of(asked), Stream.of(answered))

    assert plain(asked, answered) == said.exchanges
    assert (said.upgraded_to, notes.oddities, notes.missing) == (None, [], ())


# What is not.


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (GET + GET, OK),
        (GET, OK + OK),
        (GET, b""),
        (GET[:-2], OK),
        (GET, OK[:20]),
        (b"\r\n" + GET, OK),
        (GET.replace(b"/1.1", b"/1.0"), OK),
        (GET.replace(b"/a", b"http://a/a"), OK),
        (GET.replace(b"/a", b"/a b"), OK),
        (GET.replace(b"GET", b"BREW"), OK),
        (GET.replace(b"GET /a", b"CONNECT a:1"), OK),
        (GET.replace(b"Host: a", b"Host: a\r\nHost: b"), OK),
        (GET.replace(b"Host: a", b"Host: a\n b"), OK),
        (GET.replace(b"Host", b"Upgrade: h2c\r\nHost"), OK),
        (GET.replace(b"Host", b"Transfer-Encoding: chunked\r\nHost") + b"0\r\n\r\n", OK),
        (GET.replace(b"Host", b"Content-Length: x\r\nHost"), OK),
        (GET.replace(b"Host: a", b"Host : a"), OK),
        (GET.replace(b"Host: a", b"Host: a\r\n" + b"a:\r\n" * 100 + b"b:"), OK),
        (GET.replace(b"Host: a", b"Host: " + b"a" * 3000), OK),
        (GET, b"HTTP/1.1 100 Continue\r\n\r\n" + OK),
        (GET, b"HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n"),
        (GET, b"HTTP/1.1 200 OK\r\n\r\nuntil the end"),
        (GET, OK.replace(b"200 OK", b"200 O\nK")),
        (GET, OK.replace(b"Content", b"Content-Length: 2\r\nContent")),
        (GET, OK.replace(b"Content", b"Transfer-Encoding: chunked\r\nContent")),
        (GET, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"),
        (GET, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx"),
        (GET, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi"),
    ],
)
def test_what_is_unusual_is_left_to_the_whole_parser(asked, answered) -> None:
    assert plain(asked, answered) is None


def test_a_connection_with_a_gap_is_left_to_the_whole_parser(say) -> None:
    assert plain(say.stream(GET + GET, gap=(10, 12)), OK + OK) is None


def test_a_head_in_two_segments_is_left_to_the_whole_parser(say) -> None:
    assert plain(say.stream(GET, cuts=(20,)), OK) is None


# Both agree on everything.

REQUESTS = st.sampled_from(
    [
        GET, GET.replace(b"GET", b"HEAD"), b"POST /b?c=d HTTP/1.1\r\nHost: b\r\ncontent-length: 3\r\n\r\nabc",
        GET.replace(b"Host", b"X-Request-Id:\t7 \r\nHost"), b"GET / HTTP/1.0\r\n\r\n", b"junk", b"\r\n",
        GET.replace(b"Host", b"Upgrade: websocket\r\nConnection: Upgrade\r\nHost"), GET.replace(b"\r\n", b"\n"),
    ]
)  # fmt: skip
REFUSED = b"HTTP/1.1 503 S\r\nServer: envoy\r\ncontent-length: 200\r\n\r\n" + b"x" * 200
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;a\r\nabc\r\n0\r\nA: b\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n"
UNCHANGED = b"HTTP/1.1 304 N\r\nContent-Length: 7\r\n\r\n"
ANSWERS = st.sampled_from(
    [
        OK, EMPTY, UNCHANGED, REFUSED, CHUNKED, SWITCHED, b"HTTP/1.1 100 C\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n", b"junk",
        OK.replace(b"\r\n", b"\n"),
    ]
)  # fmt: skip


@st.composite
def directions(draw, messages):
    data = b"".join(draw(st.lists(messages, max_size=5)))
    data = data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data
    cuts = draw(st.lists(st.integers(0, max(len(data), 1)), max_size=4))
    gap = draw(st.none() | st.tuples(st.integers(0, 60), st.integers(60, 90)))
    return data, cuts, gap, draw(st.sampled_from(End))


@given(asked=directions(REQUESTS), answered=directions(ANSWERS))
@settings(max_examples=100, deadline=None)
def test_whatever_is_read_is_what_the_whole_parser_reads(say, asked, answered) -> None:
    streams = [say.stream(data, cuts=cuts, gap=gap, end=end) for data, cuts, gap, end in (asked, answered)]

    read = parse_plain(*streams, client_start=0, server_start=0)

    if read is not None:
        said, notes = whole(*streams)
        assert read == said.exchanges
        assert (said.upgraded_to, notes.oddities, notes.missing) == (None, [], ())
