"""The pcap file format (draft-ietf-opsawg-pcap), in both byte orders, with its older and modified relatives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from analyzer.base.errors import CaptureError
from analyzer.base.fact import Fact, replace
from analyzer.base.kernel import run_kernel
from analyzer.base.mapped_files import FilePart
from analyzer.base.oddity import Code, Family, Level, Oddity
from analyzer.base.place import PacketPlace
from analyzer.base.room import Zeros
from analyzer.base.table import I64, U8
from analyzer.capture.blocks import Blocks
from analyzer.capture.capture import Capture, Interface
from analyzer.capture.decode import PacketLog
from analyzer.capture.gather import gather
from analyzer.capture.record_log import IN_FILE_FROM, RecordLog, Sink
from analyzer.capture.records import (
    BYTE_STEPS,
    FIRST_ROUND,
    MAX_RECORD_LEN,
    MAX_ROUND,
    ORDERS,
    SECOND_NS,
    Order,
    RecordPart,
    expected_records,
    layout,
)

HEADER_LEN = 24
RECORD = layout([("seconds", "u4"), ("fraction", "u4"), ("captured_len", "u4"), ("wire_len", "u4")])


class Variant(Fact, frozen=True):
    """What a magic number says: the format's name, the unit of the fractions of a second, the record's header."""

    format: str
    magic: int
    fraction_ns: int
    record_header_len: int


_FORMATS = (
    Variant("pcap", 0xA1B2C3D4, 1_000, 16),
    Variant("pcap-ns", 0xA1B23C4D, 1, 16),
    # Kuznetzov's patch of 1999 adds eight bytes to the header of every record.
    Variant("pcap-modified", 0xA1B2CD34, 1_000, 24),
)

# The four bytes that such files begin with, in either order.
MAGICS: Mapping[bytes, tuple[Variant, Order]] = MappingProxyType(
    {variant.magic.to_bytes(4, order): (variant, order) for variant in _FORMATS for order in ORDERS}
)

CONCATENATED = Code(
    "captures-concatenated",
    Family.CAPTURE,
    Level.INFO,
    "{count} further capture files are appended to the first",
    "A file header was met where a record was due. The packets after it are read by that header and numbered on.",
    "Join captures with mergecap, which also sorts them by time.",
)

# Each appended file is an interface of its own; more than these were not appended by anyone who means well.
MAX_FILES = 4_096

# How a walk over records may stop.
RUNNING, AT_END, HEADER_CUT, LENGTH_BAD, FILE_HEADER = range(5)


def walk_records(
    data: U8, offsets: I64, state: I64, place: I64, header_len: int, low: int, step: int, length_at: int
) -> int:
    """Kernel: where records begin in ``data``. ``low`` and ``step`` give the order of bytes (0, 1 little; 3, -1 big).

    ``place`` is (where ``data`` begins in the file, how long the file is, how long a record may be); ``state`` has
    (where to begin, how it stopped, the offending length, what is no file header), with offsets in the file. It stops
    ``RUNNING`` where ``offsets`` are full, and before a record that is not all in ``data``.
    """
    size = place[1] - place[0]
    at = state[0] - place[0]
    not_header = state[3] - place[0]
    room = len(offsets)
    found = 0
    status = RUNNING
    while found < room:
        if at + header_len > size:
            status = AT_END if at == size else HEADER_CUT
            break
        if at + header_len > len(data):
            break
        if ((data[at] == 0xA1 and data[at + 1] == 0xB2) or (data[at + 3] == 0xA1 and data[at + 2] == 0xB2)) and (
            data[at + 4] + data[at + 5] == 2 and data[at + 6] + data[at + 7] == 4 and at != not_header
        ):
            status = FILE_HEADER
            break
        field = at + length_at + low
        length = data[field] | data[field + step] << 8 | data[field + 2 * step] << 16 | data[field + 3 * step] << 24
        if length > place[2] or at + header_len + length > size:
            status = LENGTH_BAD
            state[2] = length
            break
        if at + header_len + length > len(data):
            break
        offsets[found] = at
        found += 1
        at += header_len + length
    state[0] = at + place[0]
    state[1] = status
    return found


class Header(Fact, frozen=True):
    """What a file header says."""

    variant: Variant
    order: Order
    swapped_lengths: bool
    interface: Interface


@dataclass(slots=True)
class Reading:
    """What the files of a capture bring, as they are read one after another; ``problem`` is the first one's."""

    name: str
    buffer: memoryview
    log: RecordLog
    packets: PacketLog | None
    take: Callable[[RecordPart, U8, int], None] | None
    headers: list[Header] = field(default_factory=list)
    problem: str | None = None

    def read(self, blocks: Blocks, begin: int) -> None:
        """Read the file that lies from ``begin`` to the end of ``blocks``, and files that were appended to it."""
        state = np.array([begin, FILE_HEADER, 0, -1], np.int64)
        number = 0
        while state[1] == FILE_HEADER and len(self.headers) < MAX_FILES:
            at = int(state[0])
            raw = self.buffer[at : min(at + HEADER_LEN, len(blocks))]
            header = read_header(raw, self.name, first=not self.headers)
            if header is not None:
                number = self._number_of(header, begins=at == begin)
                state[0] = at + HEADER_LEN
            elif at == begin:
                self.stop("a file of the ring does not begin with a pcap file header")
                return
            else:
                state[3] = at
            self.take_records(blocks, state, number)
        error = explain_stop(state, len(blocks), self.headers[number].variant.record_header_len)
        if error is not None:
            self.stop(error)

    def _number_of(self, header: Header, *, begins: bool) -> int:
        """The number of a header's interface: files of a ring share theirs, appended files have their own."""
        if begins and header in self.headers:
            return self.headers.index(header)
        self.headers.append(header)
        return len(self.headers) - 1

    def take_records(self, blocks: Blocks, state: I64, number: int) -> None:
        """Read the records from ``state`` on, which have the header of this number; leaves there how that ended."""
        for part, block, begin in _read_parts(blocks, state, self.headers[number], number, before=len(self.log)):
            self.log.expect(expected_records(len(self.buffer), len(self.log) + len(part.time_ns), part.end))
            self.log.add(part)
            if self.take is not None:
                self.take(part, block, begin)

    def stop(self, error: str) -> None:
        """Note what ended a file too early, behind the records that were taken."""
        self.problem = self.problem or f"{self.name}: packet {len(self.log) + 1}: {error}"

    def finish(self) -> Capture:
        """The capture, of which all files were read."""
        records, oddities = self.log.table(), self.log.oddities()
        if len(self.headers) > 1:
            appended = np.flatnonzero(records.interface)
            second = int(appended[0]) + 1 if len(appended) else len(records) + 1
            oddities.append(Oddity(CONCATENATED, PacketPlace(self.name, second), {"count": len(self.headers) - 1}))
        capture = Capture(
            name=self.name,
            format=self.headers[0].variant.format,
            buffer=self.buffer,
            records=records,
            interfaces=tuple(header.interface for header in self.headers),
            oddities=tuple(oddities),
            complete=self.problem is None,
            error=self.problem,
        )
        return replace(capture, decoded=self.packets.decoded(capture)) if self.packets is not None else capture


def read_pcap(
    buffer: memoryview,
    *,
    name: str,
    files: Sequence[FilePart] = (),
    zeros: Zeros = np.zeros,
    sink: Sink | None = None,
) -> Capture:
    """The records of a pcap file, of several where files were appended to one another, or those of a ring.

    ``files`` are those that lie in ``buffer``; without them it is one. Of files that are mapped, and not very large,
    packets are decoded on the way. ``zeros`` makes the columns of both tables; or all goes to ``sink``. Raises
    ``CaptureError`` when the first file's header is cut or of another version. A record that is cut, or claims more
    than can be, ends its file, and the capture then is not ``complete``.
    """
    files = files or (FilePart(0, len(buffer)),)
    in_file = len(buffer) >= IN_FILE_FROM
    is_mapped = files[0].path is not None
    packets = PacketLog(len(buffer), zeros=zeros) if is_mapped and not in_file and sink is None else None
    log = sink.log if sink else RecordLog(name, in_file=in_file, zeros=zeros)
    take = sink.take if sink else packets.add if packets else None
    reading = Reading(name, buffer, log, packets, take)
    for file in files:
        with file.opened() as descriptor:
            reading.read(Blocks(buffer[: file.end], descriptor, file_at=file.begin), file.begin)
    return reading.finish()


def explain_stop(state: I64, size: int, header_len: int) -> str | None:
    """Why a walk that ended so, in a file of ``size`` bytes, ended too early; None where it did not."""
    at, status, claimed = (int(value) for value in state[:3])
    left = size - at
    if status == FILE_HEADER:
        return f"more than {MAX_FILES} file headers, the limit"
    if status == HEADER_CUT:
        return f"record header is cut; {left} of its {header_len} bytes are left in the file"
    if status != LENGTH_BAD:
        return None
    if claimed > left - header_len:
        return f"record claims {claimed} bytes; {left - header_len} are left in the file"
    return f"record claims {claimed} bytes; a record holds at most {MAX_RECORD_LEN}"


def read_header(raw: memoryview, name: str, *, first: bool) -> Header | None:
    """The file header in ``raw``; None where a later one turns out to be the beginning of a record after all."""
    variant, order = MAGICS.get(bytes(raw[:4]), (None, ORDERS[0]))
    major, minor = (int.from_bytes(raw[at : at + 2], order) for at in (4, 6))
    snaplen, link = (int.from_bytes(raw[at : at + 4], order) for at in (16, 20))
    if variant is not None and len(raw) == HEADER_LEN and major == 2 and minor <= 4:
        # The upper half of the link type field holds the length of a frame check sequence and flags.
        interface = Interface("", "", link & 0xFFFF, snaplen)
        # Before version 2.3 the two lengths of a record stood the other way round (libpcap, sf-pcap.c).
        return Header(variant, order, minor < 3, interface)
    if not first:
        return None
    if len(raw) < HEADER_LEN:
        raise CaptureError(f"{name}: {len(raw)} bytes; expected a pcap file header of {HEADER_LEN}")
    raise CaptureError(f"{name}: pcap version {major}.{minor}; expected 2.0 to 2.4")


def _read_parts(
    blocks: Blocks, state: I64, header: Header, interface: int, *, before: int
) -> Iterator[tuple[RecordPart, U8, int]]:
    """The records from ``state`` on by stretches of the file, each with its bytes and where those begin.

    So many records were found ``before``.
    """
    variant = header.variant
    captured, wire = ("wire_len", "captured_len") if header.swapped_lengths else ("captured_len", "wire_len")
    for at, block, begin in _offset_rounds(blocks, state, header, before):
        record = gather(block, at, RECORD[header.order])
        fraction_ns = record["fraction"].astype(np.int64) * variant.fraction_ns
        part = RecordPart(
            time_ns=record["seconds"].astype(np.int64) * SECOND_NS + np.minimum(fraction_ns, SECOND_NS - 1),
            data_off=at + (begin + variant.record_header_len),
            captured_len=record[captured].astype(np.int64),
            wire_len=record[wire].astype(np.int64),
            interface=np.full(len(at), interface, np.int64),
            link=np.full(len(at), header.interface.link, np.int64),
            time_is_bad=fraction_ns >= SECOND_NS,
        )
        yield part, block, begin


def _offset_rounds(blocks: Blocks, state: I64, header: Header, before: int) -> Iterator[tuple[I64, U8, int]]:
    """Where records begin in a stretch of the file, the stretch, and where that begins, from ``state`` on.

    The first round is short: it tells how long records are, and with that whether so many make compiling pay, as those
    ``before`` it do.
    """
    low, step = BYTE_STEPS[header.order]
    arguments = header.variant.record_header_len, low, step, 12 if header.swapped_lengths else 8
    first, total = int(state[0]), 0
    room, expected = FIRST_ROUND, max(FIRST_ROUND, before)
    state[1] = RUNNING
    while state[1] == RUNNING:
        begin = int(state[0])
        block = blocks.at(begin)
        place = np.array([begin, len(blocks), MAX_RECORD_LEN], np.int64)
        found = asked = 0
        while found == asked:
            asked = room
            offsets = np.empty(asked, np.int64)
            found = run_kernel(walk_records, expected, block, offsets, state, place, *arguments)
            yield offsets[:found], block, begin
            total += found
            mean = max((int(state[0]) - first) // max(total, 1), 1)
            expected = max((len(blocks) - int(state[0])) // mean * 9 // 8, FIRST_ROUND, before)
            room = min(expected, MAX_ROUND)
