"""``meshverdict record``: the lines that take a capture, for somebody to look at and run."""

from __future__ import annotations

import click

from analyzer.cli.options import load, mesh_options, out_option, output
from analyzer.cli.outcome import mesh_exit_code


@click.command("record")
@click.argument("question", default="where", metavar="[QUESTION]")
@click.option("--from", "client", metavar="NS/POD", help="The pod whose calls it is about.")
@click.option("--to", "servers", multiple=True, metavar="NS/POD|HOST",
              help="The server's pod, or with -m the host of its Service; repeatable.")  # fmt: skip
@mesh_options
@click.option("--seconds", type=click.IntRange(1, 86_400), default=60, show_default=True, help="How long to record.")
@click.option("--rate", type=click.FloatRange(0, 1_000_000), default=10.0, show_default=True, metavar="N",
              help="About how many calls a second, for the estimate.")  # fmt: skip
@click.option("--body", type=click.IntRange(0, 1 << 30), default=2_000, show_default=True, metavar="BYTES",
              help="About how long request and answer are together, for the estimate.")  # fmt: skip
@click.option("--image", default="nicolaka/netshoot", show_default=True, help="An image that has tcpdump.")
@click.option("--folder", default="mesh", show_default=True, help="Where the mesh's YAML goes.")
@click.option(
    "-o", "--output", "output_format", type=click.Choice(["text", "json"]), default="text", help="The format."
)
@out_option
def command(
    question: str,
    client: str | None,
    servers: tuple[str, ...],
    mesh_paths: tuple[str, ...],
    mesh_config: str | None,
    seconds: int,
    rate: float,
    body: int,
    image: str,
    folder: str,
    output_format: str,
    out: str | None,
) -> int:
    """Print, and do not run, the kubectl lines that record what answers QUESTION.

    QUESTION is where (the default), refused, mtls, names or gateway, or what analyze says is missing, such as
    app-leg-unseen.
    """
    from analyzer.base.errors import UsageError
    from analyzer.base.spelling import hint
    from analyzer.report.as_capture_plan import capture_plan_json, render_capture_plan
    from analyzer.verdict.capture_plan import TOPICS, plan_capture

    if question not in TOPICS:
        meant = hint(question, TOPICS) or f", expected one of {', '.join(TOPICS)}"
        raise UsageError(f"record: found {question!r}, which is no question{meant}")
    mesh = load(mesh_paths, mesh_config)
    plan = plan_capture(
        question, client=client, servers=servers, mesh=mesh, seconds=seconds, calls_per_second=rate, body_len=body
    )
    with output(out) as sink:
        if output_format == "json":
            sink.write(capture_plan_json(plan, image=image, folder=folder))
        else:
            sink.write(render_capture_plan(plan, image=image, folder=folder).encode())
    return mesh_exit_code(mesh) if mesh else 0
