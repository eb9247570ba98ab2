"""``python -m analyzer`` and the command ``meshverdict`` are the same program."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress

from analyzer.cli.program import run


def main() -> None:
    """Run the command line and leave with its exit code."""
    # What a run makes is in use until its end: looking for garbage in it takes time and finds none.
    gc.disable()
    # NumPy starts a thread for each core at its import, for linear algebra, of which there is none here.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    _replace_closed_streams()
    kept: list[object] = []
    code = run(sys.argv[1:], kept)
    if kept:
        _leave_at_once(code)
    sys.exit(code)


def _replace_closed_streams() -> None:
    """What was closed before the start (``>&-``): an output that nobody reads is a closed pipe, the others are empty.

    Otherwise the first files that are opened would take their numbers.
    """
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115
    if sys.stdout is None:
        reading, writing = os.pipe()
        os.close(reading)
        sys.stdout = open(writing, "w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def _leave_at_once(code: int) -> None:
    """To take a large run apart object by object takes a second; the system does it at once."""
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
