import sys
from subprocess import run

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.fact import replace
from analyzer.base.stream import End, Stream
from analyzer.protocol.conversation import PARSERS, parse_conversation
from analyzer.protocol.opening import Kind

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nT: v\r\n\r\n"


@pytest.fixture
def talks(say) -> dict[str, tuple[bytes, bytes]]:
    """What a client and a server say on one connection, of every kind."""
    post = say.get("/b", method="POST", more="Transfer-Encoding: chunked\r\n") + b"3\r\nabc\r\n0\r\n\r\n"
    hello = say.client_hello(say.server_name(b"a.example"), say.alpn(b"h2", b"http/1.1"))
    upgrade = say.get("/up", more="Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n")
    settings_frame = say.frame(4, 0, 0)
    (client, server), (asker, answerer) = ((say.peer(), say.peer()) for _ in range(2))
    return {
        "http/1.1": (
            say.get("/a") + post + say.get("/c", more="Content-Length: 3\r\n") + b"xyz",
            b"HTTP/1.1 100 Continue\r\n\r\n" + say.ok() + CHUNKED + say.ok(b"", status=404),
        ),
        "h2": (
            say.preface
            + settings_frame
            + client.request(1, ends=False)
            + say.frame(0, 1, 1, b"body")
            + client.request(3),
            settings_frame + server.response(3) + server.response(1, ends=False) + say.frame(0, 1, 1, b"hello"),
        ),
        "h2c": (
            upgrade + say.preface + settings_frame + asker.request(3, path="/two"),
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"
            + (settings_frame + answerer.response(1) + answerer.response(3, "404")),
        ),
        "tls": (
            hello + say.record(20, b"\x01") + say.record(23, b"x" * 30),
            say.server_hello(say.extension(43, b"\x03\x04")) + say.record(23, b"y" * 90),
        ),
        "tunnel": (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n" + hello, say.ok(b"") + say.server_hello()),
        "tcp": (b"PING 1\nPING 2\n", b"PONG 1\nPONG 2\n"),
    }


def facts(said) -> tuple:
    """A conversation without what depends on how its bytes came."""
    return (said.protocol, said.exchanges, said.tls, said.inner_tls, said.inspected, said.missing, said.answer)


def known(said) -> list[tuple]:
    """Requests and responses that were whole."""
    return [
        (e.ordinal, e.request and (e.request.method, e.request.target, e.request.host))
        for e in said.exchanges
        if e.request is not None and not e.missing
    ]


TALKS = ["http/1.1", "h2", "h2c", "tls", "tunnel", "tcp"]


def test_http_1_1_is_told(talks, say) -> None:
    said = say.parse(*talks["http/1.1"])

    assert said.protocol == "http/1.1"
    assert [(e.request.target, e.response.status) for e in said.exchanges] == [("/a", 200), ("/b", 200), ("/c", 404)]
    assert said.exchanges[1].response.trailers == (("t", "v"),)
    assert (said.missing, said.oddities, said.sniffable, said.server_first) == ((), (), True, False)


def test_http_1_0_is_told_by_its_first_line(say) -> None:
    assert say.parse(b"GET / HTTP/1.0\r\n\r\n").protocol == "http/1.0"


def test_http_2_is_told(talks, say) -> None:
    said = say.parse(*talks["h2"])

    assert said.protocol == "h2"
    assert [(e.request.stream_id, e.response.status, e.response.complete) for e in said.exchanges] == [
        (1, 200, True),
        (3, 200, True),
    ]


def test_an_upgrade_goes_on_as_http_2(talks, say) -> None:
    said = say.parse(*talks["h2c"])

    assert said.protocol == "http/1.1"
    assert [(e.ordinal, e.request.target, e.request.version, e.response.status) for e in said.exchanges] == [
        (1, "/up", "http/1.1", 200),
        (2, "/two", "h2", 404),
    ]


def test_an_upgrade_that_nobody_saw_asked_goes_on_as_http_2(talks, say) -> None:
    said = say.parse(b"", talks["h2c"][1])

    assert [(e.ordinal, e.request, e.response.status) for e in said.exchanges] == [
        (1, None, 101),
        (2, None, 200),
        (3, None, 404),
    ]


def test_tls_is_told(talks, say) -> None:
    said = say.parse(*talks["tls"])

    assert (said.protocol, said.exchanges) == ("tls", ())
    assert (said.tls.client_hello.sni, said.tls.version) == ("a.example", 0x0304)
    assert (said.tls.client_data, said.tls.server_data) == (True, True)


def test_tls_in_a_tunnel_stands_beside_the_request(talks, say, codes) -> None:
    said = say.parse(*talks["tunnel"])

    assert (said.protocol, said.exchanges[0].request.method, said.tls) == ("http/1.1", "CONNECT", None)
    assert said.inner_tls.client_hello.sni == "a.example"
    assert codes(said) == ["tls-inside"]


def test_what_is_missing_of_tls_in_a_tunnel_is_not_missing_of_the_connection(talks, say) -> None:
    client, server = talks["tunnel"]

    said = say.parse(client[:-20], server)

    assert (said.missing, said.sniffable) == ((), True)


def test_http_in_a_tunnel_follows_the_request_that_opened_it(say, codes) -> None:
    asked = b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n" + say.get("/one") + say.get("/two")

    said = say.parse(asked, say.ok(b"") + say.ok(b"1") + say.ok(b"2", status=404))

    connect, *inside = said.exchanges
    assert [(e.ordinal, e.request.target, e.response.status) for e in inside] == [(2, "/one", 200), (3, "/two", 404)]
    assert [e.within for e in said.exchanges] == [None, connect.request, connect.request]
    assert codes(said) == ["http-inside"]


def test_a_blank_line_may_stand_before_http_in_a_tunnel(say) -> None:
    said = say.parse(b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n\n" + say.get("/one"), say.ok(b"") + say.ok())

    assert [(e.request.target, e.response.status) for e in said.exchanges] == [("a:80", 200), ("/one", 200)]


def test_a_tunnel_inside_a_tunnel_is_not_entered(say) -> None:
    connect = b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"

    said = say.parse(connect * 2 + say.get("/deep"), say.ok(b"") * 3)

    assert [e.request.method for e in said.exchanges] == ["CONNECT", "CONNECT"]


def test_a_tunnel_of_other_bytes_says_no_more(say) -> None:
    said = say.parse(b"CONNECT a:25 HTTP/1.1\r\nHost: a:25\r\n\r\nEHLO x\r\n", say.ok(b"") + b"220 mail\r\n")

    assert (len(said.exchanges), said.inner_tls) == (1, None)


def test_other_bytes_are_opaque(talks, say) -> None:
    assert facts(say.parse(*talks["tcp"])) == ("tcp", (), None, None, None, (), None)


def test_tls_after_a_starttls_stands_beside_opaque_bytes(say) -> None:
    greeting, hello = b"EHLO a\r\nSTARTTLS\r\n", say.client_hello(say.server_name(b"mail.example"))
    answer = b"220 mail\r\n250 ok\r\n220 go\r\n"

    said = say.parse(
        say.stream(greeting + hello, cuts=[len(greeting)]), say.stream(answer + say.server_hello(), cuts=[len(answer)])
    )

    assert (said.protocol, said.tls) == ("tcp", None)
    assert (said.inner_tls.client_hello.sni, said.inner_tls.version) == ("mail.example", 0x0303)


@pytest.mark.parametrize("kind", ["tcp", "h2", "tls"])
def test_an_answer_in_http_to_what_was_none_is_kept(kind: str, say) -> None:
    client_says = {"tcp": b"\x00garbage", "h2": say.preface, "tls": say.client_hello()}[kind]

    said = say.parse(client_says, say.ok(b"Bad Request", status=400))

    assert (said.protocol, said.oddities) == (kind, ())

    assert (said.answer.status, said.answer.body) == (400, b"Bad Request")
    assert said.exchanges == ()


def test_an_ssl_2_hello_is_tls(say, codes) -> None:
    said = say.parse(b"\x80\x2e\x01\x03\x01" + bytes(43), say.server_hello())

    assert (said.protocol, said.tls.client_hello, said.tls.version) == ("tls", None, 0x0303)
    assert codes(said) == ["tls-ssl2-hello"]


def test_a_hello_that_boringssl_refuses_is_inspected_as_tcp(say) -> None:
    said = say.parse(say.client_hello(say.server_name(b"")))

    assert (said.protocol, said.inspected) == ("tls", "tcp")


@pytest.mark.parametrize("n", [1, 4, 8, 30])
def test_a_hello_that_is_still_coming_is_not_known(n: int, say) -> None:
    said = say.parse(say.client_hello(say.server_name(b"a"))[:n])

    assert (said.sniffable, said.missing) == (False, ("first-bytes-incomplete",))


def test_out_of_step_with_a_server_whose_beginning_is_not_there(say) -> None:
    answers = say.ok(b"old") + say.ok(b"new")
    server = say.stream(answers, cuts=[len(answers) // 2], from_start=False, first_packet=1, step=9)

    said = say.parse(say.stream(say.get("/new"), first_packet=5), server)

    assert [(e.request and e.request.target, e.response.body) for e in said.exchanges] == [
        (None, b"old"),
        ("/new", b"new"),
    ]


def test_a_silent_connection_is_opaque(say) -> None:
    said = say.parse(b"")

    assert (said.protocol, said.exchanges, said.sniffable, said.server_first) == ("tcp", (), True, False)


@pytest.mark.parametrize(("heard", "expected"), [((0, 0), True), ((0, 4), False), ((9, 0), True)])
def test_who_answers_did_not_speak_first_whatever_was_captured_first(heard: tuple[int, int], expected: bool) -> None:
    client = replace(Stream.of(b"HELO"), heard=heard[0], times_ns=[2], packets=[2])
    server = replace(Stream.of(b"220 ready"), heard=heard[1], times_ns=[1], packets=[1])

    assert parse_conversation(client, server).server_first is expected


@pytest.mark.parametrize(
    ("client", "server", "server_first"),
    [(b"USER a\r\n", b"220 hi\r\n", True), (b"", b"220 hi\r\n", True), (b"USER a\r\n", b"", False)],
)
def test_a_server_that_speaks_first_is_told(client: bytes, server: bytes, server_first: bool, say) -> None:
    said = say.parse(say.stream(client, first_packet=5), say.stream(server, first_packet=4))

    assert said.server_first is server_first


def test_who_spoke_first_is_not_known_from_the_middle(say) -> None:
    said = say.parse(say.stream(b"a", first_packet=5, from_start=False), say.stream(b"b", first_packet=4))

    assert (said.server_first, said.sniffable, said.missing) == (False, False, ("gap",))


def test_from_the_middle_a_conversation_goes_on(say, client, server) -> None:
    client.request(1, "old.example")
    server.response(1)

    said = say.parse(
        say.stream(client.request(3, "old.example") + client.request(5, "new.example"), from_start=False),
        say.stream(server.response(3) + server.response(5), from_start=False, first_packet=1001),
    )

    assert (said.protocol, said.sniffable) == ("h2", False)
    assert [(e.request.host, e.missing, e.response.status) for e in said.exchanges] == [
        (None, ("hpack-state",), 200),
        ("new.example", (), 200),
    ]


@pytest.mark.parametrize("name", TALKS)
def test_byte_by_byte_nothing_is_unsaid_later(name: str, talks, say) -> None:
    """What a longer prefix tells begins with what a shorter one told."""
    asked, answered = talks[name]
    last: list[tuple] = []

    for n in range(len(asked) + 1):
        told = known(say.parse(asked[:n], answered))
        assert told[: len(last)] == last
        last = told

    assert last == known(say.parse(asked, answered))


@pytest.mark.parametrize("name", TALKS)
def test_byte_by_byte_the_answers_only_grow(name: str, talks, say) -> None:
    asked, answered = talks[name]
    whole = {e.ordinal: e.response for e in say.parse(asked, answered).exchanges}

    for n in range(len(answered) + 1):
        for exchange in say.parse(asked, answered[:n]).exchanges:
            if exchange.response is not None and exchange.response.complete:
                assert exchange.response == whole[exchange.ordinal]


@pytest.mark.parametrize("name", TALKS)
def test_two_halves_at_any_cut_say_the_same(name: str, talks, say) -> None:
    asked, answered = talks[name]
    whole = facts(say.parse(asked, answered))

    for n in range(1, len(asked)):
        assert facts(say.parse(say.stream(asked, cuts=[n]), answered)) == whole
    for n in range(1, len(answered)):
        assert facts(say.parse(asked, say.stream(answered, cuts=[n], first_packet=1001))) == whole


@pytest.mark.parametrize("name", TALKS)
def test_one_byte_segments_say_the_same(name: str, talks, say) -> None:
    asked, answered = talks[name]
    streams = [say.stream(data, cuts=range(len(data)), first_packet=p) for data, p in ((asked, 1), (answered, 9999))]

    assert facts(say.parse(*streams)) == facts(say.parse(asked, answered))


@pytest.mark.parametrize("name", TALKS)
@pytest.mark.parametrize("junk", [b"\x00\xff\r\n\r\n", b"GET", b"\r\n\r\n\r\n", b"\xff" * 40])
def test_a_tail_of_junk_takes_nothing_back(name: str, junk: bytes, talks, say) -> None:
    asked, answered = talks[name]
    before = known(say.parse(asked, answered))

    told = known(say.parse(asked + junk, answered + junk))

    assert told[: len(before)] == before


@pytest.mark.parametrize("name", TALKS)
def test_a_gap_anywhere_invents_no_name(name: str, talks, say) -> None:
    asked, answered = talks[name]
    names = {e.request.host for e in say.parse(asked, answered).exchanges if e.request} | {None}

    for n in range(0, len(asked) - 1, 3):
        said = say.parse(say.stream(asked, gap=(n, min(n + 9, len(asked)))), answered)
        assert {e.request.host for e in said.exchanges if e.request and not e.missing} <= names


LIKELY = (
    *(b"", b"GET / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"\x16\x03\x01\0\x50\x01"),
    *(
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"\0\0\x09\x01\x04\0\0\0\x01",
        b"\x05\x01\0\x05\x01",
    ),
)
sides = st.tuples(
    st.builds(bytes.__add__, st.sampled_from(LIKELY), st.binary(max_size=80)),
    st.lists(st.integers(1, 120), max_size=4),
    st.none() | st.tuples(st.integers(0, 90), st.integers(1, 60)),
    st.booleans(),
    st.sampled_from(End),
)


@settings(max_examples=100, deadline=None)
@given(sides, sides)
def test_no_bytes_raise(say, one, other) -> None:
    streams = []
    for data, cuts, hole, from_start, end in (one, other):
        gap = None if hole is None else (min(hole[0], len(data)), min(sum(hole), len(data)))
        streams.append(say.stream(data, cuts=cuts, gap=gap, from_start=from_start, end=end))

    said = parse_conversation(*streams)

    assert said.protocol in {"http/1.0", "http/1.1", "h2", "tls", "tcp"}
    assert [exchange.ordinal for exchange in said.exchanges] == list(range(1, len(said.exchanges) + 1))
    assert all(str(oddity) for oddity in said.oddities)


def test_every_kind_has_a_parser() -> None:
    assert set(PARSERS) == set(Kind)


def test_hpack_is_not_loaded_before_http_2_is_met() -> None:
    program = "import sys, analyzer.protocol.conversation; sys.exit('hpack' in sys.modules)"

    assert run([sys.executable, "-c", program], check=False).returncode == 0


def test_h11_reads_the_same_requests(talks, say) -> None:
    h11 = pytest.importorskip("h11")
    asked, _ = talks["http/1.1"]
    reader = h11.Connection(h11.SERVER)
    reader.receive_data(asked)

    seen = []
    while (event := reader.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
        if isinstance(event, h11.Request):
            seen.append((event.method.decode(), event.target.decode(), dict(event.headers)[b"host"].decode()))
        elif isinstance(event, h11.EndOfMessage):
            for answer in (h11.Response(status_code=200, headers=[("content-length", "0")]), h11.EndOfMessage()):
                reader.send(answer)
            reader.start_next_cycle()

    assert [request for _, request in known(say.parse(asked))] == seen
