import pytest

from analyzer.base.stream import Stream
from analyzer.protocol.http1_head import (
    ENVOY_MAX_REQUEST_HEAD_LEN,
    ENVOY_MAX_RESPONSE_HEAD_LEN,
    MAX_HEAD_LEN,
    MAX_HEADERS,
    read_head,
)


def head_of(data: bytes, notes):
    return read_head(Stream.of(data), 0, notes, from_client=True)


def test_names_are_lower_case_and_values_without_outer_blanks(notes) -> None:
    head = head_of(b"GET / HTTP/1.1\r\nHost:  A.example \t\r\nX-Empty:\r\n\r\nbody", notes)

    assert head.first_line == "GET / HTTP/1.1"
    assert head.headers == (("host", "A.example"), ("x-empty", ""))
    assert (head.start, head.end, head.whole, head.rest) == (0, 48, True, b"body")
    assert notes.oddities == []


def test_bytes_that_are_no_ascii_are_kept_as_latin_1(notes) -> None:
    assert head_of(b"GET / HTTP/1.1\r\nHost: \xe4\xff\r\n\r\n", notes).headers == (("host", "\xe4\xff"),)


@pytest.mark.parametrize(
    ("data", "headers", "code"),
    [
        (b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\td\r\n\r\n", (("a", "b c d"),), "http1-obs-fold"),
        (b"GET / HTTP/1.1\nA: b\n\n", (("a", "b"),), "http1-bare-line-feed"),
        (b"GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", (("a", "b"), ("c", "d")), "http1-bare-line-feed"),
        (b"GET / HTTP/1.1\r\nA : b\r\n\r\n", (("a", "b"),), "http1-bad-header"),
        (b"GET / HTTP/1.1\r\nA: b\0c\r\n\r\n", (("a", "b\0c"),), "http1-bad-header"),
        (b"GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", (("a", "bc"),), "http1-bad-header"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", (("no colon", ""),), "http1-bad-header"),
        (b"GET / HTTP/1.1\r\n: b\r\n\r\n", (("", "b"),), "http1-bad-header"),
        (b"\r\n\nGET / HTTP/1.1\r\nA: b\r\n\r\n", (("a", "b"),), "http1-leading-blank-line"),
    ],
)
def test_strange_lines_are_read_and_noted(data: bytes, headers, code: str, notes, codes) -> None:
    assert head_of(data, notes).headers == headers
    assert codes(notes) == [code]


def test_a_head_that_is_still_coming_gives_its_complete_lines(notes) -> None:
    head = head_of(b"GET / HTTP/1.1\r\nHost: a\r\nX-Cut: b", notes)

    assert head.headers == (("host", "a"),)
    assert (head.whole, head.end) == (False, 33)


def test_half_a_first_line_is_no_head(notes) -> None:
    assert head_of(b"GET / HTT", notes) is None
    assert head_of(b"", notes) is None


@pytest.mark.parametrize("size", [3000, 20_000])
def test_a_long_head_is_read_whole(size: int, notes) -> None:
    head = head_of(b"GET / HTTP/1.1\r\nA: " + b"x" * size + b"\r\n\r\n", notes)

    assert len(head.headers[0][1]) == size
    assert notes.oddities == []


@pytest.mark.parametrize(
    ("from_client", "limit"), [(True, ENVOY_MAX_REQUEST_HEAD_LEN), (False, ENVOY_MAX_RESPONSE_HEAD_LEN)]
)
def test_a_head_beyond_envoys_limit_is_read_and_noted(from_client: bool, limit: int, notes, codes) -> None:
    for size, noted in ((limit - 100, []), (limit, ["http1-head-too-large"])):
        stream = Stream.of(b"first line\r\nA: " + b"x" * size + b"\r\n\r\n")

        head = read_head(stream, 0, notes, from_client=from_client)

        assert head.whole
        assert codes(notes) == noted


def test_a_head_without_end_is_cut_at_the_limit(notes, codes) -> None:
    head = head_of(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: " + b"y" * (2 * MAX_HEAD_LEN), notes)

    assert (head.whole, head.end, head.headers) == (False, MAX_HEAD_LEN, (("host", "a"),))
    assert codes(notes) == ["http1-head-too-large"]


@pytest.mark.parametrize("line", [b"A: b\r\n", b"A: b\n"])
def test_headers_without_number_are_cut_at_the_limit(line: bytes, notes, codes) -> None:
    head = head_of(b"GET / HTTP/1.1\r\n" + line * (MAX_HEADERS + 200) + b"\r\n", notes)

    assert len(head.headers) == MAX_HEADERS
    assert "http1-too-many-headers" in codes(notes)
