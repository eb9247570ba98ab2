"""Captures opened: their files through the rooms of bytes and of flows, to connections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from analyzer.base.errors import CaptureError
from analyzer.base.fact import Fact, replace
from analyzer.base.oddity import Oddity
from analyzer.base.pages import give_back_freed
from analyzer.base.table import PacketTable
from analyzer.base.watch import UNWATCHED, Watch
from analyzer.capture.decode import decode_packets, decoding_oddities
from analyzer.capture.sources import CaptureSource
from analyzer.flow.connection import Connection, swap_ends
from analyzer.flow.connections import Connections
from analyzer.flow.traffic import Traffic, read_traffic
from analyzer.flow.udp import udp_flows
from analyzer.mesh.history import Meshes, MeshHistory
from analyzer.protocol.conversation import parse_conversation
from analyzer.protocol.direction import roles_reversed
from analyzer.protocol.keylog import NO_KEYS, KeyLog, parse_key_log
from analyzer.verdict.health import capture_record, pod_of
from analyzer.verdict.oddities import tell, tell_limits
from analyzer.verdict.record import CaptureRecord

if TYPE_CHECKING:
    from analyzer.capture.capture import Capture

# The share of the time for one capture until its records are found.
_FOUND = 0.2
# ... and of the rest until they are decoded, and until every segment has its place in a connection.
_DECODED, _PLACED = 0.2, 0.5
# Tables of so many packets are worth giving back.
LARGE_RECORDS = 100_000


class OpenedCapture(Fact, frozen=True):
    """A capture that was read: its record, so far without calls, its connections, and the limits that were hit."""

    record: CaptureRecord
    connections: Sequence[Connection]
    limits: tuple[str, ...] = ()


# Opens all captures of a run, in their order: here, or on other machines.
OpenAll = Callable[[Sequence[CaptureSource], Meshes | None, Watch], list[OpenedCapture]]


def open_all(
    sources: Sequence[CaptureSource], mesh: Meshes | None, watch: Watch = UNWATCHED, *, keys: KeyLog = NO_KEYS
) -> list[OpenedCapture]:
    """Every capture with its connections; one that cannot be read has a record with its error.

    ``keys`` open TLS, as do those that a capture brings itself.
    """
    opened, before = [], 0
    for source in sources:
        after = before + source.size
        whole = max(watch.size, 1)
        if watch.is_stopped:
            opened.append(OpenedCapture(_unreadable(source.name, f"{source.name}: interrupted before it was read"), ()))
            continue
        opened.append(_open(source, source.read, mesh, watch.part(before / whole, after / whole), keys))
        _give_back_tables(opened[-1])
        before = after
    return opened


def open_one(
    read: Callable[[], Capture], sources: Sequence[CaptureSource], mesh: Meshes | None, watch: Watch
) -> list[OpenedCapture]:
    """As ``open_all``, of one source, whose capture ``read`` gives."""
    opened = _open(sources[0], read, mesh, watch, NO_KEYS)
    _give_back_tables(opened)
    return [opened]


def _give_back_tables(opened: OpenedCapture) -> None:
    """The tables of packets are done with; what is made from now on is small."""
    if opened.record.records > LARGE_RECORDS:
        give_back_freed()


def _open(
    source: CaptureSource, read: Callable[[], Capture], mesh: Meshes | None, watch: Watch, keys: KeyLog
) -> OpenedCapture:
    watch.tell(source.name)
    try:
        capture = read()
    except CaptureError as error:
        return OpenedCapture(_unreadable(source.name, str(error)), ())
    return open_capture(capture, source.pod_hint, mesh, watch.part(_FOUND, 1.0), keys=keys)


class ReadCapture(Fact, frozen=True):
    """A capture with its packets and their traffic."""

    capture: Capture
    packets: PacketTable
    traffic: Traffic

    def connections(self) -> list[Connection]:
        """The connections, each at its ``index``."""
        return list(connections_of(self.capture, self.traffic))


def read_packets(capture: Capture, watch: Watch = UNWATCHED) -> ReadCapture:
    """The packets of a capture, and their traffic."""
    watch.tell(f"{capture.name}: packets")
    packets = decode_packets(capture)
    watch.tell(f"{capture.name}: connections", _DECODED)
    return ReadCapture(capture, packets, read_traffic(packets, capture.records))


def connections_of(capture: Capture, traffic: Traffic) -> Connections:
    """The connections of traffic, each at its ``index``, made when they are asked for."""
    return Connections(capture.name, capture.buffer, traffic, _as_said)


def open_capture(
    capture: Capture,
    pod_hint: tuple[str | None, str] | None,
    mesh: Meshes | None,
    watch: Watch = UNWATCHED,
    *,
    keys: KeyLog = NO_KEYS,
) -> OpenedCapture:
    """The connections of a capture that was read; ``pod_hint`` is what its name says of whose it is."""
    read = read_packets(capture, watch)
    watch.tell(f"{capture.name}: streams", _PLACED)
    return open_read(read, pod_hint, mesh, keys=keys)


def open_read(
    read: ReadCapture, pod_hint: tuple[str | None, str] | None, mesh: Meshes | None, *, keys: KeyLog = NO_KEYS
) -> OpenedCapture:
    """As ``open_capture``, of one whose packets were read."""
    capture = read.capture
    found, tls_odd = _unsealed(read.connections(), keys, capture.secrets)
    links = sorted({interface.link_name for interface in capture.interfaces})
    udp, udp_odd = udp_flows(capture.buffer, read.packets, capture.records)
    record = capture_record(capture, read.packets, found, link_names=links, udp=udp)
    told = decoding_oddities(capture.name, read.packets)
    strange = (*capture.oddities, *told, *read.traffic.oddities, *udp_odd, *tls_odd)
    odd = [*strange, *(oddity for c in found for oddity in c.oddities)]
    opened = OpenedCapture(replace(record, oddities=tell(odd)), found, tell_limits(capture.name, odd))
    return with_pod(opened, pod_hint, mesh)


def with_pod(opened: OpenedCapture, pod_hint: tuple[str | None, str] | None, mesh: Meshes | None) -> OpenedCapture:
    """The capture with the pod that it was taken in, where the mesh, its connections or its name tell that."""
    if not opened.record.format:
        return opened
    begin_ns = min((c.first_ns for c in opened.connections), default=0)
    known = mesh.at(begin_ns) if isinstance(mesh, MeshHistory) else mesh
    return replace(opened, record=replace(opened.record, pod=pod_of(opened.connections, pod_name(pod_hint), known)))


def pod_name(pod_hint: tuple[str | None, str] | None) -> str | None:
    """What a capture's name says of whose it is, as one name: ``NAMESPACE/POD``, or ``POD``."""
    return "/".join(part for part in pod_hint if part) if pod_hint else None


def _unsealed(found: list[Connection], keys: KeyLog, secrets: bytes) -> tuple[list[Connection], Sequence[Oddity]]:
    """The connections, with what is inside TLS where a key log opens it; and how far that went."""
    if not keys and not secrets:
        return found, ()
    from analyzer.protocol.crypto import can_open
    from analyzer.protocol.unsealing import KEYS_FIT, KEYS_UNUSED, with_inside

    keys = keys.joined(parse_key_log(secrets.splitlines()))
    if not can_open():
        return found, (Oddity(KEYS_UNUSED),)
    spoken = [(c, parse_conversation(c.from_client, c.from_server)) for c in found]
    opened = [replace(c, said=with_inside(said, c.from_client, c.from_server, keys)) for c, said in spoken]
    sealed = sum(said.tls is not None for _, said in spoken)
    fitting = sum(c.said is not None and c.said.inside is not None for c in opened)
    return opened, (Oddity(KEYS_FIT, values={"opened": fitting, "sealed": sealed}),)


def _as_said(connection: Connection) -> Connection:
    """Who opened it is the client; where only ports tell that, who asks is."""
    guessed = connection.client_by == "port"
    return (
        swap_ends(connection)
        if guessed and roles_reversed(connection.from_client, connection.from_server)
        else connection
    )


def _unreadable(name: str, error: str) -> CaptureRecord:
    return CaptureRecord(
        name=name, format="", pod=None, vantage="", link_types=(), records=0, bytes=0, first_ns=0, last_ns=0,
        connections=0, calls=0, fates=(), complete=False, oddities=(), error=error,
    )  # fmt: skip
