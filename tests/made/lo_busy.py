"""Many calls over lo that are alike, of several clients at once, with what goes wrong in between."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

from made.lo import ACK, PSH, SYN, Lo, get, hello, ok, server_hello

Server = tuple[str, str, str]
# A record's header, with those of IP and TCP.
_LEAST = 16 + 40


def _speech(kind: str, host: str, chance: random.Random) -> list[tuple[bool, bytes]]:
    if kind == "tls":
        return [(True, hello(host, chance.choice([(), ("h2",)]))), (False, server_hello())]
    if kind == "tcp":
        return [(True, b"*1\r\n$4\r\nPING\r\n"), (False, b"+PONG\r\n")]
    said, all_well = [], chance.random() < 0.8
    for _ in range(chance.randint(1, 4)):
        path = chance.choice(["/", "/a", f"/orders/{chance.randint(1, 40)}?token=s3cret", "/b/%7e", "/~c", "/api/x"])
        asked = get(path, host, method=chance.choice(["GET", "POST"]), x_request_id=str(chance.random()))
        said += [(True, asked), (False, ok() if all_well else _some_answer(chance))]
    return said


def _some_answer(chance: random.Random) -> bytes:
    status = chance.choice(["200 OK", "404 Not Found", "503 Service Unavailable"])
    return ok(status=status, server=chance.choice(["envoy", "nginx"]), passed_on=chance.random() < 0.5)


def busy(clients: list[str], servers: list[Server], *, connections: int = 120, seed: int = 1, at_once: int = 8) -> Lo:
    """Many calls that are alike, ``at_once`` at a time; some are unheard, cut short, sent twice or lost.

    A server is ``(address:port, kind, host)``, its kind ``http``, ``tls`` or ``tcp``.
    """
    chance, lo = random.Random(seed), Lo()
    waiting = [_steps(lo, chance, clients, servers, number) for number in range(connections)]
    open_now = [waiting.pop() for _ in range(min(at_once, len(waiting)))]
    while open_now:
        one = chance.choice(open_now)
        if next(one, None) is None:
            open_now.remove(one)
            open_now += [waiting.pop()] if waiting else []
    return lo


def _steps(lo: Lo, chance: random.Random, clients: list[str], servers: list[Server], number: int) -> Iterator[object]:
    address, kind, host = chance.choice(servers)
    same_family = [ip for ip in clients if (":" in ip) == address.startswith("[")]
    client = chance.choice(same_family)
    client = f"[{client}]" if ":" in client else client
    talk = lo.talk(f"{client}:{40_000 + number // 2 if chance.random() < 0.05 else 30_000 + number}", address)
    talk.next = {True: chance.getrandbits(31), False: chance.getrandbits(31)}
    odd = chance.choice(["unheard", "reset", "open", "twice", "lost", "differs"] + [""] * 18)
    if odd == "unheard":
        yield talk.send(True, SYN)
        return
    yield talk.open()
    for sent, data in _speech(kind, host, chance):
        yield talk.send(sent, PSH | ACK, data, skip=odd == "lost" and chance.random() < 0.3)
        if odd in ("twice", "differs"):
            yield talk.send(sent, PSH | ACK, data if odd == "twice" else data[::-1], back=len(data))
        if odd == "reset" and chance.random() < 0.5:
            yield talk.reset(by_client=chance.random() < 0.5)
            return
    if odd != "open":
        yield talk.close()


def damaged(data: bytes, chance: random.Random, share: float) -> bytes:
    """A pcap of which some records are lost, there twice, late, cut short, or changed in one bit."""
    found: list[bytes] = []
    for record in _records(data):
        kind = chance.choice(["lost", "twice", "late", "cut", "changed"]) if chance.random() < 5 * share else ""
        if kind == "twice":
            found.append(record)
        if kind == "late" and found:
            found.insert(-1, record)
        elif kind == "cut" and len(record) > _LEAST:
            size = chance.randrange(40, len(record) - 16)
            found.append(record[:8] + struct.pack("<I", size) + record[12 : 16 + size])
        elif kind == "changed" and len(record) > _LEAST:
            at = chance.randrange(_LEAST, len(record))
            found.append(record[:at] + bytes([record[at] ^ 1 << chance.randrange(8)]) + record[at + 1 :])
        elif kind != "lost":
            found.append(record)
    return data[:24] + b"".join(found)


def _records(data: bytes) -> Iterator[bytes]:
    at = 24
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at + 8)
        yield data[at : at + 16 + size]
        at += 16 + size
