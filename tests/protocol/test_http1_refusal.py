"""What Envoy's codec answers to a head, and what that means for the requests behind it."""

import pytest

from analyzer.protocol.http1_refusal import refusal_of
from analyzer.protocol.request_line import RequestLine

LINE = RequestLine("POST", "/", "http/1.1")
HOST = ("host", "a")


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (HOST, HOST),
        (("host", ""),),
        (("host", "user:word@[::1]:80"),),
        (("content-length", "5"),),
        (("transfer-encoding", "Chunked"),),
        (("x", "\t\xe4\x80"), ("x", "")),
        tuple(("x", "y") for _ in range(100)),
    ],
)
def test_what_the_codec_takes_is_not_refused(headers) -> None:
    assert refusal_of(LINE, headers, 200) is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ((("content-length", "5"), ("content-length", "5")), 400),
        ((("content-length", "5, 5"),), 400),
        ((("content-length", "+5"),), 400),
        ((("content-length", "\xb2"),), 400),
        ((("content-length", "9" * 5000),), 400),
        ((("content-length", "5"), ("transfer-encoding", "chunked")), 400),
        ((("transfer-encoding", "gzip, chunked"),), 501),
        ((("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")), 501),
        ((("transfer-encoding", "\x0bchunked"),), 400),
        ((("no token", ""),), 400),
        ((("x", "a\0b"),), 400),
        ((("x", "a\x7f"),), 400),
        ((("host", "a b"),), 400),
        ((("host", "<script>"),), 400),
        ((HOST, ("host", "\xe4.example")), 400),
        (tuple(("x", "y") for _ in range(101)), 431),
    ],
)
def test_two_opinions_about_a_message_are_refused(headers, status: int) -> None:
    assert refusal_of(LINE, headers, 200) == status


@pytest.mark.parametrize(("method", "target"), [("BREW", "/"), ("GET", "/\xe4"), ("GET", "a b"), ("GET", "a:80")])
def test_a_line_that_the_codec_does_not_know_is_refused(method: str, target: str) -> None:
    assert refusal_of(RequestLine(method, target, "http/1.1"), (HOST,), 200) == 400


@pytest.mark.parametrize(("method", "target"), [("GET", "http://a/"), ("CONNECT", "a:80")])
def test_a_target_with_a_name_makes_the_host_of_no_account(method: str, target: str) -> None:
    assert refusal_of(RequestLine(method, target, "http/1.1"), (("host", "<>"),), 200) is None


def test_a_head_beyond_60_kib_is_refused() -> None:
    assert [refusal_of(LINE, (HOST,), size) for size in (61440, 61441)] == [None, 431]


SMUGGLED = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nHost: b\r\n\r\n"


def test_behind_a_refused_head_nothing_is_taken(say) -> None:
    said = say.parse(GET + SMUGGLED + GET)

    assert [each.request.refused for each in said.exchanges] == [None, 400, 400]


@pytest.mark.parametrize(
    "cut", [b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\nX: y", b"BREW / HTTP/1.1\r\nH:"]
)
def test_a_head_that_is_not_whole_is_refused_for_what_is_there(say, cut: bytes) -> None:
    (exchange,) = say.parse(cut).exchanges

    assert (exchange.request.whole, exchange.request.refused) == (False, 400)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /\xe4 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: a\x01\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    ],
)
def test_a_plain_connection_is_refused_alike(say, head: bytes) -> None:
    said = say.parse(head, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    assert [each.request.refused for each in said.exchanges] == [400]
