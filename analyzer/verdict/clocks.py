"""How far the clocks of captures are apart, by the connections that several of them saw.

A packet takes a while from one capture to the other, and its answer on the way back: half of the difference is skew,
half is time under way, as in NTP (RFC 5905 section 8). Drift within a capture is not estimated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from analyzer.base.fact import Fact
from analyzer.base.stream import Stream
from analyzer.verdict.wires import Sighting, Wire

# Packets of one direction of a connection that are compared, and connections of two captures.
COMPARED_PIECES = 64
COMPARED_WIRES = 256


class Skew(Fact, frozen=True):
    """``offset_ns`` is what a clock shows beyond another, give or take ``error_ns``; by how many ``connections``."""

    offset_ns: int
    error_ns: int
    connections: int


@dataclass(slots=True)
class _Samples:
    """Differences of two captures' times of the same packets, by direction; the later capture by name is ahead."""

    sent: list[int]
    came: list[int]
    wires: int = 0


class Clocks:
    """The clocks of a run's captures."""

    def __init__(self, pairs: Mapping[tuple[str, str], Skew]) -> None:
        self._beside: dict[str, dict[str, Skew]] = {}
        for (one, other), skew in pairs.items():
            self._beside.setdefault(one, {})[other] = skew
            self._beside.setdefault(other, {})[one] = Skew(-skew.offset_ns, skew.error_ns, skew.connections)

    def skew(self, capture: str, reference: str) -> Skew | None:
        """What the clock of ``capture`` shows beyond that of ``reference``; None where no chain of captures joins them.

        Over several captures errors add up, so the way with the fewest is taken.
        """
        found: dict[str, Skew] = {reference: Skew(0, 0, 0)}
        edge = [reference]
        while edge and capture not in found:
            following: list[str] = []
            for name in edge:
                for beside, skew in sorted(self._beside.get(name, {}).items()):
                    if beside not in found:
                        found[beside] = _sum(found[name], skew)
                        following.append(beside)
            edge = following
        return found.get(capture)


def estimate_clocks(wires: Iterable[Wire]) -> Clocks:
    """The clocks of the captures that saw ``wires``; two that share no connection are not compared."""
    pairs: dict[tuple[str, str], _Samples] = {}
    for wire in wires:
        whole = sorted((s for s in wire.sightings if s.connection.syn_seq is not None), key=lambda s: s.capture)
        for one, other in combinations(whole, 2):
            if one.capture != other.capture:
                _compare(pairs.setdefault((one.capture, other.capture), _Samples([], [])), one, other)
    skews = ((pair, _skew_of(samples)) for pair, samples in sorted(pairs.items()))
    return Clocks({pair: skew for pair, skew in skews if skew is not None})


def _compare(samples: _Samples, one: Sighting, other: Sighting) -> None:
    if samples.wires >= COMPARED_WIRES:
        return
    samples.wires += 1
    samples.sent += _differences(one.connection.from_client, other.connection.from_client)
    samples.came += _differences(one.connection.from_server, other.connection.from_server)
    samples.sent.append(other.connection.first_ns - one.connection.first_ns)


def _differences(one: Stream, other: Stream) -> Iterator[int]:
    """The second capture's time less the first one's, of segments that both have alike."""
    there = dict(zip(other.starts[:COMPARED_PIECES], other.times_ns, strict=False))
    for start, time_ns in zip(one.starts[:COMPARED_PIECES], one.times_ns, strict=False):
        if start in there:
            yield there[start] - time_ns


def _skew_of(samples: _Samples) -> Skew | None:
    """Half way between what both directions show; with one direction alone the way cannot be told from the skew."""
    if not samples.sent or not samples.came:
        return None
    sent, came = sorted(samples.sent), sorted(samples.came)
    ahead = sent[len(sent) // 2] >= came[len(came) // 2]
    low, high = (came[-1], sent[0]) if ahead else (sent[-1], came[0])
    if low > high:  # a packet overtook, or drift: the middle of each direction is the better guess
        low, high = sorted((sent[len(sent) // 2], came[len(came) // 2]))
    return Skew((low + high) // 2, (high - low + 1) // 2, samples.wires)


def _sum(one: Skew, other: Skew) -> Skew:
    least = min(filter(None, (one.connections, other.connections)), default=0)
    return Skew(one.offset_ns + other.offset_ns, one.error_ns + other.error_ns, least)
