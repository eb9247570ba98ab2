"""What is said inside TLS, where a key log opens it."""

from __future__ import annotations

from analyzer.base.stream import Stream
from analyzer.protocol.conversation import parse_conversation
from analyzer.protocol.keylog import NO_KEYS, parse_key_log
from analyzer.protocol.unsealing import with_inside


def spoken(talk, keys):
    client, server = Stream.of(talk.side(True)), Stream.of(talk.side(False))
    return with_inside(parse_conversation(client, server), client, server, keys)


def test_a_request_and_its_answer_are_read(tls_talk) -> None:
    talk = tls_talk()

    said = spoken(talk, parse_key_log(talk.keylog.splitlines()))

    (exchange,) = said.inside.conversation.exchanges
    assert (exchange.request.host, exchange.response.status) == ("inner.example", 503)
    assert said.protocol == "tls"
    assert said.exchanges == ()


def test_other_keys_leave_the_conversation_as_it_is(tls_talk) -> None:
    assert spoken(tls_talk(), NO_KEYS).inside is None


def test_what_is_no_tls_has_nothing_inside() -> None:
    client = Stream.of(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    said = parse_conversation(client, Stream.of(b""))

    assert with_inside(said, client, Stream.of(b""), NO_KEYS) is said
