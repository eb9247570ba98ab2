"""What is promised of any bytes, as functions that break where it does not hold.

Nothing but ``AnalyzerError`` leaves a reader, and nothing at all a parser; what is said depends on no segment's border.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType

from harness import Target

from analyzer.base.errors import AnalyzerError
from analyzer.base.stream import Stream
from analyzer.capture.decode import decode_packets
from analyzer.capture.link import LINKS
from analyzer.capture.reader import read_capture_bytes
from analyzer.flow.connections import connections
from analyzer.mesh.load import parse_mesh
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.protocol.conversation import parse_conversation
from analyzer.protocol.facts import Conversation
from analyzer.verdict.decide import decide
from analyzer.verdict.question import Question

# Between the client's bytes and the server's, and between a mesh and the questions about it.
TURN = b"\0\xff--\xff\0"
_FRAME_LEN = 96


def read_container(data: bytes) -> None:
    """Any file gives connections and what was said on them, or a ``CaptureError``."""
    try:
        capture = read_capture_bytes(data, name="fuzz.pcap")
    except AnalyzerError:
        return
    for found in connections(capture.name, capture.buffer, capture.records, decode_packets(capture)):
        parse_conversation(found.from_client, found.from_server)


def decode_link(data: bytes) -> None:
    """Any frames of any link type are decoded, or have a fate."""
    links = sorted(LINKS)
    link = links[data[0] % len(links)] if data else 1
    frames = [data[at : at + _FRAME_LEN] for at in range(1, len(data), _FRAME_LEN)]
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 0, link)
    read_container(head + b"".join(struct.pack("<IIII", n, 0, len(f), len(f)) + f for n, f in enumerate(frames)))


def parse_streams(data: bytes) -> None:
    """Any bytes on a connection give facts, and the same ones however they were cut into segments."""
    asked, _, answered = data.partition(TURN)
    whole = parse_conversation(Stream.of(asked), Stream.of(answered))
    cut = parse_conversation(_in_pieces(asked), _in_pieces(answered))
    assert _facts(whole) == _facts(cut), "what was said depends on segments"


def _in_pieces(data: bytes, size: int = 3) -> Stream:
    starts = list(range(0, len(data), size))
    lengths = [min(size, len(data) - start) for start in starts]
    packets = [1] * len(starts)
    return Stream(memoryview(data), starts, starts, lengths, packets, [0] * len(starts), len(data), True)


def _facts(said: Conversation) -> tuple[object, ...]:
    return said.protocol, said.exchanges, said.tls, said.missing, said.sniffable, said.inspected


def load_yaml(data: bytes) -> MeshSnapshot | None:
    """Any text gives a mesh, or a ``MeshError``."""
    try:
        return parse_mesh(data.decode("utf-8", "surrogateescape"))
    except AnalyzerError:
        return None


def answer_route(data: bytes) -> None:
    """Any mesh answers any question, or says why it does not."""
    text, _, asked = data.partition(TURN)
    mesh = load_yaml(text)
    words = asked.decode("latin-1").split("\n")
    pod, address, port, protocol, host, path, *more = [*words, *[""] * 6][: max(6, len(words))]
    namespace, _, name = pod.partition("/")
    question = Question(
        namespace=namespace,
        pod=name or None,
        address=address,
        port=int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 80,
        protocol=protocol if protocol in ("http", "http/1.0", "http2", "tcp") else "http",
        host=host or None,
        path=path or "/",
        headers=tuple((line.partition(":")[0].lower(), line.partition(":")[2]) for line in more),
    )
    try:
        decide(mesh, question) if mesh is not None else None
    except AnalyzerError:
        return


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        "container": read_container,
        "link": decode_link,
        "http1": parse_streams,
        "http2": parse_streams,
        "tls": parse_streams,
        "yaml": load_yaml,
        "route": answer_route,
    }
)
