"""What is to be known of a run's wires that are judged elsewhere, for those that are judged here."""

from __future__ import annotations

from analyzer.base.fact import Fact


class Beside(Fact, frozen=True):
    """``apps`` are the addresses whose applications' own connections some capture shows, ``called`` those of servers.

    ``lo_captures`` are the captures that show any connection over lo; ``narrow`` are those that a filter may have left
    (``traffic.narrow_captures``), None where all their wires are judged here.
    """

    apps: frozenset[str] = frozenset()
    called: frozenset[str] = frozenset()
    lo_captures: frozenset[str] = frozenset()
    narrow: frozenset[str] | None = None


NOTHING_BESIDE = Beside()
