"""JSON inside a page: nothing in it ends the element that holds it, no string is endless."""

from __future__ import annotations

import json

from analyzer.base.escape import shorten, visible

# What is told of one string.
CELL_LENGTH = 200


def cell(text: str) -> str:
    """A string as it is shown, at most ``CELL_LENGTH`` characters."""
    return shorten(visible(text), CELL_LENGTH)


def encoded(value: object) -> str:
    """JSON with ``<``, ``>`` and ``&`` escaped (HTML, section 4.12.1.3)."""
    plain = json.dumps(value, separators=(",", ":"))
    return plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
