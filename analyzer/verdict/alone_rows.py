"""Calls that are like others as columns: the little that is each call's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from analyzer.base.fact import Fact, replace
from analyzer.base.table import I64
from analyzer.verdict.decision import VERDICTS
from analyzer.verdict.drift import asked_of, path_kind, workload_of
from analyzer.verdict.exemplars import Alike, Asker, Exemplar
from analyzer.verdict.rights import RightLog


class AloneRows(Fact, frozen=True):
    """Calls connection by connection, ``(N,)``.

    Each is like ``kinds[kind]``, asked by ``askers[asker]`` for ``targets[target]``, -1 without one; None stands for
    calls that need a look by themselves. ``connection`` is an index. All else is as in ``Alike``.
    """

    kinds: Sequence[Exemplar | None]
    kind: I64
    askers: Sequence[Asker | None]
    asker: I64
    targets: Sequence[str]
    target: I64
    connection: I64
    ordinal: I64
    first: I64
    last: I64
    asked: I64
    begin_ns: I64
    end_ns: I64

    def __len__(self) -> int:
        return len(self.kind)

    def without(self, connections: I64) -> AloneRows:
        """The calls of all connections but these."""
        kept = ~np.isin(self.connection, connections)
        columns: dict[str, Any] = {name: getattr(self, name) for name in self.__struct_fields__}
        own: dict[str, Any] = {name: c[kept] for name, c in columns.items() if isinstance(c, np.ndarray)}
        return replace(self, **own)

    @property
    def verdict(self) -> I64:
        """The verdict of each call, as a place in ``VERDICTS``."""
        of_kinds = [VERDICTS.index(kind.record.decision.verdict or "") if kind else 0 for kind in self.kinds]
        return np.array(of_kinds, np.int64)[self.kind]

    def count(self, rights: RightLog) -> None:
        """Count calls that the packets agree with, by who calls what."""
        agreeing = {place: kind.record for place, kind in enumerate(self.kinds) if kind and kind.record.observed.agrees}
        asked = np.full(len(self.kinds), -1)
        asked[list(agreeing)] = np.arange(len(agreeing))
        rows = np.flatnonzero(asked[self.kind] >= 0)
        if len(rows):
            rights.add(
                [workload_of(asker.pod.full_name) if asker else "" for asker in self.askers],
                [*map(asked_of, agreeing.values())],
                [*map(path_kind, self.targets), ""],
                np.stack([self.asker, asked[self.kind], self.target])[:, rows],
                self.begin_ns[rows],
            )


def rows_of(alike: Iterable[tuple[int, Sequence[Alike]]]) -> AloneRows:
    """The rows of the calls of connections, which come with their indices, ascending."""
    kinds: dict[int, tuple[int, Exemplar]] = {}
    askers: dict[int, tuple[int, Asker]] = {}
    targets: dict[str, int] = {}
    rows = [
        (
            kinds.setdefault(id(each.exemplar), (len(kinds), each.exemplar))[0],
            askers.setdefault(id(each.asker), (len(askers), each.asker))[0],
            -1 if each.path is None else targets.setdefault(each.path, len(targets)),
            index, each.ordinal, each.first, each.last, each.asked, each.begin_ns, each.end_ns,
        )
        for index, calls in alike
        for each in calls
    ]  # fmt: skip
    kind, asker, target, *others = np.array(rows, np.int64).reshape(-1, 10).T
    return AloneRows(
        [kind for _, kind in kinds.values()], kind, [asker for _, asker in askers.values()], asker, list(targets),
        target, *others,
    )  # fmt: skip
