"""Options that several commands share, and what they mean."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

import click

from analyzer.base.errors import OutputError, UsageError
from analyzer.base.moment import parse_moment
from analyzer.base.partial import has_no_room, written_whole

if TYPE_CHECKING:
    from analyzer.mesh.history import Meshes
    from analyzer.mesh.snapshot import MeshSnapshot
    from analyzer.opening import OpenAll
    from analyzer.report.issue import Issues
    from analyzer.verdict.record import CallRecord

# What pipelines read: the keys of report/forges.py, which is imported only where one of them is written.
FORGE_NAMES = ("markdown", "junit", "sarif", "github", "gitlab")

# More processes than this wait for each other's results.
MAX_JOBS = 16
# What --redact may say.
STRICT, STANDARD, OFF = "strict", "standard", "off"

Decorated = TypeVar("Decorated", bound=Callable[..., object])


class MeshSource(click.Path):
    """A file, a folder, or ``git:REV:PATH``; in a variable several stand with colons between them, as in ``PATH``."""

    def split_envvar_value(self, rv: str) -> list[str]:
        """The sources of a variable."""
        return re.findall(r"git:[^:]*:[^:]*|[^:]+", rv)


def mesh_options(function: Decorated) -> Decorated:
    """``-m`` and ``--mesh-config``."""
    function = click.option(
        "--mesh-config", type=click.Path(), metavar="FILE", help="A MeshConfig document, instead of ConfigMap istio."
    )(function)
    return click.option(
        "-m",
        "--mesh",
        "mesh_paths",
        multiple=True,
        type=MeshSource(),
        metavar="PATH",
        help="The mesh's YAML: a file or folder, as kubectl get -o yaml prints it, or git:REV:PATH (REV...: where this "
        "branch left REV); repeatable.",
    )(function)


def history_options(function: Decorated) -> Decorated:
    """``-m``, ``--mesh-config`` and ``--mesh-at``."""
    function = click.option(
        "--mesh-at",
        "mesh_at",
        multiple=True,
        metavar="TIME=PATH",
        help="The mesh since TIME (epoch seconds, RFC 3339): calls are judged by the mesh of their time; repeatable.",
    )(function)
    return mesh_options(function)


def access_log_option(function: Decorated) -> Decorated:
    """``--access-log``."""
    return click.option(
        "--access-log",
        "access_logs",
        multiple=True,
        type=click.Path(),
        metavar="FILE",
        help="An Envoy access log (text or JSON), joined by request id, addresses and time; repeatable.",
    )(function)


def capture_arguments(function: Decorated) -> Decorated:
    """``CAPTURE...``."""
    return click.argument("captures", nargs=-1, required=True, metavar="CAPTURE...", type=click.Path())(function)


def interval_options(function: Decorated) -> Decorated:
    """``--since`` and ``--until``."""
    function = click.option("--until", metavar="T", help="Only calls that begin before T.")(function)
    return click.option(
        "--since", metavar="T", help="Only calls that begin at T or later: epoch seconds, or RFC 3339."
    )(function)


def jobs_option(function: Decorated) -> Decorated:
    """``--jobs``."""
    return click.option(
        "--jobs",
        type=click.IntRange(1, MAX_JOBS),
        metavar="N",
        help="Processes that share large work; by default as many as there are processors.",
    )(function)


def follow_options(function: Decorated) -> Decorated:
    """``--follow`` and ``--idle``."""
    function = click.option(
        "--idle",
        type=click.FloatRange(0),
        metavar="SECONDS",
        help="With --follow: end when nothing has come for so long; else when the writer is gone, or at Ctrl-C.",
    )(function)
    return click.option(
        "--follow", is_flag=True, help="Follow one capture that is still written, and tell calls as they end."
    )(function)


def cluster_option(function: Decorated) -> Decorated:
    """``--cluster``."""
    return click.option(
        "--cluster",
        metavar="ADDRESS",
        help="Have captures opened, and the lots of a very large one judged, by the workers of a dask scheduler, "
        "tcp://HOST:8786, or by local ones: local.",
    )(function)


def color_option(function: Decorated) -> Decorated:
    """``--color``."""
    return click.option(
        "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours in text output."
    )(function)


def progress_option(function: Decorated) -> Decorated:
    """``--no-progress``."""
    return click.option("--no-progress", is_flag=True, help="No progress on standard error.")(function)


def processors() -> int:
    """How many processes can run at once."""
    usable = getattr(os, "sched_getaffinity", None)
    return min(len(usable(0)) if usable else os.cpu_count() or 1, MAX_JOBS)


def where_option(function: Decorated) -> Decorated:
    """``--where``."""
    return click.option(
        "--where",
        metavar="EXPR",
        help='Only calls that fit, such as: host == "reviews" and verdict != "service-matched".',
    )(function)


def redact_option(function: Decorated) -> Decorated:
    """``--redact``."""
    return click.option(
        "--redact",
        type=click.Choice([STRICT, STANDARD, OFF]),
        default=STANDARD,
        help="Hide secrets (userinfo, tokens) in what was sent; strict: queries and unusual words of paths too.",
    )(function)


def out_option(function: Decorated) -> Decorated:
    """``--out``."""
    return click.option("--out", type=click.Path(), metavar="FILE", help="Write there instead of standard output.")(
        function
    )


def also_option(function: Decorated) -> Decorated:
    """``--also``."""
    return click.option(
        "--also",
        multiple=True,
        metavar="FORMAT=FILE",
        help=f"Also write the findings so, in the same run: one of {', '.join(FORGE_NAMES)}; repeatable.",
    )(function)


def keylog_option(function: Decorated) -> Decorated:
    """``--keylog``."""
    return click.option(
        "--keylog",
        "keylogs",
        multiple=True,
        type=click.Path(),
        metavar="FILE",
        help="A TLS key log (SSLKEYLOGFILE): opens TLS as evidence; repeatable. Needs the extra crypto.",
    )(function)


def opener(keylogs: tuple[str, ...]) -> OpenAll:
    """What opens captures with the keys that ``--keylog`` names; raises ``UsageError``, which names no key."""
    from analyzer.opening import open_all

    if not keylogs:
        return open_all
    from analyzer.protocol.crypto import require_crypto
    from analyzer.protocol.keylog import NO_KEYS, parse_key_log

    require_crypto("--keylog")
    keys = NO_KEYS
    for path in keylogs:
        try:
            with open(path, "rb") as lines:
                found = parse_key_log(lines)
        except OSError as error:
            raise UsageError(f"--keylog: {path}: cannot be read: {error.strerror}") from None
        if not found:
            raise UsageError(f"--keylog: {path}: found no key, expected lines of the SSLKEYLOGFILE format")
        keys = keys.joined(found)
    return partial(open_all, keys=keys)


def load(mesh_paths: tuple[str, ...], mesh_config: str | None) -> MeshSnapshot | None:
    """The mesh that the options name, or None where they name none; raises ``MeshError``."""
    if not mesh_paths and mesh_config is None:
        return None
    from analyzer.mesh.load import load_mesh

    return load_mesh([Path(p) for p in mesh_paths], mesh_config=Path(mesh_config) if mesh_config else None)


def load_history(mesh_paths: tuple[str, ...], mesh_config: str | None, mesh_at: tuple[str, ...]) -> Meshes | None:
    """The mesh, or with ``--mesh-at`` the meshes, that the options name; raises ``MeshError`` and ``UsageError``."""
    first = load(mesh_paths, mesh_config)
    if not mesh_at:
        return first
    from analyzer.mesh.history import Era, history_of

    return history_of(first, [Era(time_ns, _load_one(path)) for time_ns, path in map(_parse_mesh_at, mesh_at)])


def _parse_mesh_at(text: str) -> tuple[int, str]:
    time, separator, path = text.partition("=")
    if not separator or not path:
        raise UsageError(f"--mesh-at: found {text!r}, expected TIME=PATH")
    return parse_moment(time, "--mesh-at"), path


def _load_one(path: str) -> MeshSnapshot:
    from analyzer.mesh.load import load_mesh

    return load_mesh([Path(path)])


def parse_where(text: str | None) -> Callable[[CallRecord], bool] | None:
    """The filter of ``--where``, or None where every call is meant; raises ``UsageError`` that names the column."""
    if text is None:
        return None
    from analyzer.verdict.filter import parse_filter

    return parse_filter(text)


def parse_also(texts: tuple[str, ...]) -> list[tuple[str, str]]:
    """Formats and files of ``--also``; raises ``UsageError`` for one that is none."""
    pairs = []
    for text in texts:
        name, _, file = text.partition("=")
        if name not in FORGE_NAMES or not file:
            raise UsageError(f"--also: found {text!r}, expected FORMAT=FILE, FORMAT one of {', '.join(FORGE_NAMES)}")
        pairs.append((name, file))
    return pairs


def write_also(also: list[tuple[str, str]], issues: Callable[[], Issues]) -> None:
    """Writes what ``--also`` asked for; ``issues`` is only asked where there is something to write."""
    if not also:
        return
    from analyzer.report.forges import FORGES

    found = issues()
    for name, file in also:
        with output(file) as sink:
            sink.writelines(FORGES[name](found))


def parse_time(text: str | None, option: str) -> int | None:
    """Nanoseconds since the epoch of ``--since`` and its like; raises ``UsageError``."""
    return None if text is None else parse_moment(text, option)


@contextmanager
def output(out: str | None, *, as_it_grows: bool = False) -> Iterator[IO[bytes]]:
    """The bytes sink that ``--out`` names, else standard output.

    A file is there under its name when all of it is written, or ``as_it_grows``. Raises ``UsageError`` when it cannot
    be written, and ``OutputError`` where there is no room for all of it.
    """
    name = "" if out in (None, "-") else str(out)
    shown = name or "standard output"
    try:
        with ExitStack() as stack:
            path, mode = Path(name) if name else None, "wb"
            if path is not None and not as_it_grows:
                place = stack.enter_context(written_whole(path))
                # A new file is not emptied: ext4 would write it to the disk when it is closed (ext4(5), auto_da_alloc).
                path, mode = place, mode if place == path else "ab"
            shown = f"{path or shown}"
            with click.open_file(str(path or "-"), mode) as sink:
                yield sink
                # Here and not when the interpreter ends: then nobody could say that the reader went away.
                sink.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        if has_no_room(error):
            raise OutputError(f"{shown}: {error.strerror}: what was written is not all of it") from None
        raise UsageError(f"{name or shown}: cannot be written: {error.strerror}") from None
