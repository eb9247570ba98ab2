"""``meshverdict codes``: what a reason, a finding or an oddity means."""

from __future__ import annotations

import click

from analyzer.base.errors import UsageError
from analyzer.cli.options import out_option, output
from analyzer.cli.terminal import width


@click.command("codes")
@click.argument("names", nargs=-1, metavar="[CODE]...")
@click.option(
    "-o", "--output", "output_format", type=click.Choice(["text", "markdown"]), default="text", help="The format."
)
@out_option
def command(names: tuple[str, ...], output_format: str, out: str | None) -> int:
    """Explain CODE..., or list all of them."""
    from analyzer.pipeline import all_codes
    from analyzer.report.as_codes import render_codes, render_codes_markdown

    codes = {code.name: code for code in all_codes()}
    unknown = [name for name in names if name not in codes]
    if unknown:
        raise UsageError(f"codes: found {unknown[0]!r}, which is no code; `meshverdict codes` lists all")
    chosen = [codes[name] for name in names] if names else list(codes.values())
    with output(out) as sink:
        if output_format == "markdown":
            sink.write(render_codes_markdown(chosen).encode())
        else:
            sink.write(render_codes(chosen, width=width(out), full=bool(names)).encode())
    return 0
