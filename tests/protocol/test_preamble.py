import pytest

from analyzer.base.stream import Stream
from analyzer.protocol.preamble import Preamble, skip_preamble


def skip(client: bytes, server: bytes, notes) -> Preamble | None:
    return skip_preamble(Stream.of(client), Stream.of(server), client[:512], notes)


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n",
        b"PROXY UNKNOWN\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12),
    ],
)
def test_a_proxy_protocol_header_is_stepped_over(header: bytes, notes, codes) -> None:
    assert skip(header + b"GET / HTTP/1.1\r\n", b"", notes) == Preamble(len(header), 0)
    assert codes(notes) == ["proxy-protocol"]


@pytest.mark.parametrize(
    "data", [b"PROXY TCP9 a b\r\n", b"PROXY TCP4 192.0.2.1", b"\r\n\r\n\0\r\nQUIT\n\x21", b"GET / HTTP/1.1\r\n", b""]
)
def test_anything_else_is_no_header(data: bytes, notes) -> None:
    assert skip(data, b"", notes) is None
    assert notes.oddities == []


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (b"\x04\x01\0\x50\x5d\xb8\xd8\x22user\0", b"\0\x5a\0\0\0\0\0\0"),
        (b"\x04\x01\0\x50\0\0\0\x01user\0www.example.com\0", b"\0\x5a\0\0\0\0\0\0"),
        (b"\x05\x01\0\x05\x01\0\x01\x5d\xb8\xd8\x22\0\x50", b"\x05\0\x05\0\0\x01\x0a\0\0\x01\x04\x38"),
        (b"\x05\x02\0\x02\x05\x01\0\x03\x0bexample.com\0\x50", b"\x05\0\x05\0\0\x01\x0a\0\0\x01\x04\x38"),
        (b"\x05\x01\0\x05\x01\0\x04" + bytes(16) + b"\0\x50", b"\x05\0\x05\0\0\x04" + bytes(18)),
        (
            b"\x05\x01\x02\x01\x04user\x04pass\x05\x01\0\x01\x5d\xb8\xd8\x22\0\x50",
            b"\x05\x02\x01\0\x05\0\0\x01\x0a\0\0\x01\x04\x38",
        ),
    ],
)
def test_a_socks_handshake_is_stepped_over(asked: bytes, answered: bytes, notes, codes) -> None:
    assert skip(asked + b"GET /", answered + b"HTTP/1.1", notes) == Preamble(len(asked), len(answered))
    assert codes(notes) == ["socks-proxy"]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (b"\x04\x01\0\x50\x5d\xb8\xd8\x22user\0", b"\0\x5b\0\0\0\0\0\0"),
        (b"\x04\x01\0\x50\x5d\xb8\xd8\x22user", b"\0\x5a\0\0\0\0\0\0"),
        (b"\x05\x01\0\x05\x01\0\x01\x5d\xb8\xd8\x22\0\x50", b"\x05\0\x05\x05\0\x01\x0a\0\0\x01\x04\x38"),
        (b"\x05\x01\0\x05\x01\0\x01\x5d\xb8\xd8\x22\0\x50", b""),
        (b"\x05\x01\0\x05\x01\0\x09\x5d\xb8", b"\x05\0\x05\0\0\x01\x0a\0\0\x01\x04\x38"),
        (b"\x05\x01\0\x05", b"\x05\0"),
        (b"\x05\0\x0b\x03", b"\x05\0"),
    ],
)
def test_a_handshake_that_was_not_granted_is_none(asked: bytes, answered: bytes, notes) -> None:
    assert skip(asked, answered, notes) is None
