"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from analyzer.base import partial
from analyzer.base.partial import has_no_room, written_whole


def test_a_file_takes_its_place_in_the_end(tmp_path) -> None:
    path = tmp_path / "run"

    with written_whole(path) as place:
        assert place == tmp_path / "run.partial"
        place.write_text("all")
        assert not path.exists()

    assert (path.read_text(), place.exists()) == ("all", False)


def test_what_broke_off_is_marked_and_what_was_there_stays(tmp_path) -> None:
    path = tmp_path / "run"
    path.write_text("before")

    with suppress(KeyboardInterrupt), written_whole(path) as place:
        place.write_text("half")
        raise KeyboardInterrupt

    assert (path.read_text(), place.read_text()) == ("before", "half")


@pytest.mark.parametrize("swaps", [True, False])
def test_a_large_file_takes_the_place_of_another_whether_the_system_can_swap_them_or_not(
    tmp_path, monkeypatch, swaps
) -> None:
    path = tmp_path / "run"
    path.write_text("before")
    path.chmod(0o600)
    monkeypatch.setattr(partial, "_LONG_TO_WRITE_LEN", 0)
    monkeypatch.setattr(partial, "_RENAME_EXCHANGE", partial._RENAME_EXCHANGE if swaps else 1 << 20)

    with written_whole(path) as place:
        place.write_text("all")

    assert (path.read_text(), os.listdir(tmp_path), stat.S_IMODE(path.stat().st_mode)) == ("all", ["run"], 0o600)


def test_a_system_that_knows_no_swapping_swaps_nothing(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())

    assert not partial._swapped(tmp_path / "one", tmp_path / "other")


def test_a_link_goes_on_to_lead_to_it(tmp_path) -> None:
    target = tmp_path / "real"
    link = tmp_path / "run"
    link.symlink_to(target)

    with written_whole(link) as place:
        place.write_text("all")

    assert link.is_symlink()
    assert target.read_text() == "all"


@pytest.mark.parametrize("plant", [Path.symlink_to, Path.hardlink_to])
def test_a_link_that_waits_where_it_is_written_leads_nowhere(tmp_path, plant) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    plant(tmp_path / "run.partial", victim)

    with written_whole(tmp_path / "run") as place:
        place.write_text("all")

    assert (victim.read_text(), (tmp_path / "run").read_text()) == ("precious", "all")


def test_who_may_read_it_stays_as_it_was(tmp_path) -> None:
    path = tmp_path / "run"
    path.touch(mode=0o600)

    with written_whole(path) as place:
        place.touch()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("path", [os.devnull, "gone/run"])
def test_what_is_no_plain_file_is_written_as_it_is(path) -> None:
    with written_whole(Path(path)) as place:
        assert place == Path(path)


@pytest.mark.parametrize(("number", "expected"), [(errno.ENOSPC, True), (errno.EIO, True), (errno.EACCES, False)])
def test_no_room_is_told_from_no_permission(number, expected) -> None:
    assert has_no_room(OSError(number, "")) is expected
