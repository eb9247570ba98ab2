"""What a capture file is, once its records are found: the nouns that every format's reader gives."""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzer.base.fact import Fact
from analyzer.base.oddity import Oddity
from analyzer.base.table import PacketTable, RecordTable
from analyzer.capture.link import link_name


class Interface(Fact, frozen=True):
    """Where packets were taken. ``link`` is the LINKTYPE_ number, ``snaplen`` the most bytes kept of a packet (0: all).

    ``name`` and ``description`` are as the file has them (hostile text; empty where it has none).
    """

    name: str
    description: str
    link: int
    snaplen: int

    @property
    def link_name(self) -> str:
        """The name of the link type, as tcpdump.org lists it."""
        return link_name(self.link)


class Decoded(Fact, frozen=True):
    """Packets, and the bytes and records that they were decoded from: those of others are other packets."""

    packets: PacketTable
    buffer: memoryview
    records: RecordTable


@dataclass(frozen=True, slots=True)
class Capture:
    """The records of one capture and the bytes that they lie in.

    ``buffer`` is the file, mapped or read, or what came out of its compression; offsets of ``records`` point into it.
    ``format`` is ``pcap``, ``pcap-ns``, ``pcap-modified`` or ``pcapng``, with ``+gzip`` and the like appended. Record i
    is packet i + 1. ``complete`` is false when the file ends or breaks before its end; ``error`` then says where, in
    one line that begins with ``name``, and the records before that place are all there. ``secrets`` is the TLS key log
    that pcapng may hold; it is shown nowhere. ``decoded`` are its packets where they were decoded
    on the way.
    """

    name: str
    format: str
    buffer: memoryview
    records: RecordTable
    interfaces: tuple[Interface, ...]
    oddities: tuple[Oddity, ...]
    complete: bool
    error: str | None
    secrets: bytes = field(default=b"", repr=False)
    decoded: Decoded | None = field(default=None, repr=False)
