"""Over which heads of HTTP/2 Envoy closes the connection, and what that means for the requests behind them."""

import pytest

from analyzer.base.stream import Stream
from analyzer.protocol.http2 import parse_http2
from analyzer.protocol.http2_refusal import refusal_of

GET = ((":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/"))
CONNECT = ((":method", "CONNECT"), (":authority", "a:80"))
MANY = tuple((f"x-{n}", "") for n in range(97))


def without(name: str) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in GET if pair[0] != name)


def other(name: str, value: str) -> tuple[tuple[str, str], ...]:
    return tuple((key, value if key == name else old) for key, old in GET)


@pytest.mark.parametrize(
    "headers",
    [
        GET,
        CONNECT,
        (*CONNECT, (":protocol", "websocket"), (":scheme", "http"), (":path", "/")),
        (*without(":authority"), ("host", "a")),
        (*GET, ("host", "b")),
        (*GET, ("te", "Trailers"), ("content-length", "5"), ("content-length", "5")),
        (*GET, ("x", "a\r\nb"), ("x y", "")),
        (("x", "y"), *GET),
        (*other(":path", "*")[1:], (":method", "OPTIONS")),
        other(":authority", "u@[::1]:80"),
        other(":scheme", "grpc"),
        other(":method", "BREW"),
        (*GET, *MANY[:96]),
        (*GET, *(("cookie", "x" * 600) for _ in range(200))),
    ],
)
def test_what_one_of_its_codecs_takes_is_not_refused(headers) -> None:
    assert refusal_of(headers, capitals=False) == ""


@pytest.mark.parametrize(
    "headers",
    [
        *(without(name) for name, _ in GET),
        *((*GET, pair) for pair in GET),
        (*GET, (":status", "200")),
        (*GET, (":protocol", "websocket")),
        other(":path", ""),
        other(":path", "x/y"),
        other(":path", "*"),
        other(":path", "/\x01"),
        other(":method", "G T"),
        other(":scheme", "http\0"),
        other(":authority", "a b"),
        other(":authority", "<script>"),
        *((*GET, (name, "x")) for name in ("connection", "keep-alive", "proxy-connection", "upgrade")),
        (*GET, ("transfer-encoding", "chunked")),
        (*GET, ("te", "gzip")),
        (*GET, ("content-length", "")),
        (*GET, ("content-length", "0x5")),
        (*GET, ("content-length", "9" * 5000)),
        (*GET, ("content-length", "5"), ("content-length", "6")),
        (*GET, *MANY),
        (*GET, ("x", "y" * 61440)),
        CONNECT[:1],
        (*CONNECT, (":path", "/")),
    ],
)
def test_what_both_of_its_codecs_refuse_is_refused(headers) -> None:
    assert refusal_of(headers, capitals=False)


def test_a_name_in_capitals_is_refused() -> None:
    assert refusal_of(GET, capitals=True)


@pytest.fixture
def refused(say, notes):
    """A function that gives what is said of each request's being refused, by stream number."""

    def read(sent: bytes | Stream, **options) -> dict[int, int | None]:
        stream = sent if isinstance(sent, Stream) else Stream.of(say.preface + sent)
        exchanges = parse_http2(stream, Stream.of(b""), notes, **options)
        return {each.request.stream_id: each.request.refused for each in exchanges}

    return read


def test_behind_a_refused_head_nothing_is_taken(client, refused) -> None:
    sent = client.request(1) + client.headers(3, *GET, ("te", "x"), ends=True) + client.request(5)

    assert refused(sent) == {1: None, 3: 0, 5: 0}


def test_why_a_head_is_refused_is_told(client, refused, notes, codes) -> None:
    refused(client.headers(1, *GET, ("te", "x"), ends=True))

    assert codes(notes) == ["h2-refused-request"]
    assert str(notes.oddities[0]).endswith("it has a header about the connection")


def test_an_even_number_closes_the_connection_and_a_lower_one_is_left_out(client, refused) -> None:
    assert refused(client.request(5) + client.request(3) + client.request(7)) == {3: 0, 5: None, 7: None}
    assert refused(client.request(9) + client.request(10) + client.request(11)) == {9: None, 10: 0, 11: 0}


def test_a_name_in_capitals_on_the_wire_is_refused(client, refused) -> None:
    assert refused(client.headers(1, *GET, ("X-Up", "1"), ends=True)) == {1: 0}


def test_in_the_middle_of_a_connection_nothing_is_refused(client, refused) -> None:
    trailers = client.headers(1, ("grpc-status", "0"), ends=True)

    assert refused(trailers, from_start=False) == {1: None}


def test_behind_a_gap_nothing_is_refused(client, refused, say) -> None:
    first, lost = say.preface + client.request(1), say.frame(0, 1, 1, bytes(40))
    trailers = client.headers(3, ("x-checksum", "0"), ends=True)
    end = len(first + lost)

    assert refused(say.stream(first + lost + trailers, gap=(len(first), end)))[3] is None
