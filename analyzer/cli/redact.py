"""``meshverdict redact``: captures and YAML that may be shown, with the verdicts that they had."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from analyzer.base.errors import CaptureError, UsageError
from analyzer.base.escape import visible
from analyzer.cli.options import capture_arguments, output
from analyzer.cli.outcome import EXIT_FINDINGS, EXIT_LIMIT, mesh_exit_code

_KEY_LEN = 32
_LEAST_KEY_LEN = 16
_NAMED_CALLS = 10


@click.command("redact")
@capture_arguments
@click.option(
    "-m",
    "--mesh",
    "mesh_paths",
    multiple=True,
    type=click.Path(),
    metavar="PATH",
    help="The mesh's YAML: a file or a folder; repeatable.",
)
@click.option(
    "--out", required=True, type=click.Path(), metavar="FOLDER", help="Where captures/ and mesh/ are written."
)
@click.option(
    "--key-file",
    type=click.Path(),
    metavar="FILE",
    help="The key of the pseudonyms, 16 bytes or more: the same key gives the same ones. Without it, a new one.",
)
def command(captures: tuple[str, ...], mesh_paths: tuple[str, ...], out: str, key_file: str | None) -> int:
    """Write CAPTURE... and the mesh under pseudonyms: other addresses, names and paths, bodies as zeros.

    What is written is analysed again. Where any verdict would change nothing is written, and the exit code is 1.
    Packets other than TCP directly in IP are left out. Ports, times, lengths, and the names of headers and of YAML's
    keys stay. Keep the key to yourself: who has it can test guesses.
    """
    from analyzer.redacting import redact_paths
    from analyzer.report.wording import format_count

    if not mesh_paths:
        raise UsageError("redact: no mesh; give the YAML of the recording with -m")
    redaction = redact_paths(captures, mesh_paths, _key(key_file))
    unusable = mesh_exit_code(redaction.mesh)
    for line in (*redaction.errors, *redaction.limits):
        click.echo(f"meshverdict: {visible(line)}", err=True)
    if redaction.differing:
        named = ", ".join(redaction.differing[:_NAMED_CALLS])
        click.echo(f"meshverdict: redact: calls would come out otherwise: {named}; nothing was written", err=True)
        return EXIT_FINDINGS
    for name, data in redaction.files:
        _write(Path(out) / name, data)
    calls, packets = format_count(redaction.calls, "call"), format_count(redaction.packets, "packet")
    click.echo(
        f"{len(redaction.files)} files, {packets} ({redaction.dropped:,} left out), {calls} with equal verdicts."
    )
    unread = CaptureError.exit_code if redaction.errors else 0
    return max(unusable, unread, EXIT_LIMIT if redaction.limits else 0)


def _key(file: str | None) -> bytes:
    if file is None:
        return secrets.token_bytes(_KEY_LEN)
    try:
        key = Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"--key-file: {file}: cannot be read: {error.strerror}") from None
    if len(key) < _LEAST_KEY_LEN:
        raise UsageError(f"--key-file: {file}: found {len(key)} bytes, expected {_LEAST_KEY_LEN} or more")
    return key


def _write(path: Path, data: bytes) -> None:
    """Writes a new file; one that is there is never written over."""
    if path.exists():
        raise UsageError(f"{path}: is there already; give another folder with --out")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path.parent}: cannot be made: {error.strerror}") from None
    with output(str(path)) as sink:
        sink.write(data)
