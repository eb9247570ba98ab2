"""Drafts of ServiceEntries for the names behind PassthroughCluster: for a person to read, mend and apply.

Fields are those of ``networking.istio.io/v1``. Values are written as JSON strings, which YAML reads alike, so that no
name from the wire can become YAML of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from analyzer.base.escape import shorten, visible
from analyzer.report.as_names import shown_name
from analyzer.verdict.names import OutsideName

# A host that istiod's validation takes: labels of RFC 1123, at least two.
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+")
_PROTOCOLS = {"http/1.0": "HTTP", "http/1.1": "HTTP", "h2": "HTTP2", "tls": "TLS", "tcp": "TCP"}
# Calls named in a comment; the list of names has all.
SHOWN_CALLS = 5
_NAME_LENGTH = 63


def service_entries(names: Sequence[OutsideName]) -> Iterator[bytes]:
    """A document for each name in each namespace, with the calls that speak for it; then what cannot be drafted."""
    grouped: dict[tuple[str, str], list[OutsideName]] = {}
    left_out: list[bytes] = []
    for each in names:
        why = _why_not(each)
        if why:
            left_out.append(_comment(f"left out: {shown_name(each)}:{each.port} from {each.workload}: {why}"))
        else:
            grouped.setdefault((_namespace(each), shown_name(each)), []).append(each)
    if not grouped:
        yield _comment("nothing to draft")
    for (namespace, name), members in sorted(grouped.items()):
        yield b"---\n" + "".join(_document(namespace, name, members)).encode()
    yield from left_out


def _document(namespace: str, name: str, members: list[OutsideName]) -> Iterator[str]:
    addresses = sorted({address for each in members for address in each.addresses})
    ports = _ports(members)
    named = members[0].name is not None
    for each in members:
        calls = ", ".join(each.calls[:SHOWN_CALLS]) + (" ..." if len(each.calls) > SHOWN_CALLS else "")
        yield _comment(f"{each.workload} → {name}:{each.port} by {each.cluster}: call {calls}").decode()
    host = name if named else f"{_slug(name)}.outside.internal"
    if not named:
        yield "# No name was seen for this address; the host below is made up.\n"
    yield "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata:\n"
    yield f"  name: {json.dumps(_slug(name))}\n  namespace: {json.dumps(namespace)}\n"
    yield f'spec:\n  hosts: [{json.dumps(host)}]\n  exportTo: ["."]\n  location: MESH_EXTERNAL\n'
    if not named or "TCP" in ports.values():
        yield "  # Without addresses a TCP port takes every connection to that port.\n"
        yield f"  addresses: [{', '.join(map(json.dumps, addresses))}]\n"
    yield f"  resolution: {'DNS' if named else 'NONE'}\n  ports:\n"
    for number, protocol in sorted(ports.items()):
        yield f'  - {{number: {number}, name: "{protocol.lower()}-{number}", protocol: {protocol}}}\n'


def _ports(members: list[OutsideName]) -> dict[int, str]:
    """The protocol of each port; where several were spoken on one, TCP, which takes them all."""
    spoken: dict[int, set[str]] = {}
    for each in members:
        spoken.setdefault(each.port, set()).add(_PROTOCOLS[each.protocol])
    return {port: next(iter(each)) if len(each) == 1 else "TCP" for port, each in spoken.items()}


def _why_not(each: OutsideName) -> str:
    if each.known:
        return "it belongs to the mesh"
    if each.name is not None and not _HOST.fullmatch(each.name):
        return "no host that a ServiceEntry can have"
    return "" if "/" in each.workload else "no pod of the mesh calls it"


def _namespace(each: OutsideName) -> str:
    return each.workload.partition("/")[0]


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())[:_NAME_LENGTH].strip("-")


def _comment(text: str) -> bytes:
    return f"# {shorten(visible(text), 300)}\n".encode()
