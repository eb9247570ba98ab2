import pytest

from analyzer.base.stream import End, Stream
from analyzer.protocol.facts import Request
from analyzer.protocol.http1_responses import grpc_status, walk_responses


class Asked:
    """Every response answers a request of one method; None: the capture does not show it."""

    def __init__(self, method: str | None = "GET") -> None:
        self.request = method and Request("http/1.1", method, "/", None, (), 0, 1)
        self.losses = 0

    def request_for(self, position: int, status: int) -> Request | None:  # noqa: ARG002
        return self.request or None

    def lost(self) -> None:
        self.losses += 1


def walk(data: bytes | Stream, notes, method: str | None = "GET"):
    stream = data if isinstance(data, Stream) else Stream.of(data)
    return [found.response for found in walk_responses(stream, 0, Asked(method), notes)]


def test_responses_with_a_length_follow_each_other(say, notes) -> None:
    first, second = walk(say.ok(b"one") + say.ok(b"second", status=404), notes)

    assert (first.status, first.body, first.complete) == (200, b"one", True)
    assert (second.status, second.body, second.complete) == (404, b"second", True)


def test_a_body_is_kept_to_its_first_128_bytes(say, notes) -> None:
    (response,) = walk(say.ok(bytes(5000)), notes)

    assert response.body == bytes(128)
    assert response.body_end == response.end + 5000


def test_the_first_chunk_stands_for_the_body(notes) -> None:
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\nA: b\r\n\r\n"

    (response,) = walk(data, notes)

    assert (response.body, response.body_end, response.trailers) == (b"hello", len(data), (("a", "b"),))


@pytest.mark.parametrize(("status", "method"), [(204, "GET"), (304, "GET"), (200, "HEAD")])
def test_some_responses_have_no_body_whatever_they_say(status: int, method: str, notes, say) -> None:
    head = f"HTTP/1.1 {status} X\r\nContent-Length: 5000\r\n\r\n".encode()

    assert [one.status for one in walk(head + say.ok(status=201), notes, method)] == [status, 201]


def test_the_answer_to_an_unseen_head_is_told_by_what_follows(say, notes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"

    assert [one.status for one in walk(head + say.ok(status=201), notes, None)] == [200, 201]


def test_interim_responses_are_stepped_over(say, notes) -> None:
    data = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + say.ok()

    assert [one.status for one in walk(data, notes)] == [200]


@pytest.mark.parametrize(
    ("end", "body_end", "complete"), [(End.OPEN, None, False), (End.FIN, 26, True), (End.RST, None, False)]
)
def test_a_body_without_length_lasts_until_the_server_closes(end: End, body_end, complete: bool, notes) -> None:
    (response,) = walk(Stream.of(b"HTTP/1.1 200 OK\r\n\r\nunsized", end=end), notes)

    assert (response.body, response.body_end, response.complete) == (b"unsized", body_end, complete)


def test_a_response_is_complete_when_its_last_byte_was_sent(say, notes) -> None:
    data = say.ok(b"hello")

    assert [one.complete for n in (0, 1) for one in walk(data[: len(data) - n], notes)] == [True, False]


def test_a_status_line_needs_no_reason(notes) -> None:
    assert [one.status for one in walk(b"HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n", notes)] == [503]


def test_switching_protocols_ends_http(notes) -> None:
    data = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"

    (found,) = walk_responses(Stream.of(data), 0, Asked(), notes)

    assert (found.response.status, found.leaves_http) == (101, True)


@pytest.mark.parametrize(("status", "leaves"), [(200, True), (407, False)])
def test_connect_leaves_http_when_it_succeeds(status: int, leaves: bool, say, notes) -> None:
    found = list(walk_responses(Stream.of(say.ok(b"", status=status)), 0, Asked("CONNECT"), notes))

    assert [one.leaves_http for one in found] == [leaves]


def test_garbage_ends_the_walk(say, notes, codes) -> None:
    assert len(walk(say.ok() + b"garbage\r\n\r\n" + say.ok(), notes)) == 1
    assert codes(notes) == ["http1-not-a-response"]


@pytest.mark.parametrize("following", [0, 1])
def test_of_a_head_that_was_cut_the_first_lines_count(following: int, say, notes) -> None:
    one = say.ok(b"1", status=503, more="Server: envoy\r\nX-Lost: 1\r\n")
    lost = one.index(b"X-Lost") + 3
    stream = say.stream(one + say.ok(b"2") * following, gap=(lost, len(one)), cuts=[len(one)])

    found = walk(stream, notes)

    assert (found[0].status, found[0].headers, found[0].whole) == (
        503,
        (("content-length", "1"), ("server", "envoy")),
        False,
    )
    assert (found[0].body, found[0].body_end, found[0].complete) == (b"", None, False)
    assert [response.whole for response in found[1:]] == [True] * following


def test_an_interim_head_that_was_cut_answers_nothing(say, notes) -> None:
    stream = say.stream(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", gap=(30, 36))

    assert walk(stream, notes) == []


def test_a_response_in_a_gap_is_lost_and_the_next_one_found(say, notes) -> None:
    one, two, three = say.ok(b"1"), say.ok(b"2"), say.ok(b"3")
    begin, asked = len(one), Asked()
    stream = say.stream(one + two + three, gap=(begin + 3, begin + 20), cuts=[len(one + two)])

    found = [answer.response.body for answer in walk_responses(stream, 0, asked, notes)]

    assert found == [b"1", b"3"]
    assert asked.losses == 1


def test_a_chunk_in_a_gap_is_lost_and_the_next_response_found(say, notes) -> None:
    one = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    stream = say.stream(one + say.ok(b"2"), gap=(len(one) - 6, len(one) - 4), cuts=[len(one)])

    first, second = walk(stream, notes)

    assert (first.body_end, second.body) == (None, b"2")


@pytest.mark.parametrize(("value", "status"), [("0", 0), ("14", 14), ("x", None), ("-1", None), ("1000", None)])
def test_a_grpc_status_is_a_small_number(value: str, status: int | None) -> None:
    assert grpc_status((("a", "b"), ("grpc-status", value))) == status


def test_without_a_grpc_status_there_is_none() -> None:
    assert grpc_status(()) is None
