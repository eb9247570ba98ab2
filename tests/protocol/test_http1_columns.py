"""The columns of plain exchanges are what the whole parser reads of the same connections, or are not there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.stream import End, Stream
from analyzer.base.table import I64
from analyzer.capture.decode import decode_packets
from analyzer.capture.reader import read_capture
from analyzer.flow.traffic import read_traffic
from analyzer.protocol.conversation import parse_conversation
from analyzer.protocol.http1_columns import PlainExchanges, PlainHeads, PlainReader
from analyzer.protocol.http1_plain import parse_plain
from made.lanes import Lane as AnyLane
from made.lanes import Pieces, pieces_of

SHARED = Path(__file__).resolve().parents[3] / "shared"
TEXTS = frozenset({b"no healthy upstream", b"RBAC: access denied"})
LOOKED_AT = frozenset({"x-user", "cookie", "x-use"})
SERVICE_TIME = "x-envoy-upstream-service-time"


@dataclass(frozen=True)
class Lane(AnyLane):
    """What one end said after it had heard something."""

    heard: int = 1


def told(*every: Lane) -> tuple[memoryview, Pieces]:
    """The lanes in one buffer with something between all segments."""
    return pieces_of(every, b"\r\n\r\n")


def stream(buffer: memoryview, pieces, lane: int) -> Stream:
    first, stop = pieces.starts[lane : lane + 2].tolist()
    columns = [column[first:stop].tolist() for column in (pieces.position, pieces.offset, pieces.length)]
    packets = list(range(first + 1, stop + 1))
    length, heard = int(pieces.lengths[lane]), int(pieces.heard[lane])
    return Stream(buffer, *columns, packets, packets, length, True, End.OPEN, heard=heard)


def exchanges(buffer: memoryview, pieces, connections: I64, heads: PlainHeads, **how: int) -> PlainExchanges:
    """The exchanges of connections that are read at once."""
    return PlainReader(buffer, pieces, connections, heads, **how).read(connections)


def columns_of(found: PlainExchanges) -> list[I64 | str]:
    return [getattr(found, name) for name in PlainExchanges.__struct_fields__]


def read(*lanes: Lane, looked_at=LOOKED_AT):
    buffer, pieces = told(*lanes)
    connections = np.arange(len(lanes) // 2)
    found = [
        exchanges(buffer, pieces, connections, PlainHeads(looked_at=looked_at, own_texts=TEXTS), compile_rows=rows)
        for rows in (0, 1 << 62)
    ]
    for compiled, plain in zip(*map(columns_of, found), strict=True):
        assert np.array_equal(compiled, plain)
    return found[1]


def asked_of(request, looked_at) -> tuple:
    alone = {"host", "content-length", "x-request-id"}
    seen = [each for each in request.headers if each[0] in looked_at - alone]
    return request.method, request.host, *seen, *(request.header(name) for name in sorted(looked_at & alone))


def answered_of(response) -> tuple:
    return response.status, response.header("server"), response.header(SERVICE_TIME) is None, response.complete


def check(buffer: memoryview, pieces, connections, found, looked_at) -> None:
    """Hold columns against what the whole parser says of the same bytes."""
    asked, answered = [], []
    for place, connection in enumerate(connections):
        rows = range(*found.starts[place : place + 2].tolist())
        if not rows:
            continue
        streams = [stream(buffer, pieces, 2 * int(connection) + i) for i in (0, 1)]
        said = parse_conversation(*streams)
        assert (said.protocol, said.inspected, said.server_first, said.sniffable) == ("http/1.1", None, False, True)
        assert (said.missing, said.oddities, said.tls, said.answer, said.inner_tls) == ((), (), None, None, None)
        for row, exchange in zip(rows, said.exchanges, strict=True):
            check_exchange(buffer, streams, found, row, exchange)
            asked.append(asked_of(exchange.request, looked_at))
            answered.append(answered_of(exchange.response))
    check_classes(found.asked, asked)
    check_classes(found.answered, answered)


def check_exchange(buffer, streams, found, row, exchange) -> None:
    request, response = exchange.request, exchange.response

    def at(column: str) -> int:
        return int(getattr(found, column)[row])

    def text(name: str) -> bytes | None:
        begin, size = at(f"{name}_off"), at(f"{name}_len")
        return None if size < 0 else bytes(buffer[begin : begin + size])

    assert (exchange.upgraded, exchange.missing, request.whole, response.whole) == (False, (), True, True)
    assert (request.version, request.refused, response.trailers, response.grpc_status) == ("http/1.1", None, (), None)
    assert (at("request_start"), at("request_end")) == (request.start, request.end)
    ends = response.start, response.end, response.body_end, response.status, response.complete
    assert ends == tuple(map(at, ("response_start", "response_end", "response_body_end", "status", "complete")))
    begin = int(found.target_len[:row].sum())
    assert found.targets[begin : begin + at("target_len")] == request.target
    sent = request.header("x-request-id")
    assert text("request_id") == (None if sent is None else sent.encode("latin-1"))
    assert at("asking_piece") + 1 == streams[0].packet_at(request.start) == streams[0].packet_up_to(request.end - 1)
    assert at("answering_piece") + 1 == streams[1].packet_at(response.start)
    assert at("answered_last_piece") + 1 == streams[1].packet_up_to(response.body_end - 1)
    assert not any(own in response.body for own in TEXTS)
    assert 200 <= response.status < 400


def check_classes(numbers, facts) -> None:
    pairs = set(zip(numbers.tolist(), facts, strict=True))
    assert len(pairs) == len({number for number, _ in pairs}) == len({fact for _, fact in pairs})


# What is plain.

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


def two(asked: bytes, answered: bytes, **more) -> tuple[Lane, Lane]:
    return Lane(asked, **more), Lane(answered)


def in_turn(requests, responses) -> tuple[Lane, Lane]:
    """Each message in a segment of its own."""
    return tuple(
        Lane(b"".join(each), tuple(np.cumsum([len(message) for message in each]).tolist()))
        for each in (requests, responses)
    )


def test_requests_that_are_answered_in_turn_are_plain() -> None:
    found = read(*in_turn([GET, GET.replace(b"/a", b"/bc")], [OK, OK]))

    assert (found.starts.tolist(), found.target_len.tolist(), found.response_start.tolist()) == (
        [0, 2],
        [2, 3],
        [0, 40],
    )


def test_a_connection_that_is_not_plain_has_no_exchanges_and_spoils_no_other() -> None:
    found = read(*two(GET, OK), *two(b"junk", OK), *two(GET, b"junk"), *two(GET, OK))

    assert (found.starts.tolist(), len(found)) == ([0, 1, 1, 1, 2], 2)


def test_the_connections_that_are_asked_about_are_told_of_in_their_order() -> None:
    buffer, pieces = told(*two(b"junk", OK), *two(GET, OK), *two(GET.replace(b"/a", b"/bc"), OK))

    found = exchanges(buffer, pieces, np.array([2, 0, 1]), PlainHeads())

    assert (found.starts.tolist(), found.target_len.tolist()) == ([0, 1, 1, 2], [3, 2])


def test_connections_that_are_read_one_after_the_other_are_those_that_are_read_at_once() -> None:
    buffer, pieces = told(
        *two(GET, OK), *two(b"junk", OK), *two(GET + GET, OK + OK), *two(GET.replace(b"/a", b"/b"), OK)
    )
    every = np.arange(4)
    reader = PlainReader(buffer, pieces, every, PlainHeads())

    parts = [reader.read(some) for some in (every[:1], every[:0], every[1:3], every[3:])]

    at_once = exchanges(buffer, pieces, every, PlainHeads())
    for joined, whole in zip(columns_of(PlainExchanges.joined(parts)), columns_of(at_once), strict=True):
        assert np.array_equal(joined, whole)
    assert at_once.starts.tolist() == [0, 1, 1, 1, 2]


def test_nothing_is_asked_and_nothing_told() -> None:
    buffer, pieces = told()

    found = exchanges(buffer, pieces, np.arange(0), PlainHeads())

    assert (found.starts.tolist(), len(found)) == ([0], 0)


def test_classes_hold_from_capture_to_capture() -> None:
    other, heads, asked = GET.replace(b"Host: a", b"Host: b"), PlainHeads(), []
    for lanes in ([*two(other, OK), *two(GET, OK)], [*two(GET, OK)], [*two(b"junk", OK), *two(other, OK)]):
        buffer, pieces = told(*lanes)
        asked.append(exchanges(buffer, pieces, np.arange(len(lanes) // 2), heads).asked.tolist())

    assert asked == [[0, 1], [1], [0]]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (GET, OK),
        (GET.replace(b"GET", b"HEAD"), OK.removesuffix(b"hi")),
        (GET.replace(b"GET", b"UNSUBSCRIBE"), b"HTTP/1.1 204 No Content\r\n\r\n"),
        (GET.replace(b"Host: a", b"Accept: */*\r\nhOST:\t [::1]:80 \r\nContent-Length: 3") + b"abc", OK),
        (GET.replace(b"Host: a", b"X-Request-Id:\t\r\nx-use: b  c \r\nx-users: d"), OK),
        (GET, b"HTTP/1.0 304\r\nServer:  a b \r\nX-Envoy-Upstream-Service-Time: 3\r\nContent-Length: 9\r\n\r\n"),
        (GET, b"HTTP/1.1 200 \xff\t\r\nset-cookie: a\r\nset-cookie: b\r\ncontent-length: 0\r\n\r\n"),
        (GET, OK.replace(b": 2", b": 900")),
        (GET.replace(b"Host: a", b"".join(b"a%d:\r\n" % i for i in range(99)) + b"b:"), OK),
    ],
)
def test_this_is_plain(asked, answered) -> None:
    lanes = two(asked, answered)

    found = read(*lanes)

    assert len(found) == 1
    check(*told(*lanes), [0], found, LOOKED_AT)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (GET, OK + OK),
        (GET + GET, OK),
        (GET[:-1], OK),
        (GET, OK[:30]),
        (GET.replace(b"/1.1", b"/1.0"), OK),
        (GET.replace(b"GET /a", b"CONNECT /a"), OK),
        (GET.replace(b"GET", b"GETS"), OK),
        (GET.replace(b"Host: a", b"Host: a b"), OK),
        (GET.replace(b"Host: a", b"Host: a/b"), OK),
        (GET.replace(b"Host: a", b"Host: a\r\nx-a: 1\r\nX-A: 2"), OK),
        (GET.replace(b"Host: a", b"Host: a\r\nhost: a"), OK),
        (GET.replace(b"Host: a", b"Expect: 100-continue"), OK),
        (GET.replace(b"Host: a", b"Upgrade: h2c"), OK),
        (GET.replace(b"Host: a", b"Transfer-Encoding: chunked"), OK),
        (GET.replace(b"Host: a", b"Content-Length: 9" + b"9" * 18), OK),
        (GET.replace(b"Host: a", b"Content-Length:"), OK),
        (GET.replace(b"Host: a", b"".join(b"a%d:\r\n" % i for i in range(100)) + b"b:"), OK),
        (GET.replace(b"Host: a", b"Host: " + b"a" * 2048), OK),
        (GET, OK.replace(b"200", b"404")),
        (GET, OK.replace(b"200", b"101")),
        (GET, OK.replace(b"Content-Length: 2", b"Transfer-Encoding: chunked")),
        (GET, OK.replace(b"Content-Length: 2", b"Server: a")),
        (GET, OK.replace(b"Content", b"Server: a\r\nServer: a\r\nContent")),
        (GET, OK.replace(b"Content", b"grpc-status: 0\r\nContent")),
        (GET, OK.replace(b": 2", b": 22").replace(b"hi", b" no healthy upstream...")),
    ],
)
def test_this_is_not_plain(asked, answered) -> None:
    assert len(read(*two(asked, answered))) == 0


def test_a_text_of_envoy_in_two_segments_makes_a_connection_not_plain() -> None:
    answered = OK.replace(b": 2", b": 19").replace(b"hi", b"no healthy upstream")

    assert len(read(Lane(GET), Lane(answered, (len(answered) - 7,)))) == 0


def test_a_text_of_envoy_late_in_a_body_means_nothing() -> None:
    answered = OK.replace(b": 2", b": 129").replace(b"hi", b"." * 110 + b"no healthy upstream")

    assert len(read(*two(GET, answered))) == 1


def test_a_lost_segment_makes_a_connection_not_plain() -> None:
    requests, responses = in_turn([GET, GET, GET], [OK, OK, OK])

    assert len(read(Lane(requests.data, requests.cuts, lost=1), responses)) == 0


def test_a_server_that_spoke_before_it_heard_anything_makes_a_connection_not_plain() -> None:
    assert len(read(Lane(GET), Lane(OK, heard=0))) == 0


def test_a_head_in_two_segments_makes_a_connection_not_plain() -> None:
    assert len(read(Lane(GET, (5,)), Lane(OK))) == 0


def test_where_too_many_names_are_looked_at_nothing_is_plain() -> None:
    assert len(read(*two(GET, OK), looked_at=frozenset(f"x-{i:09}" for i in range(1000)))) == 0


@pytest.mark.parametrize(
    "looked_at", [frozenset(), frozenset({"host", "content-length", "x-request-id", "X", ":path"})]
)
def test_a_header_counts_only_where_it_is_looked_at(looked_at) -> None:
    lanes = in_turn([GET.replace(b"Host", b"X-Request-Id: %d\r\nHost" % (i // 2)) for i in range(4)], [OK] * 4)

    found = read(*lanes, looked_at=looked_at)

    assert found.asked.tolist() == ([0, 0, 1, 1] if looked_at else [0, 0, 0, 0])


# The whole parser agrees, whatever is said.

NAMES = [b"Host", b"host", b"Content-Length", b"x-request-id", b"X-User", b"Cookie", b"x-use", b"accept", b"Upgrade"]
REQUEST_LINES = st.sampled_from([b"GET /a?b=c", b"HEAD /", b"POST /b", b"OPTIONS *", b"BREW /", b"GET http://a/b"])
VALUES = st.sampled_from([b" a", b"a b ", b"", b"\t", b" b\t", b" 3", b"0", b" \xe9"])
STATUS_LINES = st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/1.1 204", b"HTTP/1.1 302 ", b"HTTP/1.1 503 no"])
OF_SERVERS = [b"Server", b"server", b"X-Envoy-Upstream-Service-Time", b"Set-Cookie", b"transfer-encoding"]
BODIES = st.sampled_from([b"", b"abc", b"x" * 200, b"RBAC: access denied"])


@st.composite
def messages(draw, lines, names):
    """A message that is likely to be plain."""
    body = draw(BODIES)
    chosen = draw(st.lists(st.sampled_from(names), max_size=4, unique=draw(st.booleans())))
    fields = [name + b":" + draw(VALUES) for name in chosen] + [b"Content-Length: %d" % len(body)] * draw(st.booleans())
    return b"\r\n".join([draw(lines), *fields, b"", b""]) + body


REQUESTS = messages(REQUEST_LINES.map(lambda line: line + b" HTTP/1.1"), NAMES[:2] * 3 + NAMES)
RESPONSES = messages(STATUS_LINES, OF_SERVERS[:3] * 3 + OF_SERVERS)
SIMPLE = st.sampled_from(
    [GET, GET.replace(b"Host", b"X-User: b\r\nHost"), b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"]
)
ANSWERS = st.sampled_from([OK, OK.replace(b"Con", b"server: envoy\r\nCon"), b"HTTP/1.1 304 N\r\n\r\n"])
BYTES = st.sampled_from(
    [b"", b" ", b"\t", b"\r", b"\n", b"\0", b":", b"\x7f", b"\xe9", b"/", b"0", b"9", b"H", b"\r\n"]
)


@st.composite
def connections(draw):
    """A connection with as many responses as requests, each message in a segment of its own, and a mutation or not."""
    simple = draw(st.integers(0, 2)) > 0
    count = draw(st.integers(1, 4))
    lanes = []
    for each in (SIMPLE, ANSWERS) if simple else (REQUESTS, RESPONSES):
        said = draw(st.lists(each, min_size=count, max_size=count))
        cuts = np.cumsum([len(message) for message in said]).tolist()
        data = b"".join(said)
        if draw(st.integers(0, 3)) == 0:
            at, gone = draw(st.integers(0, len(data))), draw(st.integers(0, 1))
            data = data[:at] + draw(BYTES) + data[at + gone :]
        if draw(st.integers(0, 5)) == 0:
            cuts.append(draw(st.integers(0, len(data))))
        lanes.append(
            Lane(data, tuple(cuts), draw(st.sampled_from([0, 0, 0, 1, 9])), heard=draw(st.sampled_from([0, 1, 1, 1])))
        )
    return lanes


@given(
    said=st.lists(connections(), min_size=1, max_size=4), looked_at=st.sampled_from([LOOKED_AT, frozenset({"host"})])
)
@settings(max_examples=100, deadline=None)
def test_what_is_plain_is_what_the_whole_parser_reads(said, looked_at) -> None:
    lanes = [lane for each in said for lane in each]

    found = read(*lanes, looked_at=looked_at)

    check(*told(*lanes), range(len(said)), found, looked_at)


# Recorded meshes.


def are_right(exchanges) -> bool:
    """Whether all responses are what is read here: no errors, and their lengths are said."""
    responses = [exchange.response for exchange in exchanges or ()]
    return bool(responses) and all(r.status < 400 and not r.header("transfer-encoding") for r in responses)


def test_nearly_all_connections_are_read_that_the_reader_of_one_at_a_time_takes() -> None:
    paths = sorted(SHARED.glob("worlds/[bq]*/pods/*.pcap"))[:40]
    if not paths:
        pytest.skip("no recorded meshes here")
    found_here = taken = 0
    for path in paths:
        capture = read_capture(path, name=path.name)
        traffic = read_traffic(decode_packets(capture), capture.records)
        known = np.flatnonzero(traffic.placement.from_start.reshape(-1, 2).all(axis=1))
        found = exchanges(capture.buffer, traffic.pieces, known, PlainHeads(looked_at=LOOKED_AT, own_texts=TEXTS))
        check(capture.buffer, traffic.pieces, known, found, LOOKED_AT)
        found_here += np.count_nonzero(np.diff(found.starts))
        for connection in known.tolist():
            pair = [stream(capture.buffer, traffic.pieces, 2 * connection + i) for i in (0, 1)]
            taken += are_right(parse_plain(*pair, client_start=0, server_start=0))

    assert found_here > 0.95 * taken
