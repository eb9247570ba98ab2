"""A pull request as a team would make it: a repository with manifests and captures, and one line that changes."""

import contextlib
import io
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

from analyzer.cli import program

ROOT = Path(__file__).resolve().parents[2]
SHOP = ROOT / "captures" / "shop-default"
# In the DestinationRule of reviews: the label that makes a pod one of subset v1.
OLD, NEW = "    labels:\n      version: v1\n", "    labels:\n      version: version-1\n"
SUITE = "captures: recorded\nmesh: deploy\n"


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    """``main`` has manifests, a capture and what is expected of it; the working tree has the change."""
    folder = tmp_path_factory.mktemp("repository")
    (folder / "recorded").mkdir()
    shutil.copytree(SHOP / "mesh", folder / "deploy")
    shutil.copy(SHOP / "pods" / "shop_sleep-0.any.pcap", folder / "recorded")
    (folder / "shop.verdict.yaml").write_text(SUITE)
    assert run(folder, "check", "--update").returncode == 0
    assert run(folder, "analyze", "recorded", "-m", "deploy", "-o", "jsonl", "--out", "before.jsonl").returncode == 0
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "recorded")
    manifests = folder / "deploy" / "manifests.yaml"
    text = manifests.read_text()
    assert text.count(OLD) == 1
    manifests.write_text(text.replace(OLD, NEW))
    return folder


@dataclass(frozen=True)
class Done:
    """What a run of the program left."""

    returncode: int
    stdout: str
    stderr: str


@cache
def run(folder: Path, *arguments: str) -> Done:
    """The program run in a folder, in this process: there are many runs, and starting one costs more than its work."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = program.run(arguments)
        out.flush()
        err.flush()
    return Done(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))


@pytest.fixture(scope="module")
def line(repository: Path) -> int:
    """Where the changed label stands."""
    text = (repository / "deploy" / "manifests.yaml").read_text()
    return text[: text.index("version: version-1")].count("\n") + 1


WHATIF = ("whatif", "recorded", "-m", "git:main:deploy/", "--mesh-new", "deploy")
COMMANDS = {
    "whatif": WHATIF,
    "diff": ("diff", "before.jsonl", "recorded", "-m", "git:main:deploy/", "--mesh-new", "deploy"),
    "diff of captures": ("diff", "recorded", "recorded", "-m", "git:main:deploy/", "--mesh-new", "deploy"),
    "check": ("check", "--mesh-old", "git:main:deploy/"),
}
FORMATS = ("text", "json", "jsonl", "markdown", "junit", "sarif", "github", "gitlab")


def moved_calls(repository: Path) -> set[tuple[str, int]]:
    """The calls whose verdict or cluster analyze gives otherwise before and after, by client and request."""
    told = []
    for mesh in ("git:main:deploy/", "deploy"):
        lines = map(json.loads, run(repository, "analyze", "recorded", "-m", mesh, "-o", "jsonl").stdout.splitlines())
        told.append({(c["client"]["port"], c["request"]): c["verdict"] for c in lines if c["kind"] == "call"})
    return {key for key in told[0] if told[0][key] != told[1][key]}


def test_the_change_moves_three_calls_and_each_command_that_tells_calls_names_them(repository: Path) -> None:
    expected = moved_calls(repository)

    named = {
        name: {
            (r["client"]["port"], r["request"])
            for r in map(json.loads, run(repository, *COMMANDS[name], "-o", "jsonl").stdout.splitlines())
        }
        for name in ("whatif", "diff", "diff of captures")
    }

    assert len(expected) == 3
    assert named == dict.fromkeys(named, expected)


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_format_names_those_calls_and_no_other(repository: Path, name: str, output: str) -> None:
    expected = moved_calls(repository)
    lines = run(repository, "analyze", "recorded", "-m", "deploy", "-o", "jsonl").stdout.splitlines()
    calls = [c for c in map(json.loads, lines) if c["kind"] == "call"]
    ids = {c["id"] for c in calls if (c["client"]["port"], c["request"]) in expected}

    text = run(repository, *COMMANDS[name], "-o", output).stdout

    assert calls_of(text, output) == ids


def calls_of(text: str, output: str) -> set[str]:
    """The ids of the calls that a report names as moved or failed."""
    if output == "jsonl":
        records = list(map(json.loads, text.splitlines()))
        failed = (call for r in records if r["kind"] == "case" and not r["passed"] for call in r["calls"])
        return {*failed, *(r["id"] for r in records if r["kind"] == "move")}
    if output == "json":
        told = json.loads(text)
        if "moves" in told:
            return {move["id"] for move in told["moves"]}
        return {call for suite in told["suites"] for c in suite["case"] if not c["passed"] for call in c["calls"]}
    named = re.findall(r"\bcalls? +(\d+(?:, \d+)*)", text)
    return {number for group in named for number in group.split(", ")}


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_exit_code_is_1_in_every_format(repository: Path, name: str, output: str) -> None:
    done = run(repository, *COMMANDS[name], "-o", output)

    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_line_is_named_in_every_format(repository: Path, line: int, name: str, output: str) -> None:
    """A mesh of a revision is shown under the path that its files have in the repository."""
    text = run(repository, *COMMANDS[name], "-o", output).stdout

    assert lines_of(text, output) == {line}


def lines_of(text: str, output: str) -> set[int]:
    """The lines of manifests.yaml at which a report shows what moved."""
    if output == "jsonl":
        places = [place for record in map(json.loads, text.splitlines()) for place in record.get("yaml", ())]
        return {int(place.rpartition(":")[2]) for place in places}
    if output == "json":
        told = json.loads(text)
        found = told["moves"] if "moves" in told else [case for suite in told["suites"] for case in suite["case"]]
        return {int(place.rpartition(":")[2]) for each in found for place in each["yaml"]}
    if output == "sarif":
        results = json.loads(text)["runs"][0]["results"]
        return {r["locations"][0]["physicalLocation"]["region"]["startLine"] for r in results}
    if output == "gitlab":
        return {entry["location"]["lines"]["begin"] for entry in json.loads(text)}
    if output == "junit":
        failures = [case.text or "" for case in ElementTree.fromstring(text).iter("failure")]
        return {int(failure.partition("\n")[0].rpartition(":")[2]) for failure in failures}
    patterns = {
        "github": r"line=(\d+)",
        "markdown": r"manifests\.yaml:(\d+)",
        "text": r"(?:moved by|where) +\S*manifests\.yaml:(\d+)",
    }
    return {int(number) for number in re.findall(patterns[output], text)}


def test_against_the_revision_of_the_captures_nothing_moves(repository: Path) -> None:
    done = run(repository, "whatif", "recorded", "-m", "git:main:deploy/", "--mesh-new", "git:HEAD:./deploy")

    assert done.returncode == 0
    assert done.stdout.startswith("Nothing moves")
