"""Header blocks of HTTP/2 (RFC 7541), with bounds, and with the state of the compression lost or kept."""

from __future__ import annotations

import re
from typing import NamedTuple

from hpack import Decoder
from hpack.exceptions import HPACKError
from hpack.table import HeaderTable

from analyzer.base.oddity import Code, Family, Level
from analyzer.protocol.facts import Headers
from analyzer.protocol.notes import Notes

# HttpConnectionManager.max_request_headers_kb bounds HTTP/2 too; 32 bytes of overhead a header count (RFC 9113 6.5.2).
MAX_HEADER_LIST_LEN = 64 * 1024
# Larger than what Envoy, Go, Java and browsers ask for (4096 to 65536).
MAX_TABLE_LEN = 64 * 1024

BAD_HEADER_BLOCK = Code(
    "h2-bad-header-block",
    Family.PROTOCOL,
    Level.WARNING,
    "a header block cannot be decompressed",
    "Its HPACK encoding is broken, or inflates beyond 64 KiB. Envoy closes such a connection; headers that follow on "
    "this direction cannot be known.",
)

BAD_HEADER_FIELD = Code(
    "h2-bad-header-field",
    Family.PROTOCOL,
    Level.WARNING,
    "a header has a character that HTTP/2 forbids",
    "Upper case or a control character in a name, or CR, LF or NUL in a value (RFC 9113 section 8.2.1): a known way to "
    "smuggle headers into HTTP/1. Envoy closes the connection over a name in capitals; over a value one of its codecs "
    "does so, the other leaves the header out.",
)

_UNKNOWN = b"\0unknown"
_FORBIDDEN_IN_NAMES = re.compile(rb"[\x00-\x20A-Z\x7f-\xff]")
_FORBIDDEN_IN_VALUES = re.compile(rb"[\x00\r\n]")


class HeaderBlock(NamedTuple):
    """Decompressed headers in order; not ``whole``: some refer to what the capture does not show.

    ``capitals``: a name was sent with one.
    """

    headers: Headers
    whole: bool
    capitals: bool = False


class _LossyTable(HeaderTable):
    """A table whose older entries are not known: new entries push them on, and keep the low numbers themselves."""

    def get_by_index(self, index: int) -> tuple[bytes, bytes]:
        if index > HeaderTable.STATIC_TABLE_LENGTH + len(self.dynamic_entries):
            return _UNKNOWN, b""
        return super().get_by_index(index)


class HeaderDecoder:
    """Decompresses the header blocks of one direction, in their order."""

    __slots__ = ("_broken", "_decoder", "_from_client", "_notes")

    def __init__(self, notes: Notes, *, from_client: bool, from_start: bool) -> None:
        self._notes = notes
        self._from_client = from_client
        self._broken = False
        self._decoder = self._fresh()
        if not from_start:
            self.lose_state()

    def lose_state(self) -> None:
        """A header block was not seen: what the table holds from now on is not known."""
        self._decoder = self._fresh()
        self._decoder.header_table = _LossyTable()

    def decode(self, block: bytes, offset: int) -> HeaderBlock:
        """The headers of a complete block; none, and not whole, once the compression is broken."""
        if self._broken:
            return HeaderBlock((), False)
        try:
            pairs = self._decoder.decode(block, raw=True)
        except HPACKError:
            self._broken = True
            self._notes.odd(BAD_HEADER_BLOCK, from_client=self._from_client, offset=offset)
            return HeaderBlock((), False)
        names = b"".join(pair[0] for pair in pairs if pair[0] != _UNKNOWN)
        self._note_forbidden(names, b"".join(pair[1] for pair in pairs), offset)
        headers = tuple((bytes(n).decode("latin-1").lower(), bytes(v).decode("latin-1")) for n, v in pairs)
        known = tuple(pair for pair in headers if pair[0] != _UNKNOWN.decode())
        return HeaderBlock(known, len(known) == len(headers), names != names.lower())

    def _note_forbidden(self, names: bytes, values: bytes, offset: int) -> None:
        if _FORBIDDEN_IN_NAMES.search(names) or _FORBIDDEN_IN_VALUES.search(values):
            self._notes.odd(BAD_HEADER_FIELD, from_client=self._from_client, offset=offset)

    @staticmethod
    def _fresh() -> Decoder:
        decoder = Decoder(max_header_list_size=MAX_HEADER_LIST_LEN)
        decoder.max_allowed_table_size = MAX_TABLE_LEN
        return decoder
