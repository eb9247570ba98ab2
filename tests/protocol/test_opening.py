import pytest

from analyzer.base.stream import Stream
from analyzer.protocol.opening import Kind, late_client_hello, late_records, open_conversation

EMPTY = Stream.of(b"")


def open_with(client: bytes | Stream, notes, server: bytes | Stream = b""):
    streams = (one if isinstance(one, Stream) else Stream.of(one) for one in (client, server))
    return open_conversation(*streams, notes)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", Kind.HTTP1),
        (b"M-SEARCH * HTTP/1.0\r\n", Kind.HTTP1),
        (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n", Kind.HTTP1),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Kind.HTTP2),
        (b"\x16\x03\x01\x00\x2f\x01", Kind.TLS),
        (b"\x16\x03\x01\x00\x00", Kind.TLS),
        (b"\x80\x2e\x01\x00\x02", Kind.SSL2),
        (b"\x80\x2e\x01\x03\x01", Kind.SSL2),
        (b"SSH-2.0-x\r\n", Kind.OPAQUE),
        (b"EHLO mail.example\r\n", Kind.OPAQUE),
        (b"\x00\x01\x02", Kind.OPAQUE),
    ],
)
def test_the_first_bytes_say_what_it_is(data: bytes, kind: Kind, notes) -> None:
    opening = open_with(data, notes)

    assert (opening.kind, opening.inspected, opening.from_start) == (kind, None, True)
    assert (notes.oddities, notes.missing) == ([], ())


@pytest.mark.parametrize("data", [b"\r\nGET / HTTP/1.1\r\n", b"GET /\xe4 HTTP/1.1\r\n", b"GET /a b HTTP/1.1\r\n"])
def test_what_envoy_does_not_take_for_http_is_inspected_as_tcp(data: bytes, notes, codes) -> None:
    opening = open_with(data, notes)

    assert (opening.kind, opening.inspected) == (Kind.HTTP1, "tcp")
    assert codes(notes) == ["http1-not-inspected"]


def test_a_request_without_version_is_inspected_as_http_1_0(notes) -> None:
    opening = open_with(b"GET /\r\n", notes)

    assert (opening.kind, opening.inspected) == (Kind.OPAQUE, "http/1.0")


@pytest.mark.parametrize(("line", "inspected"), [(b"GET /a", "http/1.0"), (b"GET HTTP/1.1", "tcp")])
def test_a_request_with_a_host_is_http_also_without_version(line: bytes, inspected: str, notes) -> None:
    opening = open_with(line + b"\r\nAccept: */*\r\nhost : a\r\n\r\n", notes)

    assert (opening.kind, opening.inspected) == (Kind.HTTP1, inspected)


@pytest.mark.parametrize(
    "data",
    [b"\x15\x03\x01\0\0" * 9, b"\x16\x03\x01\0\x01\x02\x17\x03\x03\0\0", b"\0\0\0\x04\0\0\0\0\0" * 2],
)
def test_opaque_bytes_in_the_framing_of_another_protocol_are_told(data: bytes, notes, codes) -> None:
    assert open_with(data, notes).kind is Kind.OPAQUE
    assert codes(notes) == ["frames-without-beginning"]


def test_behind_a_preamble_the_protocol_is_found_but_not_inspected(say, notes) -> None:
    line = b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"

    opening = open_with(line + say.client_hello(), notes)

    assert opening == (Kind.TLS, len(line), 0, "tcp", True)


def test_other_bytes_behind_a_preamble_are_opaque(notes) -> None:
    opening = open_with(b"PROXY UNKNOWN\r\n\x00\x01", notes)

    assert (opening.kind, opening.inspected) == (Kind.OPAQUE, None)


@pytest.mark.parametrize(
    "data",
    [
        b"G",
        b"GET ",
        b"GET /a",
        b"GET /a HTT",
        b"PRI * HTTP/2.0\r\n\r\n",
        b"\x16",
        b"\x16\x03\x01\0\x0a",
        b"POST http://a/b ",
    ],
)
def test_a_beginning_that_may_become_anything_says_so(data: bytes, notes) -> None:
    opening = open_with(data, notes)

    assert (opening.kind, opening.from_start) == (Kind.OPAQUE, False)
    assert notes.missing == ("first-bytes-incomplete",)


@pytest.mark.parametrize("data", [b"\x00", b"GET\x00", b"\x16\x01", b"GET / HTTP/1.1 x y z", b"hello, world"])
def test_a_beginning_that_may_not_is_opaque(data: bytes, notes) -> None:
    assert open_with(data, notes).kind is Kind.OPAQUE
    assert notes.missing == ()


def test_a_first_line_in_a_gap_is_not_known(say, notes) -> None:
    opening = open_with(say.stream(b"GET /a HTTP/1.1\r\n\r\n", gap=(8, 12)), notes)

    assert (opening.kind, opening.from_start) == (Kind.OPAQUE, False)
    assert notes.missing == ("gap",)


def test_a_first_line_without_end_is_noted(notes, codes) -> None:
    assert open_with(b"GET /" + b"a" * 70_000, notes).kind is Kind.OPAQUE
    assert codes(notes) == ["http1-request-line-too-long"]


def test_a_silent_client_is_opaque(notes) -> None:
    assert open_with(b"", notes, b"220 mail.example\r\n").kind is Kind.OPAQUE
    assert open_with(b"", notes, b"HTTP/1.1 408 Request Timeout\r\n\r\n").kind is Kind.OPAQUE
    assert open_with(b"", notes).kind is Kind.OPAQUE
    assert notes.missing == ()


def test_answers_betray_a_client_that_is_not_in_the_capture(say, notes) -> None:
    assert open_with(b"", notes, say.ok()).kind is Kind.HTTP1
    assert open_with(b"", notes, say.server_hello()).kind is Kind.TLS
    assert notes.missing == ("requests-unseen",)


def test_a_connection_that_says_nothing_from_the_middle_on_is_midstream(notes) -> None:
    nothing = Stream.of(b"", from_start=False)

    opening = open_with(nothing, notes, nothing)

    assert (opening.kind, opening.from_start, notes.missing) == (Kind.OPAQUE, False, ("midstream",))


def test_a_client_that_only_answers_is_midstream(say, notes) -> None:
    server = say.stream(b"whatever", from_start=False)

    opening = open_with(say.stream(b"", from_start=False), notes, server)

    assert (opening.kind, opening.from_start) == (Kind.OPAQUE, False)
    assert notes.missing == ("midstream",)


def test_from_the_middle_a_request_is_found_where_a_segment_begins(say, notes) -> None:
    client = say.stream(b"body" + say.get(), cuts=[4], from_start=False)

    opening = open_with(client, notes, say.stream(say.ok(), from_start=False))

    assert opening == (Kind.HTTP1, 4, 0, None, False)
    assert notes.missing == ("midstream",)


def test_from_the_middle_a_request_at_once_counts_before_the_rest(say, notes) -> None:
    opening = open_with(say.stream(say.get(), from_start=False), notes, say.stream(b"", from_start=False))

    assert opening == (Kind.HTTP1, 0, 0, None, False)


def test_from_the_middle_records_are_found(say, notes) -> None:
    data = say.record(23, b"x" * 40)

    opening = open_with(say.stream(b"tail" + data, cuts=[4], from_start=False), notes)

    assert opening == (Kind.TLS, 4, 0, None, False)


def test_from_the_middle_frames_are_found(say, notes, server) -> None:
    client = say.stream(b"", from_start=False)

    opening = open_with(client, notes, say.stream(b"rest" + server.response(1), cuts=[4], from_start=False))

    assert opening == (Kind.HTTP2, 0, 4, None, False)


def test_a_lost_beginning_is_a_gap(say, notes) -> None:
    opening = open_with(say.stream(b"lost" + say.get(), gap=(0, 4)), notes)

    assert opening == (Kind.HTTP1, 4, 0, None, False)
    assert notes.missing == ("gap",)


def test_tls_that_begins_late_is_found_by_segments(say) -> None:
    stream = say.stream(b"STARTTLS\r\n" + say.client_hello(), cuts=[10])

    assert late_client_hello(stream, 0) == 10
    assert late_client_hello(stream, 11) is None
    assert late_records(stream, 0) == 10
    assert late_records(stream, 11) == stream.length


def test_a_server_whose_beginning_is_not_there_is_picked_up(say, notes) -> None:
    body, answer = b"end of a body", say.ok()
    answers = say.stream(body + answer, cuts=[len(body)], from_start=False)

    assert open_with(say.get(), notes, answers).server_start == len(body)
    assert open_with(b"\x00", notes, answers).server_start == 0
    assert open_with(say.client_hello(), notes, answers).server_start == 0


@pytest.mark.parametrize("pieces", [[], [3], [5, 9, 12], range(3, 90, 3)])
def test_a_server_hello_to_nobody_is_tls_however_it_was_cut_and_whatever_follows(pieces, say, notes) -> None:
    answered = b"\x16\x03\x03\x00\x32\x02" + bytes(49) + b"\x00\x00\x04\x00\x00\x00\x00\x00\x00" + b"\xff" * 40

    opening = open_with(b"", notes, say.stream(answered, cuts=pieces))

    assert (opening.kind, opening.server_start, opening.from_start) == (Kind.TLS, 0, False)
