"""The pcap file format (draft-ietf-opsawg-pcap), in both byte orders, with its older and modified relatives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from analyzer.base.errors import CaptureError
from analyzer.base.fact import Fact, replace
from analyzer.base.kernel import pays, run_kernel
from analyzer.base.mapped_files import FilePart
from analyzer.base.oddity import Code, Family, Level, Oddity
from analyzer.base.place import PacketPlace
from analyzer.base.room import Zeros
from analyzer.base.table import I64
from analyzer.capture.blocks import Blocks
from analyzer.capture.capture import Capture, Interface
from analyzer.capture.decode import PacketLog, blank_table
from analyzer.capture.frames import NO_LINK_HEADER
from analyzer.capture.network.ipv4_tcp import columns_of
from analyzer.capture.pcap_walk import (
    AT,
    FILE_HEADER,
    HEADER_CUT,
    LEFT,
    LENGTH,
    LENGTH_BAD,
    NO_HEADER,
    RUNNING,
    STATES,
    STOPPED,
    walk_records,
)
from analyzer.capture.record_log import IN_FILE_FROM, Packets, RecordLog, Sink
from analyzer.capture.records import (
    FIRST_ROUND,
    MAX_RECORD_LEN,
    MAX_ROUND,
    ORDERS,
    Order,
    RecordPart,
    Stretch,
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

_NO_PACKETS = blank_table(0)


class Header(Fact, frozen=True):
    """What a file header says."""

    variant: Variant
    order: Order
    swapped_lengths: bool
    interface: Interface

    @property
    def parts(self) -> tuple[int, ...]:
        """What records look like, as ``walk_records`` takes it."""
        lengths_at = (12, 8) if self.swapped_lengths else (8, 12)
        return self.variant.record_header_len, int(self.order == "big"), *lengths_at, self.variant.fraction_ns


@dataclass(slots=True)
class Reading:
    """What the files of a capture bring, as they are read one after another; ``problem`` is the first one's."""

    name: str
    buffer: memoryview
    log: RecordLog
    packets: Packets | None
    headers: list[Header] = field(default_factory=list)
    problem: str | None = None

    def read(self, blocks: Blocks, begin: int) -> None:
        """Read the file that lies from ``begin`` to the end of ``blocks``, and files that were appended to it."""
        state = state_at(begin, FILE_HEADER)
        number = 0
        while state[STOPPED] == FILE_HEADER and len(self.headers) < MAX_FILES:
            at = int(state[AT])
            raw = self.buffer[at : min(at + HEADER_LEN, len(blocks))]
            header = read_header(raw, self.name, first=not self.headers)
            if header is not None:
                number = self._number_of(header, begins=at == begin)
                state[AT] = at + HEADER_LEN
            elif at == begin:
                self.stop("a file of the ring does not begin with a pcap file header")
                return
            else:
                state[NO_HEADER] = at
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
        for stretch in self._stretches(blocks, state, number):
            self.log.add(stretch.records)
            if self.packets is not None:
                self.packets.add(stretch)

    def _expect(self, rows: int) -> None:
        """About so many records there are in all."""
        self.log.expect(rows)
        if self.packets is not None:
            self.packets.expect(rows)

    def _stretches(self, blocks: Blocks, state: I64, number: int) -> Iterator[Stretch]:
        """The records from ``state`` on, many at once.

        How long the first ones are tells whether so many make compiling pay, as those of earlier files do. Where they
        do packets are decoded in the same walk, as far as they are plain.
        """
        header, before, total = self.headers[number], len(self.log), 0
        state[STOPPED] = RUNNING
        begun, link = state.copy(), header.interface.link
        room = likely = FIRST_ROUND
        while state[STOPPED] == RUNNING:
            begin, compiled = int(state[AT]), pays(walk_records, likely)
            bounds = np.array([begin, len(blocks), MAX_RECORD_LEN], np.int64)
            free = self.log.space(room)
            space = self.packets.space(len(free[0]), link) if self.packets and compiled else None
            table, plain = space or (_NO_PACKETS, NO_LINK_HEADER)
            rows = len(table) if space else len(free[0])
            columns = (*(column[:rows] for column in free), np.empty(rows, np.bool_))
            left, block = np.empty(len(table), np.int64), blocks.at(begin)
            arguments = state, bounds, header.parts, columns, (*plain, begin), columns_of(table), left
            found = run_kernel(walk_records, likely, block, *arguments)
            is_first, total = total == 0, total + found
            mean = max((int(state[AT]) - int(begun[AT])) // max(total, 1), 1)
            likely = max(before + total + (len(self.buffer) - int(state[AT])) // mean, FIRST_ROUND)
            room = min(max(len(block) // mean * 9 // 8, FIRST_ROUND), MAX_ROUND)
            self._expect(likely)
            if is_first and not compiled and state[STOPPED] == RUNNING and pays(walk_records, likely):
                # Once more from the beginning, which nobody has got yet.
                state[:], total = begun, 0
                continue
            same = (np.full(found, value, np.uint16) for value in (number, link))
            part = RecordPart(*(column[:found] for column in columns), *same)
            yield Stretch(part, block, begin, left[: state[LEFT]] if space else None)

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


def state_at(begin: int, status: int) -> I64:
    """The state of a walk over records that begins there."""
    state = np.zeros(STATES, np.int64)
    state[AT], state[STOPPED], state[NO_HEADER] = begin, status, -1
    return state


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
    packets are decoded on the way; ``zeros`` makes the columns of both tables; or all goes to ``sink``. Raises
    ``CaptureError`` when the first file's header is cut or of another version. A record that is cut, or claims more
    than can be, ends its file, and the capture then is not ``complete``.
    """
    files = files or (FilePart(0, len(buffer)),)
    in_file = len(buffer) >= IN_FILE_FROM
    is_mapped = files[0].path is not None
    if sink is None:
        packets = PacketLog(zeros=zeros) if is_mapped and not in_file else None
        sink = Sink(RecordLog(name, in_file=in_file, zeros=zeros), packets)
    reading = Reading(name, buffer, *sink)
    for file in files:
        with file.opened() as descriptor:
            reading.read(Blocks(buffer[: file.end], descriptor, file_at=file.begin), file.begin)
    return reading.finish()


def explain_stop(state: I64, size: int, header_len: int) -> str | None:
    """Why a walk that ended so, in a file of ``size`` bytes, ended too early; None where it did not."""
    at, status, claimed = (int(state[each]) for each in (AT, STOPPED, LENGTH))
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
