"""The sidecars' wires, found again by an address at one end and the time at which they opened or were asked."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from analyzer.base.fact import Fact
from analyzer.base.table import I64
from analyzer.protocol.facts import Exchange
from analyzer.verdict.roles import Said

# A span of time on the clock of a capture, by the capture's name: first and last nanosecond.
Clock = Callable[[str], tuple[int, int]]


class _Shelf(Fact, frozen=True):
    """The wires at one address in one capture; each list or array of times runs beside that of what happened then.

    ``spoke_by`` are indices of ``sealed``, the wires that may have HTTP inside TLS.
    """

    opened_ns: list[int]
    opened: list[Said]
    asked_ns: list[int]
    asked: list[tuple[Said, Exchange]]
    spoke_ns: I64
    spoke_by: I64
    sealed: list[Said]


class Carriers:
    """Wires by address and capture, because only times of one capture are comparable without a thought."""

    def __init__(self, wires: Iterable[tuple[str, Said]]) -> None:
        by_place: dict[tuple[str, str], list[Said]] = {}
        for address, said in wires:
            by_place.setdefault((address, said.wire.main.capture), []).append(said)
        self._shelves: dict[str, list[tuple[str, _Shelf]]] = {}
        for (address, capture), found in by_place.items():
            self._shelves.setdefault(address, []).append((capture, _shelf(found)))

    def any_at(self, addresses: Iterable[str]) -> bool:
        """Whether there are wires at any of the addresses."""
        return any(address in self._shelves for address in addresses)

    def opened(self, addresses: Iterable[str], clock: Clock) -> Iterator[Said]:
        """The wires whose first packet lies in the span, in that order within a capture."""
        for shelf, begin, end in self._at(addresses, clock):
            yield from shelf.opened[bisect_left(shelf.opened_ns, begin) : bisect_right(shelf.opened_ns, end)]

    def asked(self, addresses: Iterable[str], clock: Clock) -> Iterator[tuple[Said, Exchange]]:
        """The exchanges whose request began in the span, in that order within a capture."""
        for shelf, begin, end in self._at(addresses, clock):
            yield from shelf.asked[bisect_left(shelf.asked_ns, begin) : bisect_right(shelf.asked_ns, end)]

    def spoke(self, addresses: Iterable[str], clock: Clock) -> Iterator[tuple[int, Said]]:
        """The wires that may seal HTTP and whose client sent bytes in the span, with the time of the first of them."""
        for shelf, begin, end in self._at(addresses, clock):
            span = slice(int(shelf.spoke_ns.searchsorted(begin)), int(shelf.spoke_ns.searchsorted(end, "right")))
            first: dict[int, int] = {}
            for number, moment in zip(shelf.spoke_by[span].tolist(), shelf.spoke_ns[span].tolist(), strict=True):
                first.setdefault(number, moment)
            for number, moment in sorted(first.items()):
                yield moment, shelf.sealed[number]

    def _at(self, addresses: Iterable[str], clock: Clock) -> Iterator[tuple[_Shelf, int, int]]:
        for address in addresses:
            for capture, shelf in self._shelves.get(address, ()):
                yield shelf, *clock(capture)


def _shelf(found: list[Said]) -> _Shelf:
    opened = sorted(found, key=lambda said: (said.wire.connection.first_ns, said.wire.client))
    asked = [
        (said.streams[0].time_at(exchange.request.start), said, exchange)
        for said in opened
        for exchange in said.exchanges
        if exchange.request is not None
    ]
    asked.sort(key=lambda item: item[0])
    sealed = [said for said in opened if said.may_seal_http]
    times = [np.asarray(said.wire.connection.from_client.times_ns, np.int64) for said in sealed]
    spoke_ns = np.concatenate([np.empty(0, np.int64), *times])
    spoke_by = np.repeat(np.arange(len(sealed)), [len(each) for each in times])
    order = np.argsort(spoke_ns, kind="stable")
    return _Shelf(
        [said.wire.connection.first_ns for said in opened],
        opened,
        [moment for moment, _, _ in asked],
        [(said, exchange) for _, said, exchange in asked],
        spoke_ns[order],
        spoke_by[order],
        sealed,
    )
