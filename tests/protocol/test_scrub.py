"""A connection under pseudonyms says the same, as long as it was."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.pseudonym import Pseudonyms
from analyzer.base.stream import Stream
from analyzer.base.vocabulary import VOCABULARY
from analyzer.protocol.conversation import parse_conversation
from analyzer.protocol.scrub import NOISE_LEN, scrub_conversation

NAMES = Pseudonyms(b"k" * 32, VOCABULARY)


def scrubbed(say, client: bytes, server: bytes) -> tuple[bytes, bytes]:
    new = scrub_conversation(say.parse(client, server), Stream.of(client), Stream.of(server), NAMES)
    assert (len(new[0]), len(new[1])) == (len(client), len(server))
    return new


def test_http_keeps_heads_and_framing_and_no_body(say) -> None:
    post = say.get("/jane", method="POST", more="Transfer-Encoding: chunked\r\n") + b"6;x\r\nsecret\r\n0\r\n\r\n"

    client, server = scrubbed(say, post + say.get("/two"), say.ok(b"secret") + say.ok(b"x"))

    said = say.parse(client, server)
    assert [e.request.target for e in said.exchanges] == [NAMES.text("/jane"), NAMES.text("/two")]
    assert [e.response.status for e in said.exchanges] == [200, 200]
    assert b"secret" not in client + server


@pytest.mark.parametrize("text", [b"RBAC: access denied", b"no healthy upstream"])
def test_a_reply_of_envoys_own_keeps_its_text(say, text) -> None:
    _, server = scrubbed(say, say.get(), say.ok(text, status=503))

    assert server.endswith(text)


def test_a_broken_chunk_is_followed_no_further(say) -> None:
    client, _ = scrubbed(say, say.get(method="POST", more="Transfer-Encoding: chunked\r\n") + b"zz\r\nsecret", b"")

    assert b"secret" not in client


def test_tls_keeps_its_records_and_the_name_becomes_another(say) -> None:
    hello = say.client_hello(say.server_name(b"checkout.shop"), say.alpn(b"istio"))
    sealed = say.record(23, b"sealed bytes")

    client, server = scrubbed(say, hello + sealed, say.server_hello() + sealed)

    told = say.parse(client, server).tls.client_hello
    assert (told.sni, told.alpn) == (NAMES.host("checkout.shop"), ("istio",))
    assert b"sealed bytes" not in client + server


def test_http2_goes_its_own_way(say) -> None:
    client, _ = scrubbed(say, say.preface + say.frame(4, 0, 0), say.frame(4, 0, 0))

    assert client.startswith(say.preface)


def test_opaque_bytes_become_noise_and_zeros_and_stay_opaque(say) -> None:
    data = b"SELECT name FROM customers" * 9

    client, server = scrubbed(say, data, b"jane")

    assert say.parse(client, server).protocol == "tcp"
    assert client == NAMES.noise(data[:NOISE_LEN]) + bytes(len(data) - NOISE_LEN)


def test_an_answer_in_http_to_opaque_bytes_stays_one(say) -> None:
    client, server = scrubbed(say, b"\x01\x02 garbage", say.ok(b"secret", status=400))

    assert say.parse(client, server).answer.status == 400
    assert b"secret" not in server


BEGINNINGS = st.sampled_from(
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: [::1]\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x09\1\4\0\0\0\1",
        b"\x16\3\1\0\x90\1",
    ]
)


@settings(max_examples=100, deadline=None)
@given(BEGINNINGS, st.binary(max_size=90), st.binary(max_size=90))
def test_whatever_is_said_stays_as_long(beginning, asked, answered) -> None:
    client, server = Stream.of(beginning + asked), Stream.of(answered)

    new = scrub_conversation(parse_conversation(client, server), client, server, NAMES)

    assert (len(new[0]), len(new[1])) == (client.length, server.length)
