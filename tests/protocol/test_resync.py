import pytest

from analyzer.base.stream import Stream
from analyzer.protocol.resync import is_request_at, is_response_at, next_request, next_response

REQUEST = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\n\r\n"


def test_a_request_is_found_where_a_segment_begins(say) -> None:
    stream = say.stream(b"tail of a body" + REQUEST, cuts=[14])

    assert next_request(stream, 0) == 14


def test_text_inside_a_segment_is_no_request(say) -> None:
    stream = say.stream(b"tail of a body" + REQUEST)

    assert next_request(stream, 0) is None


def test_a_response_is_found_where_a_segment_begins(say) -> None:
    stream = say.stream(b"tail" + RESPONSE + RESPONSE, cuts=[4, 4 + len(RESPONSE)])

    assert next_response(stream, 0) == 4
    assert next_response(stream, 5) == 4 + len(RESPONSE)


@pytest.mark.parametrize(
    "data", [b"GET /a HTTP/1.1", b"GETX /a HTTP/1.1\r\n", b"GET /a\r\n", b"", b"HTTP/1.1 200 OK\r\n"]
)
def test_half_a_line_or_another_is_no_request(data: bytes) -> None:
    assert not is_request_at(Stream.of(data), 0)


def test_a_long_request_line_is_one() -> None:
    assert is_request_at(Stream.of(b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n"), 0)


@pytest.mark.parametrize(
    ("data", "is_one"), [(RESPONSE, True), (b"HTTP/1.0 404\r\n", True), (b"HTTP/1.1 2000 ", False)]
)
def test_a_status_line_is_told_by_its_beginning(data: bytes, is_one: bool) -> None:
    assert is_response_at(Stream.of(data), 0) is is_one
