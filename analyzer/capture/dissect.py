"""One packet taken apart: for a person by scapy, which is slow and thorough, and DNS by dpkt. Their only door."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from analyzer.base.errors import UsageError
from analyzer.capture.capture import Capture


def dissect_packet(capture: Capture, packet_number: int) -> str:
    """The headers of a packet (1-based), a field on a line; of a payload only its length, it may hold secrets.

    A packet that scapy fails on is shown as its first bytes in hexadecimal. Raises ``UsageError`` when the capture has
    no such packet.
    """
    if not 1 <= packet_number <= len(capture.records):
        raise UsageError(f"{capture.name}: packet {packet_number}; the capture has packets 1 to {len(capture.records)}")
    row = packet_number - 1
    begin, size = int(capture.records.data_off[row]), int(capture.records.captured_len[row])
    raw = bytes(capture.buffer[begin : begin + size])
    try:
        return _show(raw, int(capture.records.link[row]))
    except Exception:  # scapy's layers raise whatever they happen on: IndexError, struct.error, its own
        return f"not dissected: {raw[:32].hex(' ')}"


def _show(raw: bytes, link: int) -> str:
    from scapy.config import conf
    from scapy.layers import inet6, l2
    from scapy.packet import Padding, Raw

    # scapy knows every link type of ours but OpenBSD's number for raw IP; l2 and inet6 fill its table.
    layers: dict[int, Any] = {14: inet6.IPv46, 1: l2.Ether, **conf.l2types.num2layer}
    packet = layers[link](raw)
    payload_len = 0
    for kind in (Padding, Raw):
        while packet.haslayer(kind):
            payload_len += len(packet[kind].load)
            packet[kind].underlayer.remove_payload()
    text: str = packet.show(dump=True)
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join([*lines, f"payload: {payload_len} bytes captured"])


def read_dns_response(payload: bytes) -> tuple[str, tuple[str, ...]] | None:
    """The name that a DNS response answers and the addresses (A, AAAA) in its answers (RFC 1035 section 4, RFC 3596).

    The name is the question's, so that aliases on the way do not hide what was asked for, in lower case and without
    its last dot. None where ``payload`` is a query, a failure, without an address, or no DNS.
    """
    import dpkt.dns

    try:
        message = dpkt.dns.DNS(payload)
        if message.qr != dpkt.dns.DNS_R or message.rcode != dpkt.dns.DNS_RCODE_NOERR or not message.qd:
            return None
        wanted = {dpkt.dns.DNS_A: 4, dpkt.dns.DNS_AAAA: 16}
        found = [rr.rdata for rr in message.an if wanted.get(rr.type) == len(rr.rdata)]
        name = message.qd[0].name.lower().rstrip(".")
    except Exception:  # dpkt raises what it happens on: its own errors, struct.error, UnicodeDecodeError
        return None
    addresses = dict.fromkeys(str(ip_address(bytes(rdata))) for rdata in found)
    return (name, tuple(addresses)) if name and addresses else None
