import pytest

from analyzer.protocol.request_line import (
    RequestLine,
    inspector_takes,
    parse_request_line,
    parse_simple_request,
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("GET / HTTP/1.1", RequestLine("GET", "/", "http/1.1")),
        ("GET / HTTP/1.0", RequestLine("GET", "/", "http/1.0")),
        ("GET / HTTP/2.0", RequestLine("GET", "/", "http/1.0")),
        ("get  /a b  HTTP/1.1 ", RequestLine("get", "/a b", "http/1.1")),
        ("OPTIONS * HTTP/1.1", RequestLine("OPTIONS", "*", "http/1.1")),
        ("CONNECT a:443 HTTP/1.1", RequestLine("CONNECT", "a:443", "http/1.1")),
        ("GET http://a/b HTTP/1.1", RequestLine("GET", "http://a/b", "http/1.1")),
        ("M-POST /x HTTP/1.1", RequestLine("M-POST", "/x", "http/1.1")),
    ],
)
def test_a_request_line_is_taken_as_it_was_sent(line: str, expected: RequestLine) -> None:
    assert parse_request_line(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        *("", "GET", "GET /", "GET / http/1.1", "GET / HTTP/1", "GET  HTTP/1.1", "(GET) / HTTP/1.1"),
        *("HTTP/1.1 200 OK", "GET / HTTP/1.1x", "EHLO mail.example", " GET / HTTP/1.1", "A" * 65 + " / HTTP/1.1"),
    ],
)
def test_anything_else_is_none(line: str) -> None:
    assert parse_request_line(line) is None


@pytest.mark.parametrize(
    "target",
    ["/", "/a?b=c#d", "*", "http://a.example/x", "http://a.example?x", "h2+x.1-://a", "http://u@a:80/[x]", "/{}|^"],
)
def test_the_inspector_takes_what_http_parser_took(target: str) -> None:
    assert inspector_takes(RequestLine("GET", target, "http/1.1"))


@pytest.mark.parametrize(
    "target", ["/a b", "/\xe4", "a.example:80", "http:/a", "://a", "http://a@@b/", "/\x7f", "1a://b"]
)
def test_the_inspector_refuses_other_targets(target: str) -> None:
    assert not inspector_takes(RequestLine("GET", target, "http/1.1"))


@pytest.mark.parametrize("target", ["a.example:443", "[::1]:443", "/"])
def test_an_authority_is_a_target_of_connect(target: str) -> None:
    assert inspector_takes(RequestLine("CONNECT", target, "http/1.1"))


@pytest.mark.parametrize(
    ("line", "target"), [("GET /", "/"), ("GET  /a ", "/a"), ("QUIT", None), ("GET /a b", None), ("( /", None)]
)
def test_a_line_without_version_is_a_simple_request(line: str, target: str | None) -> None:
    found = parse_simple_request(line)

    assert (found and found.target) == target
