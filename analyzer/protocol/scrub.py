"""What was said on a connection, told again under pseudonyms: byte for byte as long, bodies as zeros."""

from __future__ import annotations

from analyzer.base.pseudonym import Pseudonyms
from analyzer.base.stream import Stream
from analyzer.protocol.fact_spans import fact_spans
from analyzer.protocol.facts import ClientHello, Conversation, Exchange, Request, Response
from analyzer.protocol.head_scrub import ENVOY_TEXTS, scrub_head

# How much of an opaque beginning is replaced by noise instead of zeros: by it legs of a connection are known again.
NOISE_LEN = 64


def scrub_conversation(
    said: Conversation, from_client: Stream, from_server: Stream, names: Pseudonyms
) -> tuple[bytes, bytes]:
    """Both directions as long as they were; what is not known to be harmless is zeros, gaps too."""
    streams = from_client, from_server
    contents = bytearray(from_client.length), bytearray(from_server.length)
    if said.protocol == "h2":
        # hpack is loaded only where HTTP/2 is met.
        from analyzer.protocol.http2_scrub import scrub_frames

        return scrub_frames(from_client, names), scrub_frames(from_server, names)
    if said.protocol == "tls":
        _scrub_tls(said, streams, contents, names)
    elif said.protocol == "tcp" or not said.exchanges:
        for stream, content in zip(streams, contents, strict=True):
            noise = names.noise(stream.read(0, NOISE_LEN))
            content[: len(noise)] = noise
        if said.answer is not None:
            _put_head(said.answer, from_server, contents[1], names)
    else:
        _scrub_http1(said, streams, contents, names)
    return bytes(contents[0]), bytes(contents[1])


def _scrub_tls(
    said: Conversation, streams: tuple[Stream, Stream], contents: tuple[bytearray, bytearray], names: Pseudonyms
) -> None:
    for stream, content, spans in zip(streams, contents, fact_spans(said, *streams), strict=True):
        for begin, end in spans:
            data = stream.read(begin, end - begin)
            content[begin : begin + len(data)] = data
    tls = said.tls
    hello = tls.client_hello if tls else None
    if hello is not None and hello.sni:
        _replace(contents[0], hello.sni, names, hello)
    for name in tls.san if tls else ():
        _replace(contents[1], name, names, None)


def _replace(content: bytearray, name: str, names: Pseudonyms, hello: ClientHello | None) -> None:
    old, new = name.encode("latin-1"), names.host(name).encode("latin-1")
    begin, end = (hello.start, hello.end) if hello else (0, len(content))
    content[begin:end] = content[begin:end].replace(old, new)


def _scrub_http1(
    said: Conversation, streams: tuple[Stream, Stream], contents: tuple[bytearray, bytearray], names: Pseudonyms
) -> None:
    for exchange in said.exchanges:
        for stream, content, message in zip(streams, contents, (exchange.request, exchange.response), strict=True):
            if message is not None:
                _put_head(message, stream, content, names)
        _keep_framing(exchange, streams, contents)


def _put_head(message: Request | Response, stream: Stream, content: bytearray, names: Pseudonyms) -> None:
    head = stream.read(message.start, message.end - message.start)
    content[message.start : message.start + len(head)] = scrub_head(head, names)


def _keep_framing(exchange: Exchange, streams: tuple[Stream, Stream], contents: tuple[bytearray, bytearray]) -> None:
    """The sizes of chunks, and a text of Envoy's own."""
    for stream, content, message in zip(streams, contents, (exchange.request, exchange.response), strict=True):
        if message is None or message.body_end is None:
            continue
        if message.header("transfer-encoding") is not None:
            _keep_chunks(stream, content, message.end, message.body_end)
    response = exchange.response
    if response is not None and response.body.startswith(ENVOY_TEXTS):
        text = streams[1].read(response.end, len(response.body))
        contents[1][response.end : response.end + len(text)] = text


def _keep_chunks(stream: Stream, content: bytearray, at: int, end: int) -> None:
    while at < end:
        line, found, _ = stream.read(at, 64).partition(b"\r\n")
        digits = line.split(b";")[0].strip()
        if not found or not digits or any(each not in b"0123456789abcdefABCDEF" for each in digits):
            return
        size = int(digits, 16)
        content[at : at + len(line) + 2] = digits.ljust(len(line)) + b"\r\n"
        at += len(line) + 2 + size
        if at + 2 <= end:
            content[at : at + 2] = b"\r\n"
        at += 2
