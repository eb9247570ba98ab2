"""A capture of lo up to what was said on its wires, and the records that the whole judge makes of each by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from analyzer.capture.reader import read_capture_bytes
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.opening import ReadCapture, read_packets
from analyzer.protocol.conversation import parse_conversation
from analyzer.protocol.facts import Conversation
from analyzer.verdict.answers import Answers
from analyzer.verdict.judge import judge
from analyzer.verdict.record import CallRecord
from analyzer.verdict.wires import Sighting, Wire, gather_wires

NAME = "lo.pcap"


@dataclass(frozen=True)
class Heard:
    """What was read, and what was said on each wire."""

    read: ReadCapture
    spoken: list[tuple[Wire, Conversation]]

    @property
    def buffer(self) -> memoryview:
        return self.read.capture.buffer

    def judged(self, mesh: MeshSnapshot) -> Iterator[tuple[Wire, Conversation, list[CallRecord]]]:
        """Each wire with its calls, as if no other were there."""
        answers = Answers(mesh)
        for wire, conversation in self.spoken:
            yield wire, conversation, judge([(wire, conversation)], mesh, {NAME: None}, answers=answers)


def hear(data: bytes) -> Heard:
    """What is in the bytes of a capture."""
    read = read_packets(read_capture_bytes(data, name=NAME))
    wires = gather_wires(Sighting(NAME, connection) for connection in read.connections())
    return Heard(read, [(w, parse_conversation(w.connection.from_client, w.connection.from_server)) for w in wires])
