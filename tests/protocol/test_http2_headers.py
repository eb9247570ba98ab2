import pytest
from hpack import Encoder
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.protocol.http2_headers import HeaderBlock, HeaderDecoder
from analyzer.protocol.notes import Notes

PAIRS = ((":status", "200"), ("server", "envoy"), ("x-id", "1"))


@pytest.fixture
def decoder(notes) -> HeaderDecoder:
    return HeaderDecoder(notes, from_client=False, from_start=True)


def test_headers_that_repeat_are_known_by_their_place(decoder, client) -> None:
    first, again = client.block(*PAIRS), client.block(*PAIRS)

    assert decoder.decode(first, 0) == decoder.decode(again, 0) == HeaderBlock(PAIRS, True)
    assert len(again) < len(first)


def test_names_are_lower_case_and_bytes_are_latin_1(decoder) -> None:
    block = bytes(Encoder().encode([(b"X-Odd", b"\xff")], huffman=False))

    assert decoder.decode(block, 0).headers == (("x-odd", "\xff"),)


def test_without_the_beginning_literals_are_kept_and_the_rest_is_unknown(notes, client) -> None:
    client.block(*PAIRS)
    block = client.block(*PAIRS, ("x-new", "2"))

    found = HeaderDecoder(notes, from_client=False, from_start=False).decode(block, 0)

    assert found == HeaderBlock(((":status", "200"), ("x-new", "2")), False)


def test_what_was_added_since_is_known_again(notes, client) -> None:
    client.block(("x-old", "1"))
    decoder = HeaderDecoder(notes, from_client=False, from_start=False)

    for _ in range(2):
        found = decoder.decode(client.block(("x-new", "2")), 0)

    assert found == HeaderBlock((("x-new", "2"),), True)


def test_an_unknown_name_is_left_out_with_its_value(notes) -> None:
    decoder = HeaderDecoder(notes, from_client=False, from_start=False)

    found = decoder.decode(b"\x7f\x00\x01v", 0)

    assert found == HeaderBlock((), False)


@pytest.mark.parametrize(
    "block",
    [b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", b"\x3f\xe1\xff\xff\xff\x0f", b"\xbe", b"\x40\x7fab", b"\x80"],
)
def test_a_broken_block_stops_the_decoder(block: bytes, decoder, notes, codes, client) -> None:
    assert decoder.decode(block, 7) == HeaderBlock((), False)
    assert decoder.decode(client.block(*PAIRS), 9) == HeaderBlock((), False)
    assert codes(notes) == ["h2-bad-header-block"]


def test_a_bomb_does_not_inflate(decoder, notes, codes) -> None:
    fill = bytes(Encoder().encode([("x", "y" * 4000)], huffman=False))

    assert decoder.decode(fill + b"\xbe" * 16_000, 0) == HeaderBlock((), False)
    assert codes(notes) == ["h2-bad-header-block"]


@pytest.mark.parametrize("pair", [("X-Up", "1"), ("x y", "1"), ("x\x7f", "1"), ("x", "a\r\nhost: b"), ("x", "a\0")])
def test_what_http_2_forbids_in_headers_is_noted(pair: tuple[str, str], decoder, notes, codes) -> None:
    block = bytes(Encoder().encode([pair]))

    assert decoder.decode(block, 7).headers == ((pair[0].lower(), pair[1]),)
    assert codes(notes) == ["h2-bad-header-field"]


def test_what_http_2_allows_in_headers_is_not_noted(decoder, notes, codes, client) -> None:
    decoder.decode(client.block((":authority", "A.example"), ("x-1_~", "\t \x80 A")), 7)

    assert codes(notes) == []


def test_a_larger_table_within_reason_is_allowed(decoder) -> None:
    encoder = Encoder()
    encoder.header_table_size = 65_536

    assert decoder.decode(bytes(encoder.encode([("a", "b")])), 0) == HeaderBlock((("a", "b"),), True)


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=100), st.booleans())
def test_no_bytes_raise(block: bytes, from_start: bool) -> None:
    HeaderDecoder(Notes(), from_client=True, from_start=from_start).decode(block, 0)
