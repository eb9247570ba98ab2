"""Progress on standard error: rate and time left on long work, silent when piped."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from analyzer.base.watch import Progress


@contextmanager
def showing_progress(*, enabled: bool) -> Iterator[Progress | None]:
    """What a run tells its progress to; None where nobody would see it. The rate is that of captures' bytes."""
    if not (enabled and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    from analyzer.base.escape import visible

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("captures")

        def progress(name: str, done: float, size: int) -> None:
            bar.update(task, description=visible(name).replace("[", r"\["), completed=done * size, total=size)

        yield progress
