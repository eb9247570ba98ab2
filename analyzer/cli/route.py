"""``meshverdict route``: where an invented call would go."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from analyzer.base.errors import UsageError
from analyzer.cli.options import color_option, load, mesh_options, out_option, output
from analyzer.cli.outcome import mesh_exit_code
from analyzer.cli.terminal import colour, width

if TYPE_CHECKING:
    from analyzer.mesh.snapshot import MeshSnapshot
    from analyzer.verdict.calls_file import NamedQuestion

# What a calls file may weigh: far above any real one, far below what hurts.
_MAX_CALLS_BYTES = 256 << 20


@click.command("route")
@mesh_options
@click.option("--calls", metavar="FILE", type=click.Path(), help="Calls as JSON Lines or a YAML list; - for stdin.")
@click.option("--from", "source", metavar="NS/POD", help="The client's pod; NS alone goes with --label.")
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="A label of the client; repeatable.")
@click.option("--to", metavar="IP:PORT", help="Where the client connects.")
@click.option("--direction", type=click.Choice(["outbound", "inbound", "gateway"]), default="outbound")
@click.option("--protocol", type=click.Choice(["http", "http/1.0", "http2", "tcp"]), default="http")
@click.option("--tls", type=click.Choice(["plaintext", "tls", "mtls"]), default="plaintext")
@click.option("--sni", metavar="NAME")
@click.option("--alpn", multiple=True, metavar="NAME", help="Repeatable.")
@click.option("--host", metavar="HOST", help="Host or :authority.")
@click.option("--path", default="/", show_default=True)
@click.option("--method", default="GET", show_default=True)
@click.option("--header", "headers", multiple=True, metavar="NAME:VALUE", help="Repeatable.")
@click.option(
    "-o", "--output", "output_format", type=click.Choice(["text", "jsonl"]), default="text", help="The format."
)
@out_option
@color_option
def command(
    mesh_paths: tuple[str, ...],
    mesh_config: str | None,
    calls: str | None,
    output_format: str,
    out: str | None,
    color: str,
    **one: object,
) -> int:
    """Say where an invented call would go, and why: one call by options, or many with --calls."""
    mesh = load(mesh_paths, mesh_config)
    if mesh is None:
        raise UsageError("route: no mesh; give its YAML with -m")
    if (calls is None) == (one["source"] is None):
        raise UsageError("route: give either --calls FILE, or --from and --to")
    questions = _read(calls) if calls is not None else [_one_call(one)]
    with output(out) as sink:
        for line in _answers(mesh, questions, output_format, out, color, many=calls is not None):
            sink.write(line)
    return mesh_exit_code(mesh)


def _answers(
    mesh: MeshSnapshot, questions: list[NamedQuestion], output_format: str, out: str | None, color: str, *, many: bool
) -> list[bytes]:
    from analyzer.report.as_answer import answer_line, render_answer
    from analyzer.verdict.decide import decide, decide_if_possible

    # One wrong call of a file does not keep the answers to the others back.
    ask = decide_if_possible if many else decide
    decided = ((q.name, ask(mesh, q.question)) for q in questions)
    if output_format == "jsonl":
        return [answer_line(name, decision) for name, decision in decided]
    columns, coloured = width(out), colour(color, out)
    return [render_answer(name, d, width=columns, colour=coloured).encode() for name, d in decided]


def _read(calls: str) -> list[NamedQuestion]:
    from analyzer.verdict.calls_file import parse_calls

    try:
        if calls == "-":
            data = sys.stdin.buffer.read(_MAX_CALLS_BYTES + 1)
        else:
            with open(calls, "rb") as source:
                data = source.read(_MAX_CALLS_BYTES + 1)
    except OSError as error:
        raise UsageError(f"--calls {calls}: {error.strerror}") from None
    if len(data) > _MAX_CALLS_BYTES:
        raise UsageError(f"--calls {calls}: more than {_MAX_CALLS_BYTES} bytes")
    return parse_calls(data, file=calls)


def _one_call(one: dict[str, object]) -> NamedQuestion:
    """The options as the line that a calls file would hold, so that both forms mean the same."""
    from analyzer.verdict.calls_file import parse_call

    address, _, port = str(one["to"] or "").rpartition(":")
    if not port.isdecimal():
        raise UsageError(f"--to: found {one['to']!r}, expected IP:PORT")
    line = {
        "name": "",
        "source": one["source"],
        "direction": one["direction"],
        "address": address.strip("[]"),
        "port": int(port),
        "protocol": one["protocol"],
        "tls": one["tls"],
        "sni": one["sni"],
        "alpn": list(_texts(one["alpn"])),
        "host": one["host"],
        "path": one["path"],
        "method": one["method"],
        "headers": _pairs(_texts(one["headers"]), ":", "--header"),
        "labels": _pairs(_texts(one["labels"]), "=", "--label") or None,
    }
    return parse_call({key: value for key, value in line.items() if value is not None}, where="route")


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, tuple) else ()


def _pairs(texts: tuple[str, ...], separator: str, option: str) -> dict[str, str]:
    pairs = {}
    for text in texts:
        key, found, value = text.partition(separator)
        if not found:
            raise UsageError(f"{option}: found {text!r}, expected NAME{separator}VALUE")
        pairs[key.strip()] = value.strip()
    return pairs
