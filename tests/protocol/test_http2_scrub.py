"""HTTP/2 under pseudonyms has the same frames, and headers of the same length."""

from __future__ import annotations

import hpack
import pytest

from analyzer.base.pseudonym import Pseudonyms
from analyzer.base.stream import Stream
from analyzer.base.vocabulary import VOCABULARY
from analyzer.protocol.http2_scrub import scrub_frames

NAMES = Pseudonyms(b"k" * 32, VOCABULARY)
FIELDS = [
    (":method", "GET"),
    (":authority", "checkout.shop:80"),
    (":path", "/orders/jane"),
    ("authorization", "Bearer s3cret"),
    ("x-tenant", "acme"),
]


def requests(say, *, huffman=True, flags=0x04) -> bytes:
    encoder = hpack.Encoder()
    blocks = [encoder.encode(FIELDS, huffman=huffman) for _ in range(2)]
    frames = (say.frame(1, flags, n, block) for n, block in zip((1, 3), blocks, strict=True))
    return say.preface + say.frame(4, 0, 0) + b"".join(frames) + say.frame(0, 1, 1, b"secret body")


@pytest.mark.parametrize("huffman", [True, False])
def test_requests_read_the_same_under_other_names(say, huffman) -> None:
    old = requests(say, huffman=huffman)

    new = scrub_frames(Stream.of(old), NAMES)

    first, second = say.parse(new).exchanges
    assert len(new) == len(old)
    assert first.request.host == second.request.host == NAMES.host("checkout.shop:80")
    assert (first.request.method, first.request.target) == ("GET", NAMES.text("/orders/jane"))
    assert not any(word in repr((first, second)) for word in ("jane", "acme", "s3cret"))
    assert b"secret body" not in new


def test_padding_and_priority_are_stepped_over(say) -> None:
    block = hpack.Encoder().encode(FIELDS)
    framed = say.preface + say.frame(4, 0, 0) + say.frame(1, 0x2C, 1, b"\x02" + bytes(5) + block + b"\0\0")

    (exchange,) = say.parse(scrub_frames(Stream.of(framed), NAMES)).exchanges

    assert exchange.request.host == NAMES.host("checkout.shop:80")


def test_a_reply_of_envoys_own_keeps_its_text(say) -> None:
    denied = say.frame(0, 1, 1, b"RBAC: access denied")

    assert scrub_frames(Stream.of(denied), NAMES) == denied


@pytest.mark.parametrize(
    "block", [b"\x40\x83abc\x05", b"\x41\x81\xfe", b"\x7f\xff\xff\xff\xff\xff", b"\x40\x01a\xff\xff\xff\xff\xff"]
)
def test_a_block_that_cannot_be_followed_is_zeros_with_all_behind_it(say, block) -> None:
    head = say.preface + say.frame(4, 0, 0)

    new = scrub_frames(Stream.of(head + say.frame(1, 4, 1, block) + say.frame(6, 0, 0, bytes(8))), NAMES)

    assert (new[: len(head)], set(new[len(head) :])) == (head, {0})


def test_padding_without_its_length_is_not_followed(say) -> None:
    head = say.preface + say.frame(4, 0, 0)

    assert set(scrub_frames(Stream.of(head + say.frame(1, 0x0C, 1, b"")), NAMES)[len(head) :]) == {0}


def test_a_block_over_several_frames_is_not_followed(say) -> None:
    assert set(scrub_frames(Stream.of(requests(say, flags=0)), NAMES)[len(say.preface) + 9 :]) == {0}
