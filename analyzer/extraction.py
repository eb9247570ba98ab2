"""What is looked up in captures again after a run: a packet, the packets of some calls, names, a page's sheets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from analyzer.base.errors import CaptureError, UsageError
from analyzer.base.place import PacketPlace
from analyzer.capture.decode import decode_packets
from analyzer.capture.sources import find_captures
from analyzer.report.packet_comments import Comments
from analyzer.verdict.record import Analysis, CallRecord

if TYPE_CHECKING:
    from analyzer.capture.dns import DnsAnswer
    from analyzer.capture.pcapng_writer import PickedPacket
    from analyzer.mesh.history import Meshes
    from analyzer.mesh.snapshot import MeshSnapshot
    from analyzer.protocol.facts import Conversation
    from analyzer.verdict.judge import Asked
    from analyzer.verdict.sheets import Sheets
    from analyzer.verdict.wires import Wire

# Passages that a page shows; ``journey`` follows any other call.
SHOWN_PASSAGES = 60


def dissect(captures: Sequence[str], name: str, packet: int) -> str:
    """One packet of one of the captures, taken apart for a person; raises ``UsageError`` where there is none such."""
    from analyzer.capture.dissect import dissect_packet

    source = next((s for s in find_captures(captures) if s.name == name), None)
    if source is None:
        raise UsageError(f"{name}: found no such capture")
    capture = source.read()
    if not 1 <= packet <= len(capture.records):
        raise UsageError(f"{name}: found no packet {packet}, expected 1 to {len(capture.records)}")
    return dissect_packet(capture, packet)


def dns_paths(captures: Sequence[str]) -> list[DnsAnswer]:
    """The DNS answers in captures; one that cannot be read has none."""
    from analyzer.capture.dns import dns_answers

    answers: list[DnsAnswer] = []
    for source in find_captures(captures):
        try:
            capture = source.read()
        except CaptureError:
            continue
        answers += dns_answers(capture, decode_packets(capture))
    return answers


def sheets_for(
    captures: Sequence[str],
    mesh: Meshes | None,
    asked: Sequence[Asked],
    spoken: Sequence[tuple[Wire, Conversation]],
    *,
    most: int = SHOWN_PASSAGES,
) -> Sheets:
    """What a page tells beside the calls. Captures are read once more for DNS answers, but for standard input."""
    from analyzer.verdict.sheets import sheets_of

    files = [capture for capture in captures if capture != "-"]
    return sheets_of(asked, spoken, mesh, dns_paths(files) if files else (), most=most)


def pick_packets(
    captures: Sequence[str], run: Analysis, calls: Iterable[CallRecord], comments: Comments
) -> list[PickedPacket]:
    """The packets of all legs of ``calls`` in the order of their time, those of one capture in their own order.

    Each is of the interface of its pod and leg; a capture whose pod is not known stands for it.
    """
    from analyzer.capture.pcapng_writer import PickedPacket
    from analyzer.flow.members import connection_rows

    roles: dict[str, dict[str, str]] = {}
    for leg in (leg for call in calls for leg in call.legs):
        roles.setdefault(leg.capture, {}).setdefault(leg.uid, leg.role)
    pods = {record.name: record.pod or record.name for record in run.captures}
    picked: list[tuple[int, int, int, PickedPacket]] = []
    for place, source in enumerate(s for s in find_captures(captures) if s.name in roles):
        capture = source.read()
        members = connection_rows(capture.buffer, capture.records, decode_packets(capture), roles[source.name])
        uids = {row: uid for uid, rows in members.items() for row in rows}
        latest = 0
        for row, uid in sorted(uids.items()):
            latest = max(latest, int(capture.records.time_ns[row]))
            said = comments.of(PacketPlace(source.name, row + 1), uid)
            interface = f"{pods[source.name]} {roles[source.name][uid]}"
            picked.append((latest, place, row, PickedPacket(capture, row, said, interface=interface)))
    return [packet for *_, packet in sorted(picked, key=lambda each: each[:3])]


def extract_paths(
    picked: Iterable[PickedPacket], calls: Iterable[CallRecord], mesh: MeshSnapshot | None
) -> Iterator[bytes]:
    """A pcapng file of packets that were picked; addresses of the calls' legs have the names that the mesh gives."""
    from analyzer.capture.pcapng_writer import write_pcapng

    addresses = {end.ip for call in calls for leg in call.legs for end in (leg.client, leg.server)}
    return write_pcapng(picked, _names_of(addresses, mesh) if mesh else {})


def _names_of(addresses: set[str], mesh: MeshSnapshot) -> dict[str, str]:
    from analyzer.mesh.registry import services_of

    names = {a: s.hostname for s in services_of(mesh) for a in s.addresses if a in addresses}
    pods = ((a, mesh.pod_at(a)) for a in addresses)
    return names | {address: f"{pod.name}.{pod.namespace}" for address, pod in pods if pod is not None}
