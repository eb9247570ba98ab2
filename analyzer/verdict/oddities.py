"""What is strange about captures, told: one line a code, with the first place and how many more there are."""

from __future__ import annotations

from collections import Counter
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


class Tally:
    """Oddities counted by code, of which the first ones are told; ``join`` keeps the order of those that count."""

    __slots__ = ("_counts", "_first")

    def __init__(self, oddities: Iterable[Oddity] = ()) -> None:
        self._first: dict[str, tuple[int, Oddity]] = {}
        self._counts: Counter[str] = Counter()
        self.add(oddities)

    def add(self, oddities: Iterable[Oddity], at: int = 0) -> None:
        """Count oddities that lie at a place of a run; of those at one place the first one counts."""
        for oddity in oddities:
            name = oddity.code.name
            self._counts[name] += 1
            if name not in self._first or at < self._first[name][0]:
                self._first[name] = at, oddity

    def join(self, other: Tally) -> None:
        """Count what another one has counted."""
        self._counts.update(other._counts)
        for name, found in other._first.items():
            if name not in self._first or found[0] < self._first[name][0]:
                self._first[name] = found

    def lines(self) -> tuple[str, ...]:
        """A line for each code, as ``tell`` gives them."""
        found = sorted((oddity for _, oddity in self._first.values()), key=_gravity)
        return tuple(_line(oddity, self._counts[oddity.code.name]) for oddity in found)

    def limit_lines(self, capture: str) -> tuple[str, ...]:
        """The same of limits, as ``tell_limits`` gives them."""
        hit = sorted((oddity for _, oddity in self._first.values() if oddity.code.family is Family.LIMIT), key=_gravity)
        lines = (_line(oddity, self._counts[oddity.code.name]) for oddity in hit)
        return tuple(line if line.startswith(f"{capture}: ") else f"{capture}: {line}" for line in lines)


def tell(oddities: Iterable[Oddity]) -> tuple[str, ...]:
    """A line for each code that was met, the gravest first: the first oddity, and how many more have the code."""
    return Tally(oddities).lines()


def tell_limits(capture: str, oddities: Iterable[Oddity]) -> tuple[str, ...]:
    """The same of those that say that a limit was hit; a line without a place begins with the capture."""
    return Tally(oddities).limit_lines(capture)


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


def _gravity(oddity: Oddity) -> tuple[int, str]:
    return _ORDER[oddity.code.level], oddity.code.name


def _line(first: Oddity, count: int) -> str:
    more = f" (and {count - 1:,} more)" if count > 1 else ""
    return shorten(str(first), MAX_LINE) + more
