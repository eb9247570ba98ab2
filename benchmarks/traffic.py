"""Traffic to measure with: what a node's sidecars see on ``lo``, and the mesh it ran in. Same arguments, same bytes.

Half of the connections are HTTP/1.1 with keep-alive, a third TLS, the rest an opaque protocol. As iptables has it, the
application's packets go to 127.0.0.1:15001 and the answers come from the address that it meant.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NAMESPACES, CLIENTS, OPEN_AT_ONCE = 8, 48, 64
# Of 400 segments with data one comes after its successor, one twice.
_ODD_ONES = 400
_SEGMENT_LEN = 1448
_SYN, _SYN_ACK, _ACK, _DATA, _FIN = 0x02, 0x12, 0x10, 0x18, 0x11
_ETHERNET = bytes(12) + b"\x08\x00"
_LOOPBACK, _OUTBOUND_PORT = bytes([127, 0, 0, 1]), 15001
_PORTS = {"http": (80, 8080), "tls": (443, 8443), "tcp-cache": (6379, 6379)}
_PIECES_AT_ONCE = 1 << 22

# Whether the client sends it, its TCP flags, its payload.
Segment = tuple[bool, int, bytes]


@dataclass(frozen=True, slots=True)
class Town:
    """A mesh of so many services, each with one pod, and ``CLIENTS`` pods that call them."""

    services: int

    def namespace(self, number: int) -> str:
        """The namespace of a service or client."""
        return f"town-{number % NAMESPACES}"

    def service_ip(self, number: int) -> bytes:
        """The ClusterIP of a service."""
        return bytes([10, 96 + number // 60_000, number // 240 % 250, number % 240 + 1])

    def pod_ip(self, number: int) -> bytes:
        """The address of a service's pod."""
        return bytes([10, 160 + number // 60_000, number // 240 % 250, number % 240 + 1])

    def client_ip(self, number: int) -> bytes:
        """The address of a client's pod."""
        return bytes([10, 32, 0, number % CLIENTS + 1])

    def host(self, number: int) -> str:
        """What a client calls a service."""
        return f"shop-{number}.{self.namespace(number)}"

    def write_mesh(self, path: Path) -> None:
        """The mesh's YAML, one file."""
        path.write_text("---\n".join(self._documents()))

    def _documents(self) -> Iterator[str]:
        for number in range(NAMESPACES):
            yield f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {self.namespace(number)}}}\n"
        for number in range(CLIENTS):
            yield _pod(f"client-{number}", self.namespace(number), "client", _text(self.client_ip(number)))
        for number in range(self.services):
            name, namespace, address = f"shop-{number}", self.namespace(number), _text(self.pod_ip(number))
            yield _pod(f"{name}-0", namespace, name, address)
            ports = ", ".join(f"{{name: {n}, port: {p}, targetPort: {t}}}" for n, (p, t) in _PORTS.items())
            yield (
                f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\n"
                f"spec: {{clusterIP: {_text(self.service_ip(number))}, selector: {{app: {name}}}, ports: [{ports}]}}\n"
            )
            ports = ", ".join(f"{{name: {n}, port: {t}}}" for n, (_, t) in _PORTS.items())
            yield (
                f"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\n"
                f"metadata: {{name: {name}-x, namespace: {namespace}, "
                f"labels: {{kubernetes.io/service-name: {name}}}}}\n"
                f"endpoints: [{{addresses: [{address}], conditions: {{ready: true}}}}]\nports: [{ports}]\n"
            )


def _pod(name: str, namespace: str, app: str, address: str) -> str:
    return (
        f"apiVersion: v1\nkind: Pod\n"
        f"metadata: {{name: {name}, namespace: {namespace}, "
        f"labels: {{app: {app}, security.istio.io/tlsMode: istio}}}}\n"
        f"spec: {{serviceAccountName: {app}, containers: [{{name: app}}, {{name: istio-proxy}}]}}\n"
        f"status: {{phase: Running, podIP: {address}, podIPs: [{{ip: {address}}}]}}\n"
    )


def _text(address: bytes) -> str:
    return ".".join(map(str, address))


def write_capture(path: Path, town: Town, packets: int, *, seed: int = 1) -> None:
    """A pcap file of so many packets, ``OPEN_AT_ONCE`` connections at a time."""
    chance = random.Random(seed)
    lanes = [_lane(town, chance, first) for first in range(OPEN_AT_ONCE)]
    time_us = 1_700_000_000_000_000
    with path.open("wb") as file:
        pending = bytearray(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))
        for _ in range(packets):
            packet = next(lanes[chance.randrange(OPEN_AT_ONCE)])
            time_us += chance.randrange(3, 12)
            pending += struct.pack("<IIII", *divmod(time_us, 1_000_000), len(packet), len(packet)) + packet
            if len(pending) > _PIECES_AT_ONCE:
                file.write(pending)
                pending.clear()
        file.write(pending)


def _lane(town: Town, chance: random.Random, number: int) -> Iterator[bytes]:
    """The packets of every ``OPEN_AT_ONCE``-th connection, one after the other."""
    while True:
        service, kind = chance.randrange(town.services), chance.random()
        name = "http" if kind < 0.5 else "tls" if kind < 0.85 else "tcp-cache"
        client = (town.client_ip(number), 32_768 + number // CLIENTS % 28_000)
        server = (town.service_ip(service), _PORTS[name][0])
        yield from _shuffled(_packets(_SPEECH[name](town.host(service), chance), client, server, chance), chance)
        number += OPEN_AT_ONCE


def _packets(
    segments: Iterator[Segment], client: tuple[bytes, int], server: tuple[bytes, int], chance: random.Random
) -> Iterator[bytes]:
    sent = {True: chance.getrandbits(32), False: chance.getrandbits(32)}
    handshake: list[Segment] = [(True, _SYN, b""), (False, _SYN_ACK, b""), (True, _ACK, b"")]
    farewell: list[Segment] = [(True, _FIN, b""), (False, _FIN, b""), (True, _ACK, b"")]
    for segment in (handshake, segments, farewell):
        for from_client, flags, data in segment:
            source, target = (client, (_LOOPBACK, _OUTBOUND_PORT)) if from_client else (server, client)
            acked = sent[not from_client] if flags & _ACK else 0
            tcp = struct.pack(">HHIIBBHHH", source[1], target[1], sent[from_client], acked, 0x50, flags, 65_535, 0, 0)
            total = 20 + len(tcp) + len(data)
            ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, total, 0, 0x4000, 64, 6, 0, source[0], target[0])
            yield _ETHERNET + ip + tcp + data
            sent[from_client] = (sent[from_client] + len(data) + (flags & 3 > 0)) & 0xFFFF_FFFF


def _shuffled(packets: Iterator[bytes], chance: random.Random) -> Iterator[bytes]:
    for packet in packets:
        odd = chance.randrange(_ODD_ONES) if len(packet) > len(_ETHERNET) + 40 else None
        if odd == 0:
            yield next(packets, packet)
        elif odd == 1:
            yield packet
        yield packet


def _http(host: str, chance: random.Random) -> Iterator[Segment]:
    for _ in range(chance.randrange(1, 8)):
        path, request_id = f"/api/v1/items/{chance.randrange(10_000)}", f"{chance.getrandbits(64):x}"
        head = f"GET {path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: bench\r\nx-request-id: {request_id}\r\n\r\n"
        yield True, _DATA, head.encode()
        size = chance.choice((100, 1_000, 4_000, 16_000))
        reply = (
            f"HTTP/1.1 200 OK\r\nserver: envoy\r\ncontent-length: {size}\r\nx-envoy-upstream-service-time: 2\r\n\r\n"
        )
        data = reply.encode() + bytes(size)
        yield from ((False, _DATA, data[at : at + _SEGMENT_LEN]) for at in range(0, len(data), _SEGMENT_LEN))
        yield True, _ACK, b""


def _tls(host: str, chance: random.Random) -> Iterator[Segment]:
    yield True, _DATA, _client_hello(f"{host}.svc.cluster.local".encode(), chance)
    yield False, _DATA, b"\x16\x03\x03\x00\x7a" + bytes(122)
    for _ in range(chance.randrange(4, 30)):
        size = chance.choice((100, 600, 1_400))
        yield chance.random() < 0.4, _DATA, struct.pack(">BHH", 0x17, 0x0303, size) + chance.randbytes(size)


def _client_hello(name: bytes, chance: random.Random) -> bytes:
    """A ClientHello with server_name only (RFC 8446 section 4.1.2, RFC 6066 section 3)."""
    sni = struct.pack(">HHHBH", 0, len(name) + 5, len(name) + 3, 0, len(name)) + name
    body = b"\x03\x03" + chance.randbytes(32) + b"\x00\x00\x02\x13\x01\x01\x00" + struct.pack(">H", len(sni)) + sni
    return struct.pack(">BHHB", 0x16, 0x0301, len(body) + 4, 1) + len(body).to_bytes(3, "big") + body


def _opaque(_: str, chance: random.Random) -> Iterator[Segment]:
    for _ in range(chance.randrange(3, 40)):
        yield True, _DATA, b"*2\r\n$3\r\nGET\r\n$4\r\nkey1\r\n"
        yield False, _DATA, b"$5\r\nvalue\r\n"


_SPEECH = {"http": _http, "tls": _tls, "tcp-cache": _opaque}
