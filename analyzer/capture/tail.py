"""A capture that grows, cut into whole headers and records as its bytes come; what is cut waits for the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from analyzer.base.errors import CaptureError
from analyzer.capture.pcap import HEADER_LEN
from analyzer.capture.pcap import MAGICS as PCAP_MAGICS
from analyzer.capture.pcapng import MAGIC as PCAPNG_MAGIC
from analyzer.capture.pcapng_walk import (
    BLOCK_OVERHEAD,
    ENHANCED_PACKET,
    INTERFACE_DESCRIPTION,
    OLD_PACKET,
    SECTION_HEADER,
    SIMPLE_PACKET,
)
from analyzer.capture.records import MAX_RECORD_LEN, Order

# What tells the order of bytes in a section (draft-ietf-opsawg-pcapng section 4.1).
_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_SECTION_BEGIN_LEN = 12
# A block may have options behind its packet.
_MAX_BLOCK_LEN = 2 * MAX_RECORD_LEN
# What a piece is: the beginning of a file or section, more of a header (an interface), or a packet's record.
BEGIN, HEADER, RECORD, _SKIPPED = range(4)
_BLOCK_PIECES = {
    SECTION_HEADER: BEGIN,
    INTERFACE_DESCRIPTION: HEADER,
    ENHANCED_PACKET: RECORD,
    SIMPLE_PACKET: RECORD,
    OLD_PACKET: RECORD,
}


class Piece(NamedTuple):
    """Whole bytes of a capture: ``kind`` is ``BEGIN``, ``HEADER`` or ``RECORD``."""

    kind: int
    raw: bytes


class Tail:
    """Cuts bytes as they come; ``error`` says why it stopped, where it met something that is no record."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.error: str | None = None
        self._rest = b""
        self._order: Order = "little"
        self._record_header_len = 0
        self._records = 0
        self._begun = self._is_pcapng = False

    @property
    def waiting(self) -> int:
        """How many bytes wait for the rest of their record."""
        return len(self._rest)

    def restart(self) -> None:
        """The file was begun anew: its header is next, and what was cut stays so."""
        self._rest = b""
        self._begun = False

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that are whole now; raises ``CaptureError`` where the first bytes are no capture's."""
        if self.error:
            return []
        self._rest += data
        found = list(self._pieces())
        self._rest = self._rest[sum(len(piece.raw) for piece in found) :]
        return [piece for piece in found if piece.kind != _SKIPPED]

    def _pieces(self) -> Iterator[Piece]:
        rest, at = self._rest, 0
        while not self.error:
            if not self._begun and not self._begin(rest[at : at + HEADER_LEN]):
                return
            kind, size = self._next(rest, at)
            if not size or at + size > len(rest):
                return
            self._records += kind == RECORD
            yield Piece(kind, rest[at : at + size])
            at += size

    def _begin(self, raw: bytes) -> bool:
        """Whether there is enough of the file to know what it is."""
        if len(raw) < len(PCAPNG_MAGIC):
            return False
        self._is_pcapng = raw[:4] == PCAPNG_MAGIC
        if not self._is_pcapng and raw[:4] not in PCAP_MAGICS:
            raise CaptureError(
                f"{self.name}: not a capture: it begins with {raw[:4].hex(' ')}; expected pcap or pcapng"
            )
        return len(raw) >= _SECTION_BEGIN_LEN

    def _next(self, rest: bytes, at: int) -> tuple[int, int]:
        """What comes at ``at``, and how long it is; 0 where that cannot be told yet."""
        if self._is_pcapng:
            return self._next_block(rest, at)
        if not self._begun:
            variant, self._order = PCAP_MAGICS[rest[at : at + 4]]
            self._record_header_len = variant.record_header_len
            self._begun = at + HEADER_LEN <= len(rest)
            return BEGIN, HEADER_LEN
        header = rest[at : at + self._record_header_len]
        if len(header) < self._record_header_len:
            return RECORD, 0
        captured_len = int.from_bytes(header[8:12], self._order)
        if captured_len > MAX_RECORD_LEN:
            self._stop(f"record claims {captured_len} bytes; a record holds at most {MAX_RECORD_LEN}")
            return RECORD, 0
        return RECORD, self._record_header_len + captured_len

    def _next_block(self, rest: bytes, at: int) -> tuple[int, int]:
        head = rest[at : at + _SECTION_BEGIN_LEN]
        if len(head) < _SECTION_BEGIN_LEN:
            return RECORD, 0
        if head[:4] == PCAPNG_MAGIC:
            self._order = "little" if int.from_bytes(head[8:12], "little") == _BYTE_ORDER_MAGIC else "big"
            self._begun = True
        kind, size = (int.from_bytes(head[i : i + 4], self._order) for i in (0, 4))
        if size < BLOCK_OVERHEAD or size & 3 or size > _MAX_BLOCK_LEN:
            self._stop(f"block claims {size} bytes; a block holds {BLOCK_OVERHEAD} to {_MAX_BLOCK_LEN}")
            return RECORD, 0
        return _BLOCK_PIECES.get(kind, _SKIPPED), size

    def _stop(self, why: str) -> None:
        self.error = f"{self.name}: packet {self._records + 1}: {why}"
