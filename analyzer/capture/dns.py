"""DNS answers in a capture: which names were given to whom for which addresses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analyzer.base.address import format_address
from analyzer.base.fact import Fact
from analyzer.base.table import DECODED, PROTOCOL_UDP, PacketTable
from analyzer.capture.capture import Capture
from analyzer.capture.dissect import read_dns_response

# Where answers come from: DNS, and the DNS proxy of Istio's agent where iptables redirects to it.
DNS_PORTS = (53, 15053)
# A header (RFC 1035 section 4.1.1), and what resolvers offer to take over UDP at most (EDNS, RFC 6891).
MIN_MESSAGE_LEN, MAX_MESSAGE_LEN = 12, 4096
# Responses that are read of one capture; a busy resolver's capture has more than anyone needs to name addresses.
MAX_RESPONSES = 100_000


class DnsAnswer(Fact, frozen=True):
    """At ``time_ns`` packet ``packet`` told ``client`` that ``name`` has these ``addresses``."""

    capture: str
    packet: int
    time_ns: int
    client: str
    name: str
    addresses: tuple[str, ...]


def dns_answers(capture: Capture, packets: PacketTable) -> Iterator[DnsAnswer]:
    """The answers over UDP in the order of the capture; what is no DNS, or cut short, is passed over."""
    from_server = np.isin(packets.src_port, DNS_PORTS) & (packets.protocol == PROTOCOL_UDP)
    sized = (packets.payload_len >= MIN_MESSAGE_LEN) & (packets.payload_len <= MAX_MESSAGE_LEN)
    rows = np.flatnonzero(from_server & sized & (packets.fate == DECODED))[:MAX_RESPONSES]
    for row in rows.tolist():
        begin = int(packets.payload_off[row])
        found = read_dns_response(bytes(capture.buffer[begin : begin + int(packets.payload_len[row])]))
        if found is not None:
            client = format_address(int(packets.dst_hi[row]), int(packets.dst_lo[row]))
            yield DnsAnswer(capture.name, row + 1, int(capture.records.time_ns[row]), client, *found)
