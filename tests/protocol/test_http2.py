import pytest

from analyzer.base.stream import Stream
from analyzer.protocol.facts import Request
from analyzer.protocol.http2 import parse_http2

GRPC = ((":method", "POST"), (":scheme", "http"), (":path", "/pkg.Svc/Do"), (":authority", "svc:50051"))


@pytest.fixture
def parse(say, notes):
    def read(client: bytes, server: bytes = b"", **options):
        return parse_http2(Stream.of(say.preface + client), Stream.of(server), notes, **options)

    return read


def test_streams_are_exchanges_in_order(client, server, parse, say) -> None:
    asked = client.request(1, "a.example", "/1") + client.request(3, "b.example", "/3")
    answered = server.response(3, "404") + server.response(1, "200", ends=False) + say.frame(0, 1, 1, b"hello")

    one, two = parse(asked, answered)

    assert (one.ordinal, one.request.host, one.request.target, one.request.stream_id) == (1, "a.example", "/1", 1)
    assert (one.response.status, one.response.body, one.response.complete) == (200, b"hello", True)
    assert (two.ordinal, two.request.host, two.response.status) == (2, "b.example", 404)
    assert one.request.header(":path") is None


def test_a_request_ends_with_its_body(client, parse, say) -> None:
    head, body = client.headers(1, *GRPC), say.frame(0, 1, 1, bytes(5))

    (exchange,) = parse(head + body)

    assert (exchange.request.end, exchange.request.body_end) == (24 + len(head), 24 + len(head + body))


def test_grpc_status_comes_in_the_trailers(client, server, parse, say) -> None:
    answered = server.response(1, ends=False) + say.frame(0, 0, 1, bytes(5))
    answered += server.headers(1, ("grpc-status", "14"), ("grpc-message", "no"), ends=True)

    (exchange,) = parse(client.headers(1, *GRPC, ends=True), answered)

    assert (exchange.request.target, exchange.response.grpc_status) == ("/pkg.Svc/Do", 14)
    assert exchange.response.trailers == (("grpc-status", "14"), ("grpc-message", "no"))


def test_grpc_status_may_come_alone(client, server, parse) -> None:
    answered = server.headers(1, (":status", "200"), ("grpc-status", "12"), ends=True)

    (exchange,) = parse(client.headers(1, *GRPC, ends=True), answered)

    assert (exchange.response.grpc_status, exchange.response.complete) == (12, True)


def test_interim_heads_are_stepped_over(client, server, parse) -> None:
    answered = server.response(1, "103", ends=False) + server.response(1, "200")

    (exchange,) = parse(client.request(1), answered)

    assert (exchange.response.status, exchange.response.trailers) == (200, ())


def test_a_body_is_kept_to_its_first_128_bytes(client, server, parse, say) -> None:
    answered = server.response(1, ends=False) + say.frame(0, 0, 1, b"a" * 100) + say.frame(0, 1, 1, b"b" * 100)

    (exchange,) = parse(client.request(1), answered)

    assert exchange.response.body == b"a" * 100 + b"b" * 28


def test_resets_say_who_and_why(client, parse, say) -> None:
    reset = (3, 0, 1, b"\0\0\0\x07")

    (exchange,) = parse(client.request(1) + say.frame(3, 0, 1, b"\0\0\0\x08"), say.frame(*reset))

    assert (exchange.reset_by_client, exchange.reset_by_server, exchange.response) == (8, 7, None)


def test_pushed_responses_are_left_out(client, server, parse) -> None:
    assert [e.response for e in parse(client.request(1), server.response(2))] == [None]


def test_frames_of_unseen_streams_are_left_out(client, parse, say) -> None:
    assert len(parse(say.frame(0, 1, 9, b"x") + say.frame(3, 0, 9, bytes(4)) + client.request(11))) == 1


def test_an_answer_to_an_unseen_request_stands_alone(server, parse, say) -> None:
    (exchange,) = parse(b"", server.response(5) + say.frame(3, 0, 7, bytes(4)))

    assert (exchange.request, exchange.response.status) == (None, 200)


def test_host_stands_in_for_authority(client, parse) -> None:
    (exchange,) = parse(client.headers(1, (":method", "GET"), (":path", "/"), ("host", "via.example")))

    assert exchange.request.host == "via.example"


def test_authority_wins_over_host(client, parse, notes, codes) -> None:
    pseudo = ((":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a.example"))

    (exchange,) = parse(client.headers(1, *pseudo, ("host", "b.example")))

    assert exchange.request.host == "a.example"
    assert codes(notes) == ["h2-host-mismatch"]


@pytest.mark.parametrize("more", [(":authority", "two.example"), (":path", "/2")])
def test_of_repeated_pseudo_headers_the_first_counts(more, client, parse, notes, codes) -> None:
    pseudo = ((":method", "GET"), (":path", "/"), (":authority", "one.example"))

    (exchange,) = parse(client.headers(1, *pseudo, more))

    assert (exchange.request.host, exchange.request.target) == ("one.example", "/")
    assert codes(notes) == ["h2-refused-request"]


@pytest.mark.parametrize(("from_start", "code"), [(True, "h2-refused-request"), (False, "h2-bad-pseudo-headers")])
def test_a_request_without_method_is_odd(client, parse, notes, codes, from_start, code) -> None:
    (exchange,) = parse(client.headers(1, (":path", "/")), from_start=from_start)

    assert exchange.request.method == ""
    assert codes(notes) == [code]


@pytest.mark.parametrize(
    ("said", "sizes", "odd"),
    [("5", (2, 3), False), ("5", (2, 2), True), ("5", (2, 9), True), ("5", (), False), ("many", (2,), False)],
)
def test_a_body_of_another_length_than_its_head_says_is_odd_when_it_has_ended(
    said, sizes, odd, client, parse, say, notes, codes
) -> None:
    """``sizes`` are those of DATA frames; the last of them ends the request, and without one it goes on."""
    head = client.headers(1, *GRPC, ("content-length", said))
    frames = [say.frame(0, int(n == len(sizes)), 1, bytes(size)) for n, size in enumerate(sizes, 1)]

    (exchange,) = parse(head + b"".join(frames))

    assert exchange.request.target == "/pkg.Svc/Do"
    assert ("h2-length-mismatch" in codes(notes)) is odd


def test_padding_is_no_part_of_a_body(client, parse, say, notes, codes) -> None:
    head = client.headers(1, *GRPC, ("content-length", "5"))

    parse(head + say.frame(0, 0x8 | 1, 1, bytes([3]) + b"hello" + bytes(3)))

    assert codes(notes) == []


@pytest.mark.parametrize("numbers", [(2,), (3, 1)])
def test_odd_stream_numbers_are_noted(numbers, client, parse, notes, codes) -> None:
    found = parse(b"".join(client.request(number) for number in numbers))

    assert len(found) == len(numbers)
    assert codes(notes) == ["h2-odd-stream"]


def test_connect_opens_a_tunnel(client, server, parse) -> None:
    asked = client.headers(1, (":method", "CONNECT"), (":authority", "a:443"))

    (exchange,) = parse(asked, server.response(1, ends=False))

    assert (exchange.request.target, exchange.upgraded) == ("a:443", True)


@pytest.mark.parametrize("status", ["abc", "", "2000"])
def test_a_response_needs_a_status(status: str, client, server, parse) -> None:
    (exchange,) = parse(client.request(1), server.response(1, status))

    assert exchange.response is None


def test_from_the_middle_only_literals_are_known(client, server, notes) -> None:
    client.request(1, "old.example")
    asked = client.request(3, "old.example") + client.request(5, "new.example")

    one, two = parse_http2(Stream.of(asked), Stream.of(server.response(3)), notes, from_start=False)

    assert (one.request.method, one.request.host, one.missing) == ("GET", None, ("hpack-state",))
    assert (two.request.host, two.missing) == ("new.example", ())
    assert (one.request.whole, two.request.whole) == (False, True)
    assert one.response.status == 200
    assert notes.missing == ("hpack-state",)


def test_an_answer_whose_headers_are_known_in_part_is_not_whole(client, server, notes) -> None:
    server.headers(1, (":status", "200"), ("server", "envoy"))
    said = server.headers(3, (":status", "200"), ("server", "envoy"))

    (known,) = parse_http2(Stream.of(client.request(3)), Stream.of(said), notes, from_start=False)

    assert (known.response.status, known.response.headers, known.response.whole) == (200, (), False)


def test_an_upgraded_request_is_answered_on_stream_one(client, server, parse) -> None:
    request = Request("http/1.1", "GET", "/first", "a", (), 0, 10, 10)

    one, two = parse(
        client.request(3, path="/second"), server.response(1) + server.response(3, "404"), upgraded=request
    )

    assert (one.request.target, one.response.status, one.upgraded) == ("/first", 200, True)
    assert (two.request.target, two.response.status, two.upgraded) == ("/second", 404, False)
