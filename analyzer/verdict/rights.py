"""The calls that packets agree with, counted by who calls what: columns, for there are many and few are asked for.

Only beside calls that packets contradict does it matter when others of their kind fit (``parting.py``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analyzer.base.fact import Fact
from analyzer.base.table import I64, Value
from analyzer.flow.tuples import number_rows
from analyzer.verdict.compare import CallKey
from analyzer.verdict.drift import Asked
from analyzer.verdict.parting import Kinds


class Rights(Fact, frozen=True):
    """Calls that agree, by who calls what, each of these once: ``columns`` ``(6, K)``.

    They are indices into ``clients``, ``asked`` and ``paths``, which make a ``CallKey``; the number of calls; and
    when the first and the last of them began, in nanoseconds.
    """

    clients: tuple[str, ...]
    asked: tuple[Asked, ...]
    paths: tuple[str, ...]
    columns: I64

    def count_among(self, kinds: Kinds) -> None:
        """Count the calls of kinds that are there: those of which none disagrees are in no parting."""
        if not kinds:
            return
        clients, asked, paths = map(_numbers_of, (self.clients, self.asked, self.paths))
        looked_for = [
            (clients.get(key.client, -1), asked.get(_asked_in(key), -1), paths.get(key.path, -1)) for key in kinds
        ]
        numbers = number_rows(np.concatenate([self.columns[:3], np.array(looked_for, np.int64).T], axis=1))
        count = self.columns.shape[1]
        places = np.full(len(numbers), -1)
        places[numbers[:count]] = np.arange(count)
        for kind, place in zip(kinds.values(), places[numbers[count:]].tolist(), strict=True):
            if place >= 0:
                kind.add_right(*self.columns[3:, place].tolist())


class RightLog:
    """Counts calls that agree, lot by lot; what is kept grows with who calls what, not with the calls."""

    def __init__(self) -> None:
        self._clients: dict[str, int] = {}
        self._asked: dict[Asked, int] = {}
        self._paths: dict[str, int] = {}
        # Each has more than twice the columns of the next: all together less than twice those of the first.
        self._parts: list[I64] = []

    def add(
        self, clients: Sequence[str], asked: Sequence[Asked], paths: Sequence[str], which: I64, begin_ns: I64
    ) -> None:
        """Count calls that begin at ``begin_ns`` ``(N,)``; ``which`` ``(3, N)`` are indices of their names."""
        columns = np.empty((6, len(begin_ns)), np.int64)
        columns[0] = _numbers_in(self._clients, clients)[which[0]]
        columns[1] = _numbers_in(self._asked, asked)[which[1]]
        columns[2] = _numbers_in(self._paths, paths)[which[2]]
        columns[3], columns[4], columns[5] = 1, begin_ns, begin_ns
        self._keep(_joined(columns))

    def add_kinds(self, kinds: Kinds) -> None:
        """Count the calls of kinds that agree."""
        agreeing = {key: kind for key, kind in kinds.items() if kind.right}
        columns = np.empty((6, len(agreeing)), np.int64)
        columns[0] = _numbers_in(self._clients, [key.client for key in agreeing])
        columns[1] = _numbers_in(self._asked, [*map(_asked_in, agreeing)])
        columns[2] = _numbers_in(self._paths, [key.path for key in agreeing])
        counts = [(kind.right, kind.first_right_ns, kind.last_right_ns) for kind in agreeing.values()]
        columns[3:] = np.array(counts, np.int64).reshape(-1, 3).T
        self._keep(columns)

    def take(self) -> Rights:
        """What was counted since it was asked for last."""
        columns = _joined(np.concatenate([np.empty((6, 0), np.int64), *self._parts], axis=1))
        found = Rights(tuple(self._clients), tuple(self._asked), tuple(self._paths), columns)
        for each in (self._clients, self._asked, self._paths, self._parts):
            each.clear()
        return found

    def _keep(self, part: I64) -> None:
        while self._parts and self._parts[-1].shape[1] <= 2 * part.shape[1]:
            part = _joined(np.concatenate([self._parts.pop(), part], axis=1))
        if part.shape[1]:
            self._parts.append(part)


def _joined(columns: I64) -> I64:
    """``columns`` as ``Rights`` has them, ``(6, N)``, those with the same names as one."""
    numbers = number_rows(columns[:3])
    # The moments are at first those of any of the calls.
    found = np.zeros((6, numbers.max(initial=-1) + 1), np.int64)
    for row in (0, 1, 2, 4, 5):
        found[row, numbers] = columns[row]
    for row, joining in ((3, np.add), (4, np.minimum), (5, np.maximum)):
        joining.at(found[row], numbers, columns[row])
    return found


def _asked_in(key: CallKey) -> Asked:
    return key.target, key.protocol, key.method


def _numbers_in(known: dict[Value, int], names: Sequence[Value]) -> I64:
    """The numbers of ``names``, ``(N,)``; who is not known gets the next one."""
    return np.array([known.setdefault(name, len(known)) for name in names], np.int64)


def _numbers_of(names: Sequence[Value]) -> dict[Value, int]:
    return {name: number for number, name in enumerate(names)}
