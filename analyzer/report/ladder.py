"""The way of a call laid out as a drawing: marks from top to bottom, wires between them, and lines of text beside.

Pure geometry in units of the drawing (text is 11 units high); the template turns it into SVG.
"""

from __future__ import annotations

from analyzer.base.fact import Fact
from analyzer.report.journey import Journey, Link, Stop
from analyzer.report.phrase import range_phrase

WIDTH = 360
# Where the wire runs, and where text beside it begins.
WIRE_X, TEXT_X = 12, 30
# Characters of fixed-width text that fit beside the wire.
TEXT_LENGTH = 48
# Connections told on one link (Envoy's retries can make it many), and captures of each.
SHOWN_CONNECTIONS, SHOWN_CAPTURES = 4, 4

_TOP, _STOP, _LINE, _GAP = 14, 30, 15, 8


class Mark(Fact, frozen=True):
    """A stop at ``y``: its kind, name, and what it does to the call where that is its end."""

    y: int
    kind: str
    name: str
    note: str
    dropped: bool


class Wire(Fact, frozen=True):
    """A link from ``top`` to ``bottom``: ``seen``, ``probable`` or ``unseen``."""

    top: int
    bottom: int
    style: str


class Note(Fact, frozen=True):
    """A line of text whose baseline is ``y``; ``strong`` for the first of a leg."""

    y: int
    text: str
    strong: bool = False


class Ladder(Fact, frozen=True):
    """The drawing; ``title`` tells it in words to who cannot see it."""

    height: int
    marks: tuple[Mark, ...]
    wires: tuple[Wire, ...]
    notes: tuple[Note, ...]
    title: str


def ladder_of(journey: Journey) -> Ladder:
    """Lay out a journey; a link is as high as what is said beside it."""
    marks: list[Mark] = []
    wires: list[Wire] = []
    notes: list[Note] = []
    y = _TOP
    for number, stop in enumerate(journey.stops):
        marks.append(_mark(stop, y))
        if number == len(journey.links):
            break
        link = journey.links[number]
        line_y = y + _STOP + _GAP
        for text, strong in _leg_lines(link):
            notes.append(Note(line_y, text, strong))
            line_y += _LINE
        bottom = line_y + _GAP
        wires.append(Wire(y, bottom, _style(link)))
        y = bottom
    title = "; then ".join(f"{mark.kind} {mark.name}{', ' + mark.note if mark.note else ''}" for mark in marks)
    return Ladder(y + _STOP, tuple(marks), tuple(wires), tuple(notes), title)


def _mark(stop: Stop, y: int) -> Mark:
    note = stop.answer or ("the call ends here" if stop.dropped else "")
    return Mark(y, stop.place.value, stop.name, f"dropped: {note}" if stop.dropped else note, stop.dropped)


def _style(link: Link) -> str:
    if not link.legs:
        return "unseen"
    return "seen" if any(leg.certain for leg in link.legs) else "probable"


def _leg_lines(link: Link) -> list[tuple[str, bool]]:
    if not link.legs:
        return [(f"{link.role}: in none of these captures", False)]
    lines: list[tuple[str, bool]] = []
    for legs in link.connections[:SHOWN_CONNECTIONS]:
        first = legs[0]
        sure = any(leg.certain for leg in legs)
        lines.append((first.role if sure else f"{first.role}, probable", True))
        lines.append((f"{first.client} → {first.server}", False))
        lines += [
            (range_phrase(leg.capture, leg.first_packet, leg.last_packet), False) for leg in legs[:SHOWN_CAPTURES]
        ]
        if first.sni is not None:
            lines.append((f"sni {first.sni}", False))
    rest = len(link.connections) - SHOWN_CONNECTIONS
    if rest > 0:
        lines.append((f"and {rest:,} more connections", False))
    return lines
