"""What is strange about captures, told: one line a code, with the first place and how many more there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from analyzer.base.escape import shorten
from analyzer.base.fact import replace
from analyzer.base.oddity import Family, Level, Oddity
from analyzer.base.place import PacketPlace, StreamPlace
from analyzer.protocol.facts import Conversation
from analyzer.verdict.wires import Wire

# A line quotes what was on the wire; no more of it than this.
MAX_LINE = 400

_ORDER = {Level.ERROR: 0, Level.WARNING: 1, Level.INFO: 2}


def tell(oddities: Iterable[Oddity]) -> tuple[str, ...]:
    """A line for each code that was met, the gravest first: the first oddity, and how many more have the code."""
    by_code: dict[str, list[Oddity]] = {}
    for oddity in oddities:
        by_code.setdefault(oddity.code.name, []).append(oddity)
    groups = sorted(by_code.values(), key=lambda group: (_ORDER[group[0].code.level], group[0].code.name))
    return tuple(_line(group) for group in groups)


def tell_limits(capture: str, oddities: Iterable[Oddity]) -> tuple[str, ...]:
    """The same of those that say that a limit was hit; a line without a place begins with the capture."""
    hit = (oddity for oddity in oddities if oddity.code.family is Family.LIMIT)
    return tuple(line if line.startswith(f"{capture}: ") else f"{capture}: {line}" for line in tell(hit))


def said_oddities(spoken: Iterable[tuple[Wire, Conversation]]) -> Iterator[tuple[str, Oddity]]:
    """What is strange about what was said: the capture, and the oddity at the packet that brought its byte."""
    for wire, conversation in spoken:
        for oddity in conversation.oddities:
            yield wire.main.capture, replace(oddity, place=_packet_of(wire, oddity))


def _packet_of(wire: Wire, oddity: Oddity) -> PacketPlace:
    connection, place, packet = wire.connection, oddity.place, 0
    if isinstance(place, StreamPlace):
        stream = connection.from_client if place.from_client else connection.from_server
        packet = stream.packet_at(place.offset)
    return PacketPlace(wire.main.capture, packet or connection.first_packet)


def _line(group: list[Oddity]) -> str:
    more = f" (and {len(group) - 1:,} more)" if len(group) > 1 else ""
    return shorten(str(group[0]), MAX_LINE) + more
