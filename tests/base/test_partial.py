"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

import pytest

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
