"""TLS, HTTP/1 and HTTP/2 that were made to break a reader, from the file to the report."""

import pytest
from hpack import Encoder


def vector(size: int, data: bytes) -> bytes:
    return len(data).to_bytes(size, "big") + data


def tls_record(data: bytes, kind: int = 22) -> bytes:
    return bytes((kind, 3, 1)) + vector(2, data)


def hello(*names: bytes, kind: int = 0, more: bytes = b"") -> bytes:
    """The message of a ClientHello with a server_name extension."""
    listed = vector(2, b"".join(bytes((kind,)) + vector(2, name) for name in names))
    extensions = b"\0\0" + vector(2, listed) + more
    body = b"\3\3" + bytes(32) + b"\0\0\2\x13\1\1\0" + vector(2, extensions)
    return b"\1" + vector(3, body)


@pytest.fixture
def say(make, hear):
    """A function that gives what is said of a connection on which these bytes were exchanged."""

    def speak(asked: bytes, answered: bytes = b"", *later: bytes, port: int = 80):
        tap = make.Tap()
        talk = tap.talk(server_port=port).open()
        for at in range(0, len(asked), 1400):
            talk.ask(asked[at : at + 1400])
        for number, data in enumerate((answered, *later)):
            if data:
                (talk.ask if number % 2 else talk.answer)(data)
        talk.close()
        return hear(tap.pcap())

    return speak


def test_d03_a_name_that_is_split_over_records_is_found(say) -> None:
    message = hello(b"frag.example")
    at = message.index(b"frag") + 4

    assert say(tls_record(message[:at]) + tls_record(message[at:])).names == ["frag.example"]


def test_d05_a_hello_that_claims_16_mb_is_read_to_a_limit(say) -> None:
    heard = say(tls_record(b"\1\xff\xff\xff" + bytes(200)) + tls_record(bytes(16_000)) * 9)

    assert (heard.names, len(heard.limits)) == ([], 1)


def test_d07_of_several_names_the_first_is_shown(say) -> None:
    heard = say(tls_record(hello(b"one.example", b"two.example")))

    assert heard.names == ["one.example"]
    assert "several server names" in heard.odd


def test_d08_a_name_of_another_type_is_no_name(say) -> None:
    heard = say(tls_record(hello(b"x.example", kind=7)))

    assert (heard.names, "malformed" in heard.odd) == ([], True)


def test_d09_a_name_of_60_kilobytes_is_cut_where_it_is_shown(say) -> None:
    message = hello(b"a" * 60_000)

    heard = say(b"".join(tls_record(message[at : at + 16_000]) for at in range(0, len(message), 16_000)))

    assert "the server name" in heard.odd
    assert max(len(sentence["sentence"]) for sentence in heard.of("call")[0]["evidence"]) < 1000


@pytest.mark.parametrize("name", [b"10.0.0.1", b"API.Example.COM.", b"xn--bcher-kva.example", b"fd00::1"])
def test_d10_names_of_odd_forms_are_kept_as_sent(say, name: bytes) -> None:
    assert say(tls_record(hello(name))).names == [name.decode()]


def test_d13_a_hello_that_is_repeated_is_one_connection(say) -> None:
    again = tls_record(hello(b"hrr.example"))
    server = tls_record(b"\2" + vector(3, b"\3\3" + bytes(32) + b"\0\x13\1\0"))

    heard = say(again, server, tls_record(b"\1", 20) + again, server)

    assert (heard.names, heard.flows) == (["hrr.example"], 1)


def test_d14_a_hello_of_ssl_2_is_tls_without_a_name(say) -> None:
    heard = say(b"\x80\x2e\1\0\2\0\x15\0\0\0\x10" + bytes(37))

    assert (heard.calls, "framing of SSL 2.0" in heard.odd) == ([("tls", None)], True)


@pytest.mark.parametrize("port", [80, 8080, 9080, 15008])
def test_d15_and_d20_tls_is_known_by_its_bytes_on_any_port(say, port: int) -> None:
    assert say(tls_record(hello(b"a.example")), port=port).names == ["a.example"]


def test_d16_a_name_behind_a_proxy_protocol_header_is_found(say) -> None:
    version_2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x0a\0\0\1\x0a\0\0\2\x10\0\1\xbb"

    assert say(version_2 + tls_record(hello(b"pp2.example"))).names == ["pp2.example"]


def test_d17_early_data_is_not_read_as_http(say) -> None:
    early = tls_record(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 23)

    heard = say(tls_record(hello(b"early.example", more=b"\0\x2a\0\0")) + tls_record(b"\1", 20) + early)

    assert (heard.calls, heard.names) == ([("tls", None)], ["early.example"])


def test_e02_a_missing_a_double_and_another_host_are_told_apart(say, make) -> None:
    none = say(b"GET / HTTP/1.1\r\n\r\n", make.OK)
    both = say(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", make.OK)
    other = say(b"GET http://target.example/x HTTP/1.1\r\nHost: header.example\r\n\r\n", make.OK)

    assert (none.hosts, both.hosts) == ([None], ["a,b"])
    assert "several Host headers" in both.odd
    assert "the request target names target.example, the Host header header.example" in other.odd


def test_e03_what_stands_before_a_host_is_hidden(say, make) -> None:
    heard = say(b"GET / HTTP/1.1\r\nHost: user:CANARY@h.example\r\n\r\n", make.OK)

    assert "CANARY" not in str(heard.records)
    assert heard.hosts == ["[redacted]@h.example"]


def test_e05_a_message_with_two_ends_is_told(say, make) -> None:
    heard = say(
        b"POST / HTTP/1.1\r\nHost: outer.example\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        + make.get("smuggled.example"),
        make.OK,
    )

    assert heard.hosts[0] == "outer.example"
    assert "both Content-Length and Transfer-Encoding" in heard.odd


def test_e06_text_in_a_body_is_no_request(say, make) -> None:
    body = make.get("evil.example")

    heard = say(b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: %d\r\n\r\n" % len(body) + body, make.OK)

    assert heard.hosts == ["a.example"]


def test_e08_text_in_a_websocket_is_no_request(say, make) -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

    heard = say(
        b"GET /ws HTTP/1.1\r\nHost: ws.example\r\n" + upgrade,
        b"HTTP/1.1 101 Switching\r\n" + upgrade,
        b"\x81\x20" + make.get("evil.example"),
    )

    assert heard.hosts == ["ws.example"]


def test_e09_text_in_a_tunnel_is_no_request(say) -> None:
    heard = say(b"CONNECT m:25 HTTP/1.1\r\nHost: m:25\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"EHLO x\r\nQUIT\r\n")

    assert heard.hosts == ["m:25"]


def test_e10_the_answer_to_head_has_no_body(say, make) -> None:
    asked = b"HEAD / HTTP/1.1\r\nHost: a.example\r\n\r\n" + make.get("b.example")

    heard = say(asked, b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")

    assert [call["observed"]["status"] for call in heard.of("call")] == [200, 404]


@pytest.mark.parametrize("line", [b"GET /\r\n", b"B@D!! / HTTP/1.1\r\nHost: evil.example\r\n\r\n"])
def test_e13_what_is_no_request_line_gives_no_host(say, line: bytes) -> None:
    assert say(line, b"hello").hosts == [None]


def test_e15_bytes_that_are_no_utf_8_are_kept_in_valid_json(say, make) -> None:
    heard = say(b"GET /\xff\xfe HTTP/1.1\r\nHost: h\xe4.example\r\n\r\n", make.OK)

    assert heard.hosts == ["h\xe4.example"]


def test_e16_answers_without_requests_are_the_servers(make, hear) -> None:
    tap = make.Tap()
    tap.talk().answer().answer()

    heard = hear(tap.pcap())

    assert heard.hosts == [None, None]
    assert heard.of("flow")[0]["resp_p"] == 8080


# HTTP/2.


class Client:
    """Frames with their own header compression."""

    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5)

    def __init__(self) -> None:
        self._encoder = Encoder()

    def headers(self, stream: int, *pairs: tuple[str, str], flags: int = 5) -> bytes:
        return self.frame(1, flags, stream, self._encoder.encode(list(pairs)))

    def get(self, stream: int, host: str, *more: tuple[str, str]) -> bytes:
        pseudo = ((":method", "GET"), (":scheme", "http"), (":authority", host), (":path", "/"))
        return self.headers(stream, *pseudo, *more)

    @staticmethod
    def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
        return vector(3, payload)[:3] + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


@pytest.fixture
def client() -> Client:
    return Client()


SETTINGS = bytes(3) + b"\x04" + bytes(5)


def test_f03_after_an_upgrade_the_rest_is_http_2(say, client) -> None:
    ask = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"

    heard = say(
        b"GET / HTTP/1.1\r\nHost: up.example\r\n" + ask,
        b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + SETTINGS,
        client.preface + client.get(3, "later.example"),
    )

    assert heard.calls == [("http/1.1", "up.example"), ("h2", "later.example")]


@pytest.mark.parametrize("block", [b"\x7f" + b"\xff" * 30, b"\xfe\xff\x03", b"\x3f\xff\xff\xff\xff\x0f"])
def test_f06_compression_that_is_broken_keeps_what_was_before(say, client, block: bytes) -> None:
    heard = say(client.preface + client.get(1, "first.example") + client.frame(1, 5, 3, block), SETTINGS)

    assert heard.hosts == ["first.example", None]
    assert "cannot be decompressed" in heard.odd


def test_f07_what_stands_before_an_authority_is_hidden(say, client) -> None:
    heard = say(client.preface + client.get(1, "u:CANARY@h.example"), SETTINGS)

    assert (heard.hosts, "CANARY" in str(heard.records)) == (["[redacted]@h.example"], False)


def test_f10_numbers_that_streams_may_not_have_are_told(say, client) -> None:
    frames = [client.get(number, f"s{number}.example") for number in (1, 2, 5, 3)]

    heard = say(client.preface + b"".join(frames), SETTINGS)

    assert sorted(heard.hosts) == ["s1.example", "s2.example", "s3.example", "s5.example"]
    assert "a stream has a number that its sender may not use" in heard.odd


@pytest.mark.parametrize("pair", [("x", "a\r\nHost: evil.example"), ("X-Up", "1")])
def test_f10_and_f16_headers_that_http_2_forbids_are_told(say, client, pair) -> None:
    heard = say(client.preface + client.get(1, "a.example", pair), SETTINGS)

    assert heard.hosts == ["a.example"]
    assert "a header has a character that HTTP/2 forbids" in heard.odd


def test_f05_a_flood_of_continuations_is_a_limit(say, client) -> None:
    flood = client.frame(1, 1, 1, b"\x82") + client.frame(9, 0, 1, b"") * 3000

    heard = say(client.preface + flood, SETTINGS)

    assert len(heard.limits) == 1


def test_f11_streams_that_are_reset_at_once_are_counted(say, client) -> None:
    frames = [client.get(n, "r.example") + client.frame(3, 0, n, b"\0\0\0\x08") for n in range(1, 1001, 2)]

    assert say(client.preface + b"".join(frames), SETTINGS).hosts == ["r.example"] * 500
