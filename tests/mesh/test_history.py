"""A mesh that changes: each moment has one."""

from __future__ import annotations

import pytest

from analyzer.base.errors import UsageError
from analyzer.mesh.history import Era, history_of
from analyzer.mesh.load import parse_mesh


@pytest.fixture
def meshes():
    return [parse_mesh("") for _ in range(3)]


def test_each_moment_has_the_mesh_that_began_last(meshes) -> None:
    history = history_of(meshes[0], [Era(200, meshes[2]), Era(100, meshes[1])])

    assert [history.at(time) for time in (0, 99, 100, 199, 200, 10**18)] == [
        meshes[n] for n in (0, 0, 1, 1, 2, 2)
    ]  # fmt: skip


def test_the_first_mesh_held_before_anything_is_known_of_it(meshes) -> None:
    history = history_of(None, [Era(100, meshes[1]), Era(200, meshes[2])])

    assert history.at(5) is meshes[1]
    assert history.index_at(-7) == 0


def test_two_meshes_of_one_moment_are_refused(meshes) -> None:
    with pytest.raises(UsageError, match="same moment"):
        history_of(None, [Era(100, meshes[1]), Era(100, meshes[2])])


def test_a_history_holds_a_mesh_at_least() -> None:
    with pytest.raises(UsageError, match="expected one"):
        history_of(None, [])
