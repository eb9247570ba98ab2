"""YAML as a revision of a local repository has it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from analyzer.base.errors import MeshError
from analyzer.mesh.load import load_mesh
from analyzer.mesh.revision import files_of, is_revision

NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}\n"


def git(*arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch) -> Path:
    """A repository whose ``deploy`` said ``old`` one commit ago and says ``new`` now."""
    monkeypatch.chdir(tmp_path)
    deploy = tmp_path / "deploy"
    deploy.mkdir()
    git("init", "-q")
    for name in ("old", "new"):
        (deploy / "ns.yaml").write_text(NAMESPACE % name)
        (deploy / "notes.txt").write_text("no YAML")
        git("add", ".")
        git("commit", "-qm", name)
    return tmp_path


def names(source: str) -> list[str]:
    return [resource.name for resource in load_mesh([source]).resources]


def test_a_revision_is_told_from_a_path() -> None:
    assert is_revision("git:main:deploy/")
    assert not is_revision("deploy/git:main")


@pytest.mark.usefixtures("repository")
def test_each_revision_has_its_own_mesh() -> None:
    assert names("git:HEAD~1:deploy") == ["old"]
    assert names("git:HEAD:deploy/") == ["new"]
    assert names("git:main:deploy/ns.yaml") == ["new"]
    assert names("git:main:") == ["new"]


@pytest.mark.usefixtures("repository")
def test_three_dots_mean_where_this_branch_left_the_other() -> None:
    git("switch", "-qc", "feature", "HEAD~1")
    git("commit", "-q", "--allow-empty", "-m", "feature")

    assert names("git:main:deploy") == ["new"]
    assert names("git:main...:deploy") == ["old"]
    assert load_mesh(["git:main...:deploy"]).sources == ("git:main...:deploy/ns.yaml",)


@pytest.mark.usefixtures("repository")
def test_branches_that_have_nothing_in_common_have_no_such_place() -> None:
    git("switch", "-q", "--orphan", "other")
    git("commit", "-q", "--allow-empty", "-m", "other")

    with pytest.raises(MeshError, match="no commit in common with HEAD"):
        list(files_of("git:main...:deploy"))


@pytest.mark.usefixtures("repository")
def test_places_name_the_revision() -> None:
    mesh = load_mesh(["git:HEAD~1:deploy"])

    assert mesh.resources[0].place("metadata").file_line == "git:HEAD~1:deploy/ns.yaml:3"
    assert mesh.sources == ("git:HEAD~1:deploy/ns.yaml",)


def test_a_path_from_the_current_folder_begins_with_a_dot(repository: Path, monkeypatch) -> None:
    monkeypatch.chdir(repository / "deploy")

    assert names("git:HEAD:./ns.yaml") == ["new"]
    assert names("git:HEAD:.") == ["new"]


@pytest.mark.usefixtures("repository")
def test_a_file_that_is_no_text_is_an_oddity(repository: Path) -> None:
    (repository / "deploy" / "bytes.yaml").write_bytes(b"\xff\xfe\xfa")
    git("add", ".")
    git("commit", "-qm", "bytes")

    (oddity,) = load_mesh(["git:HEAD:deploy"]).oddities

    assert oddity.code.name == "mesh-file-unreadable"


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("git:main", "expected git:REVISION:PATH"),
        ("git:--all:deploy", "expected git:REVISION:PATH"),
        ("git:ghost:deploy", "no such revision in this repository; was it fetched?"),
        ("git:mian:deploy", "no such revision in this repository; is it 'main'?"),
        ("git:ghost...:deploy", "no such revision"),
        ("git:...:deploy", "no such revision"),
        ("git:main:ghost", "no such file or folder in that revision$"),
        ("git:main:deplpy/ns.yaml", "in that revision$"),
        ("git:main:deplpy/", "in that revision; is it 'deploy'?"),
        ("git:main:deploy/nz.yaml", "in that revision; is it 'ns.yaml'?"),
        ("git:main:../deploy", "inside the repository"),
        ("git:main:/deploy", "inside the repository"),
    ],
)
def test_what_is_not_there_stops_us(source: str, message: str) -> None:
    with pytest.raises(MeshError, match=message):
        list(files_of(source))


def test_outside_a_repository_there_is_no_revision(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    with pytest.raises(MeshError, match="git:HEAD:deploy"):
        list(files_of("git:HEAD:deploy"))


@pytest.mark.usefixtures("repository")
def test_a_repository_of_somebody_else_is_named_as_what_is_wrong(monkeypatch) -> None:
    """Git's advice follows in further lines; a container meets it, where the folder belongs to another user."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")

    with pytest.raises(MeshError, match="dubious ownership"):
        list(files_of("git:HEAD:deploy"))


def test_without_git_nothing_is_read(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(MeshError, match="git cannot be run"):
        list(files_of("git:HEAD:deploy"))
