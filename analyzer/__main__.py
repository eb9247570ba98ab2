"""``python -m analyzer`` and the command ``meshverdict`` are the same program."""

from __future__ import annotations

import sys

from analyzer.cli.program import run


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
