"""Which bytes of a connection its facts stand on: heads, frame headers, hellos. The others may be cut away."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.base.stream import Stream
from analyzer.protocol.facts import Conversation, Exchange
from analyzer.protocol.http1_body import BODY_PREVIEW_LEN
from analyzer.protocol.http2_frames import DATA, PREFACE, read_frame
from analyzer.protocol.tls_records import (
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    HEADER_LEN,
    is_record_header,
)

# Positions of a stream, from and to.
Span = tuple[int, int]
Spans = tuple[Span, ...]

# The beginning of each direction: by it a connection is known again on its other legs, and an opaque one is judged.
BEGINNING_LEN = 1024
_OPAQUE = "tcp"


def fact_spans(said: Conversation, from_client: Stream, from_server: Stream) -> tuple[Spans, Spans]:
    """The spans of both directions without which ``said`` would be read otherwise.

    Of a connection where anything is unusual (oddities, gaps, a preamble, TLS that begins late) that is all of it.
    """
    if _is_unusual(said):
        return _whole(from_client), _whole(from_server)
    if said.protocol == "h2":
        return tuple(_frames(from_client)), tuple(_frames(from_server))
    if said.protocol == "tls":
        return tuple(_records(from_client)), tuple(_records(from_server))
    if said.protocol == _OPAQUE:
        return _beginning(from_client), _beginning(from_server)
    asked = (span for exchange in said.exchanges for span in _request(exchange, from_client))
    answered = (span for exchange in said.exchanges for span in _response(exchange, from_server))
    return tuple(asked), tuple(answered)


def _is_unusual(said: Conversation) -> bool:
    strange = said.oddities or said.missing or said.inspected or said.inner_tls or said.answer
    return bool(strange) or any(exchange.upgraded for exchange in said.exchanges)


def _whole(stream: Stream) -> Spans:
    return ((0, stream.length),)


def _beginning(stream: Stream) -> Spans:
    return ((0, min(BEGINNING_LEN, stream.length)),)


def _request(exchange: Exchange, stream: Stream) -> Iterator[Span]:
    request = exchange.request
    if request is None:
        return
    yield request.start, request.end
    if request.header("transfer-encoding") is not None:
        yield request.end, stream.length if request.body_end is None else request.body_end


def _response(exchange: Exchange, stream: Stream) -> Iterator[Span]:
    response = exchange.response
    if response is None:
        return
    # What a proxy writes itself is known by its text.
    yield response.start, response.end + BODY_PREVIEW_LEN
    if response.header("transfer-encoding") is not None:
        yield response.end, stream.length if response.body_end is None else response.body_end


def _frames(stream: Stream) -> Iterator[Span]:
    """Every frame but what DATA holds, of which the beginning."""
    at = len(PREFACE) if stream.read(0, len(PREFACE)) == PREFACE else 0
    yield 0, at
    while (frame := read_frame(stream, at)) is not None:
        yield frame.start, frame.body + min(frame.size, BODY_PREVIEW_LEN) if frame.kind == DATA else frame.end
        at = frame.end


def _records(stream: Stream) -> Iterator[Span]:
    """The records in the clear, and the header of the first that is encrypted."""
    at, encrypted = 0, False
    while is_record_header(header := stream.read(at, HEADER_LEN)):
        begin, at = at, at + HEADER_LEN + int.from_bytes(header[3:], "big")
        sealed = header[0] == APPLICATION_DATA or (header[0] == HANDSHAKE and encrypted)
        yield begin, begin + HEADER_LEN if sealed else at
        if header[0] == APPLICATION_DATA:
            return
        encrypted = encrypted or header[0] == CHANGE_CIPHER_SPEC
