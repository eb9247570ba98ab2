"""A run in a file: facts and judgement of every call, to explain, report, compare and ask again without the captures.

The file is SQLite: a table ``calls``, whose columns other programs may query, and a table ``run``. Secrets are left out
as in every report, and what another mesh would be asked says so.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from analyzer.base.errors import OutputError, UsageError
from analyzer.base.fact import Fact, replace
from analyzer.base.partial import written_whole
from analyzer.base.secret import redact_header, redact_host, redact_target
from analyzer.base.spelling import path_hint
from analyzer.report.private import redact_analysis
from analyzer.verdict.judge import Asked
from analyzer.verdict.question import Question
from analyzer.verdict.record import Analysis, CallRecord

MAGIC = b"SQLite format 3\0"
# Of the tables below; a program that reads another one must say so.
VERSION = 1
# "mvrd", for file(1).
_APPLICATION_ID = 0x6D767264
_TABLES = """
CREATE TABLE run (version INTEGER NOT NULL, record TEXT NOT NULL);
CREATE TABLE calls (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, verdict TEXT, reason TEXT, pod TEXT, host TEXT, server TEXT,
    method TEXT, path TEXT, first_ns INTEGER NOT NULL, record TEXT NOT NULL, question TEXT
);
"""
# The disk is full, or fails.
_NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE)
_INSERT = "INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class SavedRun(Fact, frozen=True):
    """A run that was read back; ``questions`` are those of its calls, in their order."""

    analysis: Analysis
    questions: tuple[Question | None, ...]

    @property
    def asked(self) -> list[Asked]:
        """The calls with their questions, for another mesh; nothing is known of how they came about."""
        return [Asked(call, None, said) for call, said in zip(self.analysis.calls, self.questions, strict=True)]


def is_saved_run(path: Path) -> bool:
    """Whether a file begins as a saved run does."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def write_saved_run(path: Path, analysis: Analysis, asked: Iterable[Asked], *, redact: bool = True) -> None:
    """Write a run, in place of what was there, once it is whole.

    Raises ``UsageError`` where the file cannot be written, and ``OutputError`` where there is no room for all of it.
    """
    shown = redact_analysis(analysis) if redact else analysis
    questions = (_private(each.question) if redact else each.question for each in asked)
    with written_whole(path) as place, _opened(place, write=True) as database:
        database.executescript(_TABLES)
        database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        database.execute("INSERT INTO run VALUES (?, ?)", (VERSION, _encoded(replace(shown, calls=()))))
        database.executemany(_INSERT, _rows(shown.calls, questions))
        database.commit()


def read_saved_run(path: Path) -> SavedRun:
    """A run that was saved; raises ``UsageError`` where the file is none."""
    with _opened(path, write=False) as database:
        version, record = database.execute("SELECT version, record FROM run").fetchone()
        if version != VERSION:
            raise UsageError(f"{path.name}: found a saved run of version {version!r}, expected {VERSION}")
        rows = database.execute("SELECT record, question FROM calls ORDER BY number").fetchall()
        analysis: Analysis = msgspec.json.decode(record, type=Analysis)
        calls: tuple[CallRecord, ...] = tuple(msgspec.json.decode(call, type=CallRecord) for call, _ in rows)
        questions = tuple(said and msgspec.json.decode(said, type=Question) for _, said in rows)
    return SavedRun(replace(analysis, calls=calls), questions)


def _rows(calls: Iterable[CallRecord], questions: Iterable[Question | None]) -> Iterator[tuple[Any, ...]]:
    for number, (call, question) in enumerate(zip(calls, questions, strict=True), 1):
        decision = call.decision
        yield (
            number, call.id, decision.verdict, decision.reason, call.pod, call.host, str(call.server),
            call.method, call.path, call.first_ns, _encoded(call), _encoded(question) if question else None,
        )  # fmt: skip


def _encoded(fact: Fact) -> str:
    return msgspec.json.encode(fact).decode()


def _private(question: Question | None) -> Question | None:
    """The question without secrets, or None where another mesh might answer it by one of them.

    A header that is left out may still have been sent: ``head_cut`` keeps a mesh from taking it for absent.
    """
    if question is None:
        return None
    sent = [question.host or "", question.sni or ""]
    if redact_target(question.path) != question.path or list(map(redact_host, sent)) != sent:
        return None
    shown = tuple((name, value) for name, value in question.headers if redact_header(name, value) == value)
    return replace(question, headers=shown, head_cut=True) if shown != question.headers else question


@contextmanager
def _opened(path: Path, *, write: bool) -> Iterator[sqlite3.Connection]:
    """The database; no trigger or function that a file brings along is run, and nothing of it is believed unread."""
    if write:
        # A device or a folder in its place is not ours to take away.
        if path.exists() and not path.is_file():
            raise UsageError(f"{path.name}: cannot be written: it is no file")
        path.unlink(missing_ok=True)
    elif not path.exists():
        raise UsageError(f"{path.name}: no such file{path_hint(path)}")
    mode = "rwc" if write else "ro"
    try:
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True)
    except sqlite3.Error as error:
        raise UsageError(f"{path.name}: {error}") from None
    try:
        database.execute("PRAGMA trusted_schema = OFF")
        # A run is written once and whole: half of one is thrown away, so that a journal would help nobody.
        database.execute("PRAGMA journal_mode = OFF" if write else "PRAGMA query_only = ON")
        yield database
    except sqlite3.Error as error:
        if error.sqlite_errorcode in _NO_ROOM:
            raise OutputError(f"{path}: {error}: what was written is not all of it") from None
        raise UsageError(f"{path.name}: {'cannot be written' if write else 'found no saved run'}: {error}") from None
    except (msgspec.DecodeError, TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"{path.name}: found no saved run: {error}") from None
    finally:
        database.close()
