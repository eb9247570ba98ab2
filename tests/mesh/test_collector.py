"""The cycle collector while a mesh is read."""

from __future__ import annotations

import gc

import pytest

from analyzer.mesh.collector import collection_paused


def test_nothing_is_collected_inside_the_block() -> None:
    with collection_paused():
        inside = gc.isenabled()
    assert (inside, gc.isenabled()) == (False, True)


def test_an_exception_leaves_the_collector_running() -> None:
    with pytest.raises(ValueError, match="strange"), collection_paused():
        raise ValueError("strange")
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with collection_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
