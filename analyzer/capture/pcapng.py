"""The pcapng file format (draft-ietf-opsawg-pcapng): sections, interfaces, and the blocks that bring packets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from analyzer.base.errors import CaptureError
from analyzer.base.mapped_files import FilePart
from analyzer.base.oddity import Code, Family, Level, Oddity
from analyzer.base.table import I64, U8
from analyzer.capture import pcapng_walk as walk
from analyzer.capture.capture import Capture
from analyzer.capture.gather import as_bytes, gather
from analyzer.capture.pcapng_blocks import (
    InterfaceBlock,
    StatisticsBlock,
    read_interface,
    read_secrets,
    read_statistics,
)
from analyzer.capture.pcapng_packets import BlockTable, Section, read_packets
from analyzer.capture.record_log import IN_FILE_FROM, RecordLog
from analyzer.capture.records import (
    BYTE_STEPS,
    ORDERS,
    Order,
    layout,
    offset_rounds,
)

MAGIC = walk.SECTION_HEADER.to_bytes(4, "big")
BYTE_ORDER_MAGIC = 0x1A2B3C4D
SECTION_HEADER_LEN = 28
BLOCK = layout([("kind", "u4"), ("length", "u4")])

# Interfaces are numbered by sixteen bits in the table; no capture that means well has a thousand.
MAX_INTERFACES = 0xFFFF
# A section costs some microseconds and may be empty; files that were appended to one another have a handful.
MAX_SECTIONS = 4_096
# A key log takes some 180 bytes a secret, four or five of them for a connection.
MAX_SECRETS_LEN = 64 * 1024 * 1024

UNKNOWN_BLOCKS = Code(
    "unknown-blocks",
    Family.CAPTURE,
    Level.INFO,
    "{count} blocks are of types that are not read",
    "pcapng readers step over blocks that they do not know. They bring no packets.",
)
BAD_BLOCKS = Code(
    "bad-packet-blocks",
    Family.CAPTURE,
    Level.WARNING,
    "{count} packet blocks claim more bytes than they have",
    "Their packets are left out and have no number; the blocks around them are sound.",
)
UNKNOWN_INTERFACE = Code(
    "unknown-interface",
    Family.CAPTURE,
    Level.WARNING,
    "{count} packet blocks name an interface that the file does not describe",
    "Without its interface a packet has no link type. These packets are left out and have no number.",
)
PACKETS_DROPPED = Code(
    "packets-dropped",
    Family.CAPTURE,
    Level.WARNING,
    "the capture is incomplete: {dropped} packets were dropped while it was taken, {packets} are there",
    "The machine could not keep up with the traffic (interface statistics of the file).",
    "Take it again with a filter, or with a larger buffer: tcpdump -B.",
)
TOO_MANY_INTERFACES = Code(
    "too-many-interfaces",
    Family.LIMIT,
    Level.ERROR,
    "the file describes more than {limit} interfaces; packets of the others are left out",
    "The table numbers interfaces by sixteen bits.",
)


@dataclass(slots=True)
class _Findings:
    """What the sections of all files bring, as they are read one after another.

    ``shared`` interfaces are those of the very first section. The section that is read is the first one of its file,
    which lies at ``file_at``, where it ``begins_file``.
    """

    log: RecordLog
    interfaces: list[InterfaceBlock] = field(default_factory=list)
    counts: dict[Code, int] = field(default_factory=dict)
    dropped: int = 0
    sections: int = 0
    secrets: bytearray = field(default_factory=bytearray)
    file_at: int = 0
    begins_file: bool = False
    shared: int = 0
    problem: str | None = None

    def count(self, code: Code, number: int) -> None:
        if number:
            self.counts[code] = self.counts.get(code, 0) + number


def read_pcapng(buffer: memoryview, *, name: str, files: Sequence[FilePart] = ()) -> Capture:
    """The records of all sections of a pcapng file, each in its own byte order and with its own interfaces.

    ``files`` are those that lie in ``buffer``; without them it is one. Raises ``CaptureError`` when the first section
    header is unusable. A block whose length cannot be ends its file, and the capture then is not ``complete``. Blocks
    that contradict themselves within sound lengths are left out.
    """
    findings = _Findings(RecordLog(name, in_file=len(buffer) >= IN_FILE_FROM))
    for file in files or (FilePart(0, len(buffer)),):
        problem = _read_file(buffer[: file.end], file.begin, name, findings)
        if problem is not None and findings.problem is None:
            findings.problem = f"{name}: after packet {len(findings.log)}: {problem}"
    return _finish(buffer, name, findings)


def _read_file(buffer: memoryview, begin: int, name: str, findings: _Findings) -> str | None:
    """Read the sections from ``begin`` on; gives what stopped that before the end."""
    data = as_bytes(buffer)
    findings.file_at = at = begin
    most = findings.sections + MAX_SECTIONS
    while at < len(buffer):
        if findings.sections == most:
            return f"more than {MAX_SECTIONS} sections, the limit"
        order, length, problem = _read_section_header(buffer[at:])
        if problem and not findings.sections:
            raise CaptureError(f"{name}: {problem}")
        if problem is None:
            findings.begins_file = at == begin
            at, problem = _read_section(buffer, data, at + length, order, findings)
        if problem is not None:
            return problem
    return None


def _read_section_header(raw: memoryview) -> tuple[Order, int, str | None]:
    """The byte order and length of the section header that ``raw`` begins with, or what is wrong with it."""
    order = next((o for o in ORDERS if int.from_bytes(raw[8:12], o) == BYTE_ORDER_MAGIC), None)
    if order is None:
        return ORDERS[0], 0, f"section header's byte order is {bytes(raw[8:12]).hex()}; expected 1a2b3c4d or 4d3c2b1a"
    length = int.from_bytes(raw[4:8], order)
    if length < SECTION_HEADER_LEN or length % 4 or length > len(raw):
        return order, 0, f"section header claims {length} bytes; {len(raw)} are left in the file"
    if int.from_bytes(raw[length - 4 : length], order) != length:
        return order, 0, f"section header of {length} bytes does not end with its length"
    major, minor = (int.from_bytes(raw[at : at + 2], order) for at in (12, 14))
    if major != 1:
        return order, 0, f"pcapng version {major}.{minor}; expected 1.0 to 1.2"
    return order, length, None


def _read_section(buffer: memoryview, data: U8, at: int, order: Order, findings: _Findings) -> tuple[int, str | None]:
    """Read the blocks from ``at`` up to the next section; gives where that begins, and what stopped it before."""
    findings.sections += 1
    section = Section(data, order)
    statistics: dict[int, StatisticsBlock] = {}
    state = np.array([at, walk.RUNNING, 0, 0], np.int64)
    for offsets in offset_rounds(walk.walk_blocks, data, state, *BYTE_STEPS[order]):
        block = gather(data, offsets, BLOCK[order])
        blocks = BlockTable(offsets, block["kind"], block["length"].astype(np.int64))
        described = _describe(section, blocks.of_kind(walk.INTERFACE_DESCRIPTION, buffer), findings)
        packets = read_packets(section, blocks)
        section.described += described
        findings.log.add(packets.part)
        findings.count(BAD_BLOCKS, packets.bad)
        findings.count(UNKNOWN_INTERFACE, packets.unknown_interface)
        for raw in blocks.of_kind(walk.DECRYPTION_SECRETS, buffer):
            if len(findings.secrets) + len(raw) <= MAX_SECRETS_LEN:
                findings.secrets += read_secrets(raw, order) + b"\n"
        for raw in blocks.of_kind(walk.INTERFACE_STATISTICS, buffer):
            said = read_statistics(raw, order)
            if said is not None:
                statistics[said.interface] = said
    findings.count(UNKNOWN_BLOCKS, int(state[3]))
    findings.dropped += _dropped(statistics.values())
    if findings.sections == 1:
        findings.shared = len(section.interfaces)
    return int(state[0]), _explain_stop(state, len(buffer), findings.file_at)


def _describe(section: Section, raws: Sequence[memoryview], findings: _Findings) -> int:
    """Give the section the interfaces that some of its blocks describe; tells how many those are.

    The first section of each file of a ring describes the same interfaces once more.
    """
    room = MAX_INTERFACES - len(findings.interfaces)
    for raw in raws[:room]:
        block = read_interface(raw, section.order)
        number = len(section.interfaces)
        again = findings.begins_file and number < findings.shared and findings.interfaces[number] == block
        section.numbers.append(number if again else len(findings.interfaces))
        section.interfaces.append(block)
        if not again:
            findings.interfaces.append(block)
    findings.count(TOO_MANY_INTERFACES, max(len(raws) - room, 0))
    return len(raws)


def _dropped(blocks: Iterable[StatisticsBlock]) -> int:
    """How many packets the interfaces of a section lost by their last statistics.

    More lost than received is a counter that wrapped around (tcpdump issue 787), and says nothing.
    """
    return sum(
        block.dropped
        for block in blocks
        if block.dropped and (block.received is None or block.dropped <= block.received)
    )


def _explain_stop(state: I64, size: int, file_at: int) -> str | None:
    at, status, claimed = (int(value) for value in state[:3])
    where = f"block at byte {at - file_at}"
    if status == walk.HEADER_CUT:
        return f"{where} is cut; {size - at} bytes are left in the file, a block has at least {walk.BLOCK_OVERHEAD}"
    if status == walk.TRAILER_BAD:
        return f"{where} does not end with its length, but with {claimed}"
    if status != walk.LENGTH_BAD:
        return None
    if claimed < walk.BLOCK_OVERHEAD or claimed % 4:
        return f"{where} claims {claimed} bytes; expected a multiple of 4, at least {walk.BLOCK_OVERHEAD}"
    return f"{where} claims {claimed} bytes; {size - at} are left in the file"


def _finish(buffer: memoryview, name: str, findings: _Findings) -> Capture:
    records = findings.log.table()
    values = {"limit": MAX_INTERFACES}
    oddities = [Oddity(code, None, {"count": count, **values}) for code, count in findings.counts.items()]
    if findings.dropped:
        oddities.append(Oddity(PACKETS_DROPPED, None, {"dropped": findings.dropped, "packets": len(records)}))
    return Capture(
        name=name,
        format="pcapng",
        buffer=buffer,
        records=records,
        interfaces=tuple(block.interface for block in findings.interfaces),
        oddities=(*oddities, *findings.log.oddities()),
        complete=findings.problem is None,
        error=findings.problem,
        secrets=bytes(findings.secrets),
    )
