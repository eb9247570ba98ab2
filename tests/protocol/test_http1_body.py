import pytest

from analyzer.base.stream import Stream
from analyzer.protocol.http1_body import BROKEN, CHUNKED, NO_LENGTH, framing, walk_chunks


@pytest.mark.parametrize(
    ("headers", "kind", "expected_codes"),
    [
        ((), NO_LENGTH, []),
        ((("content-length", "12"),), 12, []),
        ((("transfer-encoding", "Chunked"),), CHUNKED, []),
        ((("transfer-encoding", "chunked"), ("content-length", "1")), CHUNKED, ["http1-content-length-and-chunked"]),
        ((("transfer-encoding", "gzip, chunked"),), CHUNKED, ["http1-bad-transfer-encoding"]),
        ((("transfer-encoding", "gzip"),), BROKEN, ["http1-bad-transfer-encoding"]),
        ((("content-length", "3"), ("content-length", "9")), 3, ["http1-content-length-conflict"]),
        ((("content-length", "3"), ("accept", "a"), ("accept", "b")), 3, []),
    ],
)
def test_framing_follows_the_rfc_and_says_what_envoy_refuses(headers, kind: int, expected_codes, notes, codes) -> None:
    assert framing(dict(headers), headers, notes, from_client=True, offset=0) == kind
    assert codes(notes) == expected_codes


@pytest.mark.parametrize("length", ["+5", "-1", "0x10", "1_0", "5, 5", "", "\xb2", "9" * 5000, "٣"])
def test_a_length_is_decimal_digits_or_broken(length: str, notes, codes) -> None:
    headers = (("content-length", length),)

    assert framing(dict(headers), headers, notes, from_client=True, offset=0) == BROKEN
    assert codes(notes) == ["http1-bad-content-length"]


def walk(data: bytes, notes):
    return walk_chunks(Stream.of(data), 0, notes, from_client=True)


@pytest.mark.parametrize(
    ("data", "first"),
    [
        (b"5\r\nhello\r\n0\r\n\r\n", (3, 5)),
        (b'5;ext="a"\r\nhello\r\n1 \r\nx\r\n000\r\n\r\n', (11, 5)),
        (b"5\nhello\n0\n\n", (2, 5)),
        (b"0\r\n\r\n", (0, 0)),
        (b"5;" + b"e" * 300 + b"\r\nhello\r\n0\r\n\r\n", (304, 5)),
    ],
)
def test_chunks_are_followed_to_their_end(data: bytes, first: tuple[int, int], notes, codes) -> None:
    body = walk(data + b"GET /", notes)

    assert (body.end, body.first) == (len(data), first)
    assert "http1-bad-chunk" not in codes(notes)


def test_trailers_are_read(notes) -> None:
    body = walk(b"0\r\nGrpc-Status: 0\r\nX: y\r\n\r\nGET /", notes)

    assert body.trailers == (("grpc-status", "0"), ("x", "y"))
    assert body.end == 27


@pytest.mark.parametrize(
    ("data", "odd"),
    [
        (b"2 \r\nab\r\n0\r\n\r\n", ["http1-lax-chunk"]),
        (b"2\nab\r\n0\r\n\r\n", ["http1-lax-chunk"]),
        (b"2\r\nab\n0\r\n\r\n", ["http1-lax-chunk"]),
        (b'2;a="\n"\r\nab\r\n0\r\n\r\n', ["http1-lax-chunk"]),
        (b"2;a=b\r\nab\r\n0\r\n\r\n", []),
        (b"2\r\nab\r", []),
    ],
)
def test_chunks_that_servers_read_in_different_ways_are_told(data: bytes, odd: list[str], notes, codes) -> None:
    walk(data, notes)

    assert codes(notes)[:1] == odd


@pytest.mark.parametrize("line", [b"0_2", b"+2", b"0x2", b"", b"g", b"f" * 17, b"-1"])
def test_a_chunk_size_is_hexadecimal_digits_or_the_walk_stops(line: bytes, notes, codes) -> None:
    body = walk(line + b"\r\nxx\r\n0\r\n\r\n", notes)

    assert body.end is None
    assert codes(notes) == ["http1-bad-chunk"]


@pytest.mark.parametrize("data", [b"2\r\nxxx\r\n0\r\n\r\n", b"2;" + b"e" * 5000 + b"\r\nxx\r\n"])
def test_a_chunk_that_lies_stops_the_walk(data: bytes, notes, codes) -> None:
    assert walk(data, notes).end is None
    assert codes(notes) == ["http1-bad-chunk"]


def test_a_body_that_is_still_coming_is_no_oddity(notes) -> None:
    data = b"5;a=b\r\nhello\r\n3\r\nxyz\r\n0\r\nT: v\r\n\r\n"

    ends = [walk(data[:n], notes).end for n in range(len(data))]

    assert set(ends) == {None}
    assert notes.oddities == []
    assert notes.missing == ()


def test_a_gap_inside_a_chunk_is_stepped_over(notes, say) -> None:
    data = b"8\r\nabcdefgh\r\n0\r\n\r\n"

    body = walk_chunks(say.stream(data, gap=(5, 9)), 0, notes, from_client=True)

    assert (body.end, body.lost) == (len(data), False)


@pytest.mark.parametrize("gap", [(10, 15), (14, 16), (17, 19)])
def test_a_gap_where_a_chunk_begins_loses_the_end(gap: tuple[int, int], notes, say) -> None:
    data = b"8\r\nabcdefgh\r\n0\r\nT: v\r\n\r\n"

    body = walk_chunks(say.stream(data, gap=gap), 0, notes, from_client=True)

    assert (body.end, body.lost) == (None, True)
    assert notes.missing == ("gap",)
