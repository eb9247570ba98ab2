"""Packets as columns. Row i of every table of a capture is record i: packet number i + 1 as Wireshark counts."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from analyzer.base.fact import Fact

U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Integers = TypeVar("Integers", U8, I64)
Value = TypeVar("Value", bound=Hashable)

# The first 96 bits of an IPv4 address in the IPv6 form ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2).
IPV4_MAPPED_PREFIX = 0xFFFF_0000_0000


class RecordTable(Fact, frozen=True):
    """Where the records of a capture lie. All columns ``(P,)``.

    ``time_ns`` since the epoch; ``data_off`` into the capture's buffer; ``captured_len`` bytes are there, ``wire_len``
    were on the wire; ``interface`` indexes ``Capture.interfaces``; ``link`` is the LINKTYPE_ number. ``numbers`` are
    the packets' own where the table has only some of a capture's records; None where row i is packet i + 1.
    """

    time_ns: I64
    data_off: I64
    captured_len: U32
    wire_len: U32
    interface: U16
    link: U16
    numbers: I64 | None = None

    def __len__(self) -> int:
        return len(self.time_ns)

    def numbers_at(self, rows: I64) -> I64:
        """The 1-based numbers of the packets in ``rows``; 0 for row -1, which is none."""
        if self.numbers is None:
            return rows + 1
        return np.where(rows >= 0, self.numbers[rows], 0) if len(self) else rows + 1

    def part(self, rows: I64 | slice) -> RecordTable:
        """The records in some rows, with the numbers that they have here."""
        chosen = np.arange(len(self))[rows] if isinstance(rows, slice) else rows
        return RecordTable(
            time_ns=self.time_ns[rows],
            data_off=self.data_off[rows],
            captured_len=self.captured_len[rows],
            wire_len=self.wire_len[rows],
            interface=self.interface[rows],
            link=self.link[rows],
            numbers=self.numbers_at(chosen),
        )


class PacketTable(Fact, frozen=True):
    """What the headers of every record say. All columns ``(P,)``; a record that is not understood has ``fate`` != 0.

    Addresses are the two halves of an IPv6 address in host order, IPv4 as ``::ffff:a.b.c.d``, viewed as int64 so that
    kernels may compare them. ``payload_off`` points into the capture's buffer, ``payload_len`` is what was captured of
    the TCP or UDP payload and ``payload_wire_len`` what its headers claim. ``tsval`` and ``tsecr`` are TCP timestamps
    (RFC 7323), meaningful where ``tcp_flags`` has ``HAS_TIMESTAMP``. ``direction`` is the packet type of a Linux cooked
    header (0 to us, 1 broadcast, 2 multicast, 3 to another host, 4 sent by us), 255 where the link does not say;
    ``ifindex`` is SLL2's interface index, 0 where the link does not say.
    """

    ip_version: U8
    src_hi: I64
    src_lo: I64
    dst_hi: I64
    dst_lo: I64
    protocol: U8
    src_port: U16
    dst_port: U16
    tcp_flags: U16
    seq: U32
    ack: U32
    window: U16
    tsval: U32
    tsecr: U32
    payload_off: I64
    payload_len: U32
    payload_wire_len: U32
    direction: U8
    ifindex: U32
    fate: U8

    def __len__(self) -> int:
        return len(self.fate)


def distinct(values: Integers) -> Integers:
    """The different ones of ``values``, ``(N,)``, ascending. ``np.unique`` would import masked arrays for that."""
    ordered = np.sort(values)
    first = np.ones(len(ordered), np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    found: Integers = ordered[first]
    return found


def by_appearance(numbers: I64) -> tuple[I64, I64]:
    """``numbers`` ``(N,)``, none negative, as other ones in the order of appearance; and where each appears first."""
    places = np.full(numbers.max(initial=-1) + 1, -1)
    # Of several that are set the last one stays.
    places[numbers[::-1]] = np.arange(len(numbers))[::-1]
    firsts = np.sort(places[places >= 0])
    ranks = np.zeros(len(numbers), np.int64)
    ranks[firsts] = np.arange(len(firsts))
    return ranks[places[numbers]], firsts


def numbered(values: Iterable[Value]) -> tuple[list[Value], I64]:
    """The different ones of ``values`` in the order of appearance, and which of these each is, ``(N,)``."""
    known: dict[Value, int] = {}
    numbers = np.array([known.setdefault(value, len(known)) for value in values], np.int64)
    return list(known), numbers


def ranges(starts: I64, counts: I64) -> I64:
    """``starts[k], starts[k] + 1, …``, ``counts[k]`` of each, one range after the other."""
    before = np.cumsum(counts) - counts
    found: I64 = np.arange(counts.sum()) + np.repeat(starts - before, counts)
    return found


# TCP flag bits as on the wire (RFC 9293), then one of our own above the nine of the header.
FIN, SYN, RST, PSH, ACK, URG = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
HAS_TIMESTAMP = 0x8000

# Values of PacketTable.fate: how far decoding came. Everything but DECODED is counted in `info` by name.
DECODED = 0  # TCP or UDP with whole headers
NOT_IP = 1  # ARP, LLDP, ... : nothing for us
OTHER_TRANSPORT = 2  # IP, but neither TCP nor UDP
CUT_HEADER = 3  # the captured bytes end inside the headers
BAD_HEADER = 4  # lengths or versions that contradict each other
IP_FRAGMENT = 5  # a fragment that could not be reassembled, or repeats what others brought
UNKNOWN_LINK = 6  # a link type that we do not decode
FRAGMENT_CONFLICT = 7  # a fragment of a datagram whose fragments contradict each other: receivers drop all of it
NESTED_TOO_DEEP = 8  # more tunnels inside each other, or more headers, than are followed
FATE_NAMES = (
    "decoded", "not-ip", "other-transport", "cut-header", "bad-header", "ip-fragment", "unknown-link",
    "fragment-conflict", "nested-too-deep",
)  # fmt: skip

PROTOCOL_TCP, PROTOCOL_UDP = 6, 17


def decoded_as(packets: PacketTable, protocol: int) -> NDArray[np.bool_]:
    """Which packets have whole headers of a transport protocol, ``(P,)``."""
    found: NDArray[np.bool_] = (packets.fate == DECODED) & (packets.protocol == protocol)
    return found


def count_fates(packets: PacketTable) -> I64:
    """How many packets have each fate, by its number. ``np.bincount`` would make eight bytes of each one."""
    return np.array([np.count_nonzero(packets.fate == fate) for fate in range(len(FATE_NAMES))], np.int64)
