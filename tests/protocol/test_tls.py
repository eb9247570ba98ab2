import pytest

from analyzer.base.stream import Stream
from analyzer.protocol.facts import Alert
from analyzer.protocol.tls import ALERT_NAMES, parse_tls


def tls(client: bytes, server: bytes, notes):
    return parse_tls(Stream.of(client), Stream.of(server), notes)


def test_what_the_client_offers_and_the_server_chooses(say, notes) -> None:
    hello = say.client_hello(say.server_name(b"a.example"), say.alpn(b"h2"))
    server = say.server_hello(say.alpn(b"h2")) + say.record(23, b"x")

    facts = tls(hello, server, notes).facts

    assert facts.client_hello is not None
    assert (facts.client_hello.sni, facts.client_hello.start, facts.client_hello.end) == ("a.example", 0, len(hello))
    assert (facts.version, facts.alpn) == (0x0303, "h2")
    assert (facts.client_data, facts.server_data) == (False, True)


def test_tls_1_2_shows_the_servers_names(say, notes) -> None:
    san = bytes.fromhex("0603551d11") + b"\x04\x07\x30\x05\x82\x03a.b"
    wrapped = b"\x30" + say.vector(
        1, b"\x30" + say.vector(1, b"\xa3" + say.vector(1, b"\x30" + say.vector(1, b"\x30" + say.vector(1, san))))
    )
    chain = say.vector(3, say.vector(3, wrapped) + say.vector(3, b"issuer"))
    server = say.server_hello() + say.record(22, say.handshake(11, chain))

    assert tls(say.client_hello(), server, notes).facts.san == ("a.b",)


@pytest.mark.parametrize("message", [b"", b"\0\0\x09"])
def test_a_broken_certificate_has_no_names(message: bytes, say, notes) -> None:
    server = say.server_hello() + say.record(22, say.handshake(11, message))

    assert tls(say.client_hello(), server, notes).facts.san == ()


def test_alerts_are_named_and_say_who_sent_them(say, notes) -> None:
    client = say.client_hello() + say.record(21, b"\x02\x46")

    facts = tls(client, say.record(21, b"\x01\x63"), notes).facts

    assert facts.alerts == (
        Alert(1, "alert_99", False, 0),
        Alert(2, "protocol_version", True, len(say.client_hello())),
    )


def test_a_hello_that_is_still_coming_is_no_fact(say, notes) -> None:
    facts = tls(say.client_hello()[:-1], b"", notes).facts

    assert facts.client_hello is None
    assert notes.missing == ("first-bytes-incomplete",)


def test_a_hello_whose_rest_is_lost_may_say_enough(say, notes) -> None:
    hello = say.client_hello(say.server_name(b"a.example"), say.alpn(b"h2"), say.extension(21, bytes(900)))

    facts = parse_tls(say.stream(hello, gap=(400, 700)), Stream.of(b""), notes).facts

    assert facts.client_hello is not None
    assert (facts.client_hello.sni, facts.client_hello.alpn, facts.client_hello.end) == ("a.example", ("h2",), 400)
    assert notes.missing == ("gap",)


@pytest.mark.parametrize("gap", [(30, 60), (70, 80), (50, 52), (2, 4)])
def test_a_hello_whose_names_are_lost_is_no_fact(gap: tuple[int, int], say, notes) -> None:
    hello = say.client_hello(say.server_name(b"a.example"), say.alpn(b"h2"), say.extension(21, bytes(900)))

    assert parse_tls(say.stream(hello, gap=gap), Stream.of(b""), notes).facts.client_hello is None
    assert notes.missing == ("gap",)


def test_another_message_whose_rest_is_lost_is_no_hello(say, notes) -> None:
    message = say.record(22, say.handshake(4, bytes(90)))

    assert parse_tls(say.stream(message, gap=(40, 50)), Stream.of(b""), notes).facts.client_hello is None


def test_a_hello_beyond_the_inspectors_limit_is_noted(say, notes, codes) -> None:
    body = say.handshake(1, say.hello_body(say.extension(21, bytes(17_000)), say.server_name(b"big.example")))
    records = say.record(22, body[:9000]) + say.record(22, body[9000:])

    facts = tls(records, b"", notes).facts

    assert facts.client_hello is not None
    assert facts.client_hello.sni == "big.example"
    assert codes(notes) == ["tls-client-hello-too-large"]


def test_a_second_hello_does_not_hide_the_first(say, notes) -> None:
    client = say.client_hello(say.server_name(b"a.example")) + say.record(20, b"\x01") + say.client_hello()

    facts = tls(client, b"", notes).facts

    assert facts.client_hello is not None
    assert facts.client_hello.sni == "a.example"


def test_alert_names_are_those_of_the_rfc() -> None:
    assert ALERT_NAMES[0] == "close_notify"
    assert ALERT_NAMES[116] == "certificate_required"


@pytest.mark.parametrize(
    ("extensions", "shown"),
    [([(43, b"\x03\x04")], False), ([(43, b"\x03\x04"), (41, b"\0\0")], None), ([], None)],
)
def test_a_resumed_session_does_not_tell_whether_there_is_a_certificate(extensions, shown, say, notes) -> None:
    """Not even the server sends one then, which in TLS 1.2 is how it shows."""
    client = say.client_hello() + say.record(20, b"\x01") + say.record(23, bytes(53))
    server = say.server_hello(*(say.extension(*each) for each in extensions)) + say.record(20, b"\x01")

    assert tls(client, server, notes).facts.client_certificate is shown
