"""What the terminal is like: its width, and whether it wants colours."""

from __future__ import annotations

import os
import shutil
import sys

# Width of text that goes to a file or a pipe: what fits a mail or an issue without wrapping.
PIPED_WIDTH = 100


def width(out: str | None) -> int:
    """Columns to fill: the terminal's (or COLUMNS), or a fixed number where the text goes elsewhere."""
    if out is not None or not (sys.stdout.isatty() or "COLUMNS" in os.environ):
        return PIPED_WIDTH
    return shutil.get_terminal_size((PIPED_WIDTH, 24)).columns


def colour(choice: str, out: str | None) -> bool:
    """Whether to colour text: by ``--color``, then NO_COLOR and FORCE_COLOR (no-color.org), then the terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return out is None and sys.stdout.isatty()
