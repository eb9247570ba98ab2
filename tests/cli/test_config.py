"""``meshverdict config``: what is set, and where; and that it is obeyed."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def team(tmp_path, monkeypatch, mesh):
    """A repository with settings, and a folder in it where people are."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "sub").mkdir()
    (tmp_path / "meshverdict.toml").write_text(f'mesh = "{mesh}"\n[analyze]\nfail-on = "passthrough"\n')
    monkeypatch.chdir(tmp_path / "sub")
    return tmp_path


def test_nothing_is_set_where_nobody_set_anything(cli, tmp_path, monkeypatch) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)

    answer = cli("config", "show", "--origin")

    assert (answer.code, answer.out) == (0, "Nothing is set: every option has its default.\n")


@pytest.mark.usefixtures("team")
def test_settings_are_shown_with_their_places(cli, monkeypatch) -> None:
    monkeypatch.setenv("MESHVERDICT_FAIL_ON", "none")

    lines = cli("config", "show", "--origin").out.splitlines()[1:]

    # The path of the mesh may be long: what it goes on with stands below it.
    rows = [line.split() for line in lines if not line.startswith(" ")]
    assert [(row[0], row[2]) for row in rows] == [
        ("analyze.fail-on", "../meshverdict.toml:3"),
        ("fail-on", "MESHVERDICT_FAIL_ON"),
        ("mesh", "../meshverdict.toml:1"),
    ]
    assert "goes before it" in " ".join(rows[0])
    assert "FROM" not in cli("config", "show").out


@pytest.mark.usefixtures("team")
def test_every_option_of_a_command_is_shown_as_it_will_be(cli, monkeypatch) -> None:
    monkeypatch.setenv("MESHVERDICT_ANALYZE_COLOR", "never")

    found = json.loads(cli("config", "show", "analyze", "-o", "json").out)["settings"]

    told = {each["name"]: (each["value"], each["origin"]) for each in found}
    assert told["mesh"][1] == "../meshverdict.toml:1"
    assert told["fail-on"] == ("passthrough", "../meshverdict.toml:3")
    assert told["color"] == ("never", "MESHVERDICT_ANALYZE_COLOR")
    assert told["output"] == ("text", "default")
    assert told["where"] == (None, "default")


@pytest.mark.usefixtures("team")
def test_a_command_that_there_is_not_is_told(cli) -> None:
    answer = cli("config", "show", "ghost")

    assert answer.code == 2
    assert "found 'ghost'" in answer.err


@pytest.mark.usefixtures("team")
def test_flags_go_before_variables_before_the_file(cli, naked, monkeypatch) -> None:
    """The file fails on passthrough, of which the capture has some."""
    assert cli("analyze", naked).code == 1

    monkeypatch.setenv("MESHVERDICT_FAIL_ON", "none")
    assert cli("analyze", naked).code == 0
    assert cli("analyze", naked, "--fail-on", "passthrough").code == 1

    monkeypatch.setenv("MESHVERDICT_ANALYZE_FAIL_ON", "passthrough")
    assert cli("analyze", naked).code == 1


def test_a_variable_that_sets_nothing_is_told(cli, monkeypatch) -> None:
    monkeypatch.setenv("MESHVERDICT_FIAL_ON", "none")
    monkeypatch.setenv("MESHVERDICT_CONFIG", "")

    assert cli("config", "show").err == (
        "meshverdict: MESHVERDICT_FIAL_ON sets no option; is it 'MESHVERDICT_FAIL_ON'?\n"
    )


def test_another_file_may_be_named(cli, team, naked, monkeypatch) -> None:
    (team / "other.toml").write_text("")

    assert cli("--config", team / "other.toml", "analyze", naked).code == 0

    monkeypatch.setenv("MESHVERDICT_CONFIG", str(team / "gone.toml"))
    answer = cli("analyze", naked)
    assert (answer.code, answer.err) == (2, "meshverdict: ../gone.toml: No such file or directory\n")


def test_a_mistake_in_the_file_stops_every_command(cli, team) -> None:
    (team / "meshverdict.toml").write_text("[analyze]\nfail_on = 1\n")

    answer = cli("codes")

    assert answer.code == 2
    assert answer.err == (
        "meshverdict: ../meshverdict.toml:2: unknown key 'fail_on', expected an option of analyze; is it 'fail-on'?\n"
    )
