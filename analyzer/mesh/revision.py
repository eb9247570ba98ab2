"""YAML as a revision of a local git repository has it: ``git:REV:PATH``, without checking anything out.

``git:REV...:PATH`` is the commit at which this branch left REV, as ``git diff REV...`` means it: what others have
changed since then is not taken for a change of this branch.

Only reads: ``git ls-tree`` and ``git cat-file`` run no filter, hook or textconv of the repository (git-cat-file(1)),
and a missing object of a partial clone is not fetched.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import PurePosixPath

from analyzer.base.errors import MeshError
from analyzer.base.fact import Fact
from analyzer.base.spelling import hint

PREFIX = "git:"
# gitrevisions(7): what stands before it, and where this branch left that.
_MERGE_BASE = "..."
# `env` sets what the child sees, so that this room reads no environment itself.
_GIT = (
    "env", "LC_ALL=C", "GIT_NO_LAZY_FETCH=1", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "git", "--no-pager",
)  # fmt: skip
# Far above what any repository of manifests needs.
_TIMEOUT_SECONDS = 120


class RevisionFile(Fact, frozen=True):
    """One file of a revision; ``name`` is how places call it: ``git:REV:PATH``."""

    name: str
    object_name: str
    size: int

    def read(self) -> str:
        """Its text; raises ``UnicodeDecodeError`` where it is not UTF-8, ``MeshError`` where git cannot give it."""
        return _git("cat-file", "blob", self.object_name, what=self.name).decode("utf-8-sig")


def is_revision(source: str) -> bool:
    """Whether a mesh source names a revision instead of a path."""
    return source.startswith(PREFIX)


def files_of(source: str) -> Iterator[RevisionFile]:
    """Every file at and below the path of ``git:REV:PATH``, sorted; PATH is from the top of the repository.

    ``./PATH`` is from the current folder, an empty one is all of it. Raises ``MeshError`` where git, the revision or
    the path is missing.
    """
    revision, separator, path = source.removeprefix(PREFIX).partition(":")
    if not revision or not separator or revision.startswith("-"):
        raise MeshError(f"{source}: expected git:REVISION:PATH")
    top = _from_top(path, source)
    commit = _commit(revision, source)
    listing = _git("ls-tree", "-r", "-z", "--long", "--full-tree", commit, "--", *([top] if top else []), what=source)
    found = list(_parse(listing, revision))
    if not found:
        raise MeshError(f"{source}: no such file or folder in that revision{_path_hint(top, commit, source)}")
    yield from found


def _commit(revision: str, source: str) -> str:
    named = revision.removesuffix(_MERGE_BASE)
    verified = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{named}^{{commit}}")
    try:
        commit = _git(*verified, what=source).decode().strip()
    except _GitError as error:
        if error.said:
            raise
        refs = _git("for-each-ref", "--format=%(refname:short)", what=source).decode("utf-8", "replace").split()
        raise MeshError(
            f"{source}: no such revision in this repository{hint(named, refs) or '; was it fetched?'}"
        ) from None
    if named == revision:
        return commit
    try:
        return _git("merge-base", commit, "HEAD", what=source).decode().strip()
    except _GitError as error:
        if error.said:
            raise
        raise MeshError(f"{source}: no commit in common with HEAD; a shallow clone may lack it") from None


def _path_hint(top: str, commit: str, source: str) -> str:
    """What the folder of a path has that is spelled nearly like it."""
    folder, _, name = top.rpartition("/")
    below = [f"{folder}/"] if folder else []
    listing = _git("ls-tree", "-z", "--name-only", "--full-tree", commit, "--", *below, what=source)
    paths = listing.decode("utf-8", "surrogateescape").split("\0")
    return hint(name, {path.rpartition("/")[2] for path in paths})


def _from_top(path: str, source: str) -> str:
    if path.startswith("./") or path == ".":
        path = f"{_git('rev-parse', '--show-prefix', what=source).decode().strip()}{path[2:]}"
    parts = PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts:
        raise MeshError(f"{source}: expected a path inside the repository, from its top")
    return "/".join(parts)


def _parse(listing: bytes, revision: str) -> Iterator[RevisionFile]:
    """The files among the entries, each ``mode type object size TAB path NUL``; links and submodules are none."""
    for entry in listing.split(b"\0"):
        about, _, path = entry.partition(b"\t")
        words = about.split()
        if len(words) == 4 and words[0].startswith(b"100"):
            name = f"{PREFIX}{revision}:{path.decode('utf-8', 'surrogateescape')}"
            yield RevisionFile(name, words[2].decode(), int(words[3]))


class _GitError(MeshError):
    """Git said no; ``said`` is why, empty where ``--quiet`` or an exit code is all."""

    def __init__(self, what: str, said: str) -> None:
        super().__init__(f"{what}: {said or 'git gives no reason'}")
        self.said = said


def _git(*arguments: str, what: str) -> bytes:
    try:
        done = subprocess.run([*_GIT, *arguments], capture_output=True, timeout=_TIMEOUT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MeshError(f"{what}: git cannot be run: {error}") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        # Advice in many lines may follow what is wrong.
        fatal = next((line for line in said if line.startswith("fatal: ")), said[-1] if said else "")
        raise _GitError(what, fatal)
    return done.stdout
