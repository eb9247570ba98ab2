"""A mesh that changes: which one held when."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from analyzer.base.errors import UsageError
from analyzer.base.fact import Fact
from analyzer.mesh.snapshot import MeshSnapshot


class Era(Fact, frozen=True):
    """A mesh, and since when it holds (nanoseconds since the epoch)."""

    since_ns: int
    mesh: MeshSnapshot


class MeshHistory(Fact, frozen=True):
    """Meshes that follow each other; the first one also held before anything that is known of it."""

    eras: tuple[Era, ...]

    def index_at(self, time_ns: int) -> int:
        """Which era a moment belongs to."""
        return max(bisect_right(self.eras, time_ns, key=lambda era: era.since_ns) - 1, 0)

    def at(self, time_ns: int) -> MeshSnapshot:
        """The mesh of a moment."""
        return self.eras[self.index_at(time_ns)].mesh


# One mesh that always held, or several, each at its time.
Meshes = MeshSnapshot | MeshHistory


def history_of(first: MeshSnapshot | None, later: Iterable[Era]) -> MeshHistory:
    """The history of a mesh that held until the first of ``later`` (None: that one held before, too), and of these.

    Raises ``UsageError`` where two begin at one moment, or there is none at all.
    """
    eras = sorted(later, key=lambda era: era.since_ns)
    if len({era.since_ns for era in eras}) < len(eras):
        raise UsageError("two meshes begin at the same moment; expected one for each")
    if first is not None:
        eras.insert(0, Era(0, first))
    if not eras:
        raise UsageError("found no mesh, expected one at least")
    return MeshHistory(tuple(eras))
