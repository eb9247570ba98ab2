"""docs/ci.md, followed to the letter, and the files by which other tools find this one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from analyzer.cli.check import command as check
from analyzer.cli.program import COMMANDS
from analyzer.cli.settings import default_map, options_of, read_file
from analyzer.cli.whatif import command as whatif
from analyzer.verdict.check.suite import parse_suite
from analyzer.verdict.filter_fields import FIELDS

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")


def shown(page: str) -> list[tuple[str, str]]:
    """The page's blocks in their order: (what a block is, its text)."""
    return re.findall(r"^```(console|yaml[^\n]*)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """A function that runs a line of the page in an empty folder, in which ``meshverdict`` is this program."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "meshverdict").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m analyzer "$@"\n')
    (tools / "meshverdict").chmod(0o755)
    folder = tmp_path / "team"
    folder.mkdir()
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "a")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@example.com")
    paths = {"PATH": f"{tools}:{os.environ['PATH']}", "MESHVERDICT": str(ROOT), "PYTHONPATH": str(ROOT)}
    environment = {**os.environ, **paths, "COLUMNS": "100"}

    def run(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            line, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )

    run.folder = folder
    return run


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_ten_minutes_go_as_the_page_says(shell) -> None:
    for kind, block in shown(PAGE.partition("## GitHub")[0]):
        if kind != "console":
            (shell.folder / kind.partition("file=")[2]).write_text(block)
            continue
        for command, output in re.findall(r"^\$ ([^\n]*)\n((?:(?!\$ )[^\n]*\n)*)", block, re.MULTILINE):
            done = shell(command)
            assert done.returncode == int("# exits with 1" in command), done.stderr
            said = iter(done.stdout.splitlines())
            for line in output.splitlines():
                begin, cut, _ = line.partition("…")
                if line.strip() != "…":
                    assert any(each.startswith(begin) if cut else each == line for each in said), line


def test_the_settings_that_the_page_shows_are_some(tmp_path) -> None:
    (text,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "meshverdict.toml").write_text(text)
    options = {"check": options_of(check), "whatif": options_of(whatif)}
    found = read_file(tmp_path / "meshverdict.toml", options)

    assert default_map(found, "whatif", options)["mesh_paths"] == ["git:origin/main...:deploy/"]
    assert default_map(found, "check", options)["old_paths"] == ["git:origin/main...:deploy/"]


def test_the_suite_that_the_page_shows_is_one() -> None:
    (suite,) = (text for kind, text in shown(PAGE) if kind == "yaml" and text.startswith("captures: ["))

    assert parse_suite(suite, file="ci.md").accepted[0].owner == "team-payments"


def test_every_field_of_the_filter_is_on_the_page() -> None:
    assert {name for name in FIELDS if f"`{name}`" not in PAGE} == set()


@pytest.mark.parametrize("text", [text for kind, text in shown(PAGE) if kind == "yaml"])
def test_every_yaml_on_the_page_is_yaml(text: str) -> None:
    assert isinstance(yaml.safe_load(text), dict)


# The files by which others find the program.


def test_each_hook_of_pre_commit_is_a_command() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())

    assert {hook["entry"].split()[1] for hook in hooks} <= COMMANDS.keys()
    assert all({"id", "name", "entry", "language", "files"} <= hook.keys() for hook in hooks)


def test_the_action_runs_no_text_of_its_inputs() -> None:
    """What a pull request can write must not become part of a script."""
    action = yaml.safe_load((ROOT / "action.yml").read_text())

    scripts = [step["run"] for step in action["runs"]["steps"] if "run" in step]
    assert action["runs"]["using"] == "composite"
    assert all("${{" not in script for script in scripts)


@pytest.fixture
def action(tmp_path):
    """A function that runs the last step of the action as a runner would, with this program."""
    script = next(s["run"] for s in yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"] if s.get("id"))
    tools = tmp_path / "meshverdict" / "bin"
    tools.mkdir(parents=True)
    for name, words in (("meshverdict", "-m analyzer "), ("python", "")):
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}"$@"\n')
        (tools / name).chmod(0o755)
    environment = {
        **os.environ, "RUNNER_TEMP": str(tmp_path), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_OUTPUT": str(tmp_path / "output"), "INPUT_COMMAND": "check", "INPUT_SARIF": str(tmp_path / "a.sarif"),
        "INPUT_JUNIT": "", "PYTHONPATH": str(ROOT),
    }  # fmt: skip

    def run(arguments: str) -> subprocess.CompletedProcess[str]:
        bash = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        given = {**environment, "INPUT_ARGUMENTS": arguments}
        return subprocess.run(bash, cwd=ROOT, env=given, capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize(
    "arguments",
    ["captures/shop-default", "'captures/shop-default' --fail-on any", " captures/shop-default\n--fail-on=any "],
)
def test_the_action_gives_the_annotations_the_summary_and_the_exit_code(tmp_path, action, arguments) -> None:
    done = action(arguments)

    assert (done.returncode, (tmp_path / "output").read_text()) == (0, "exit-code=0\n")
    assert done.stdout.startswith("::notice title=meshverdict check::")
    assert (tmp_path / "summary.md").read_text().startswith("### meshverdict check")
    assert (tmp_path / "a.sarif").stat().st_size > 0


def test_the_action_fails_with_the_exit_code_of_the_command(tmp_path, action) -> None:
    done = action("ghost.yaml")

    assert (done.returncode, (tmp_path / "output").read_text()) == (2, "exit-code=2\n")


def test_without_arguments_the_action_gives_none(action) -> None:
    assert action("  \n").returncode == 0


def test_arguments_that_no_shell_could_part_fail_the_action(tmp_path, action) -> None:
    done = action("captures 'open")

    assert done.returncode
    assert not (tmp_path / "summary.md").exists()


def test_the_container_runs_as_nobody_special() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()

    assert [line.split()[1] for line in lines if line.startswith("USER")] == ["10001"]
    assert 'ENTRYPOINT ["meshverdict"]' in lines
    assert lines.index("USER 10001") < lines.index('ENTRYPOINT ["meshverdict"]')
