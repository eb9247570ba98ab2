"""Settings: where the file is, what it may say, and what is told where it says something else."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from analyzer.base.errors import UsageError
from analyzer.cli.options import MeshSource
from analyzer.cli.settings import (
    SettingsFile,
    default_map,
    environment,
    find_file,
    options_of,
    read_file,
    variables_of,
    with_variables,
)


@click.command("analyze")
@click.option("-m", "--mesh", "mesh_paths", multiple=True, type=MeshSource())
@click.option("--color", type=click.Choice(["auto", "never"]), default="auto")
@click.option("--most", type=int, default=3)
@click.option("--no-progress", is_flag=True)
def analyze(mesh_paths, color, most, no_progress) -> tuple:
    return mesh_paths, color, most, no_progress


@click.command("codes")
@click.option("--color", type=click.Choice(["auto", "always"]), default="auto")
def codes(color) -> str:
    return color


OPTIONS = {"analyze": options_of(analyze), "codes": options_of(codes)}


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(folder: Path, text: str, name="meshverdict.toml") -> SettingsFile:
    (folder / name).write_text(text)
    return read_file(folder / name, OPTIONS)


# Which file.


def test_the_nearest_folder_counts_up_to_the_top_of_the_repository(here) -> None:
    deep = here / "repository" / "a" / "b"
    deep.mkdir(parents=True)
    (here / "meshverdict.toml").write_text("")
    assert find_file(deep) == here / "meshverdict.toml"

    (here / "repository" / ".git").mkdir()
    assert find_file(deep) is None

    (here / "repository" / "meshverdict.toml").write_text("")
    assert find_file(deep) == here / "repository" / "meshverdict.toml"


def test_a_projects_file_counts_where_it_has_our_table_and_there_is_no_file_of_our_own(here) -> None:
    (here / ".git").mkdir()
    (here / "pyproject.toml").write_text("[tool.other]\na = 1\n")
    assert find_file(here) is None

    (here / "pyproject.toml").write_text("[tool.meshverdict]\n")
    assert find_file(here) == here / "pyproject.toml"

    (here / "meshverdict.toml").write_text("")
    assert find_file(here) == here / "meshverdict.toml"


# What it says.


def test_keys_have_their_lines(here) -> None:
    found = read(here, 'color = "auto"\n\n[analyze]\nmost = 7\n')

    assert [(s.name, s.value, s.origin) for s in found.settings] == [
        ("color", "auto", "meshverdict.toml:1"),
        ("analyze.most", 7, "meshverdict.toml:4"),
    ]


def test_a_projects_file_says_the_same_in_its_table(here) -> None:
    found = read(here, '[tool.meshverdict]\ncolor = "auto"\n[tool.meshverdict.analyze]\nmost = 7\n', "pyproject.toml")

    assert [(s.name, s.origin) for s in found.settings] == [
        ("color", "pyproject.toml:2"),
        ("analyze.most", "pyproject.toml:4"),
    ]


def test_a_commands_own_setting_is_before_the_one_for_all(here) -> None:
    found = read(here, 'color = "never"\nmost = 1\n[analyze]\nmost = 7\n')

    assert default_map(found, "analyze", OPTIONS) == {"color": "never", "most": "7"}


def test_paths_are_relative_to_the_file(here) -> None:
    (here / "sub").mkdir()
    found = read(here / "sub", 'mesh = ["deploy", "git:main:deploy/", "/abs", "-"]\n[codes]\n')

    assert default_map(found, "analyze", OPTIONS) == {
        "mesh_paths": ["sub/deploy", "git:main:deploy/", "/abs", "-"],
    }


def test_what_may_be_repeated_may_stand_alone_and_flags_are_flags(here) -> None:
    found = read(here, '[analyze]\nmesh = "deploy"\nno-progress = true\n')

    assert default_map(found, "analyze", OPTIONS) == {"mesh_paths": ["deploy"], "no_progress": True}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("colour = 1", "meshverdict.toml:1: unknown key 'colour', expected an option or a command; is it"),
        ("\n[analyze]\nmesh-path = 1", "meshverdict.toml:3: unknown key 'mesh-path', expected an option of analyze"),
        ("[codes]\nmost = 1", "meshverdict.toml:2: unknown key 'most', expected an option of codes"),
        ("[analyse]\nmost = 1", "meshverdict.toml:1: unknown key 'analyse', expected an option or a command; is it"),
        ("color = [", "meshverdict.toml: is not TOML: "),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(here, text, told) -> None:
    with pytest.raises(UsageError) as error:
        read(here, text)

    assert str(error.value).startswith(told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('color = "red"', "meshverdict.toml:1: color: 'red' is not one of 'auto', 'never'."),
        ('color = ["never"]', "meshverdict.toml:1: color: found ['never'], expected one text or number"),
        ("color = true", "meshverdict.toml:1: color: found True, expected one text or number"),
        ("mesh = [[]]", "meshverdict.toml:1: mesh: found [[]], expected a list of texts"),
        ('no-progress = "yes"', "meshverdict.toml:1: no-progress: found 'yes', expected true or false"),
        ('most = "many"', "meshverdict.toml:1: most: 'many' is not a valid integer."),
    ],
)
def test_a_value_that_the_option_does_not_take_is_told_with_its_place(here, text, told) -> None:
    with pytest.raises(UsageError) as error:
        default_map(read(here, text), "analyze", OPTIONS)

    assert str(error.value) == told


def test_a_value_for_all_commands_is_held_against_the_one_that_runs(here) -> None:
    found = read(here, 'color = "always"')

    assert default_map(found, "codes", OPTIONS) == {"color": "always"}


@pytest.mark.parametrize("make", [lambda p: p.mkdir(), lambda p: p.write_bytes(b"a = '\xff'")])
def test_a_file_that_cannot_be_read_is_a_matter_of_usage(here, make) -> None:
    make(here / "x.toml")

    with pytest.raises(UsageError, match=r"x\.toml: "):
        read_file(here / "x.toml", OPTIONS)


# The environment.


def run(command, *arguments):
    return with_variables(command, command.name).main(list(arguments), standalone_mode=False)


def test_a_variable_goes_before_the_default_and_a_flag_before_the_variable(monkeypatch) -> None:
    monkeypatch.setenv("MESHVERDICT_MOST", "5")
    assert run(analyze)[2] == 5
    assert run(analyze, "--most", "6")[2] == 6

    monkeypatch.setenv("MESHVERDICT_ANALYZE_MOST", "7")
    assert run(analyze)[2] == 7


def test_a_variable_lists_mesh_sources_as_a_path_does(monkeypatch) -> None:
    monkeypatch.setenv("MESHVERDICT_MESH", "a:git:main:deploy/:b c")

    assert run(analyze)[0] == ("a", "git:main:deploy/", "b c")


def test_the_command_itself_stays_as_it_was() -> None:
    with_variables(analyze, "analyze")

    assert all(option.envvar is None for option in options_of(analyze).values())


def test_the_variables_of_an_option() -> None:
    assert variables_of("whatif", "mesh-new") == ("MESHVERDICT_WHATIF_MESH_NEW", "MESHVERDICT_MESH_NEW")


def test_what_the_environment_sets_is_found(monkeypatch) -> None:
    monkeypatch.setenv("MESHVERDICT_COLOR", "never")
    monkeypatch.setenv("MESHVERDICT_CODES_COLOR", "auto")
    monkeypatch.setenv("MESHVERDICT_UNKNOWN", "1")

    assert [(s.name, s.value, s.origin) for s in environment(OPTIONS)] == [
        ("codes.color", "auto", "MESHVERDICT_CODES_COLOR"),
        ("color", "never", "MESHVERDICT_COLOR"),
    ]
