"""Values on their way to another process."""

from __future__ import annotations

from analyzer.base.packing import pack, unpack
from analyzer.base.stream import Stream


def test_a_value_comes_out_as_it_went_in() -> None:
    assert unpack(pack({"a": (1, None), "b": [b"x"]})) == {"a": (1, None), "b": [b"x"]}


def test_of_a_view_only_what_it_shows_is_packed() -> None:
    view = memoryview(bytes(1_000_000))[10:14]

    packed = pack(view)

    assert len(packed) < 1_000
    assert unpack(packed) == view


def test_a_stream_can_be_packed() -> None:
    stream = Stream.of(b"GET / HTTP/1.1\r\n\r\n")

    assert unpack(pack(stream)) == stream
