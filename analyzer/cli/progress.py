"""Progress on standard error: rate and time left on long work, silent when piped."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def showing_progress(*, enabled: bool) -> Iterator[Callable[[str, float], None] | None]:
    """A function that takes what is worked on and how far it is (0.0 to 1.0); None where nobody would see it."""
    if not (enabled and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from analyzer.base.escape import visible

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("captures", total=1.0)

        def progress(name: str, done: float) -> None:
            bar.update(task, description=visible(name).replace("[", r"\["), completed=done)

        yield progress
