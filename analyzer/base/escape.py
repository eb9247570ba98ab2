"""Text that somebody else wrote, made safe to show: on a terminal, in a CSV cell, in a line of JSON.

What may not pass raw: C0 and C1 controls and DEL (they steer terminals), bidirectional controls (Unicode UAX #9; they
let text read as something else), line and paragraph separators, invisible format characters, and surrogates (they are
no text at all: Python uses them for bytes that are no UTF-8, PEP 383).
"""

from __future__ import annotations

import re
from functools import lru_cache

ELLIPSIS = "…"

# Cc but for what JSON already escapes, zero-width and bidi controls, separators, BOM, interlinear and tag characters.
_INVISIBLE = (
    "\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff"
)
_UNSAFE = re.compile(f"[\x00-\x1f{_INVISIBLE}]")
_UNSAFE_IN_JSON = re.compile(f"[{_INVISIBLE}]")
# First characters that make a spreadsheet read a formula (OWASP, CSV Injection), with their full-width twins.
_FORMULA = re.compile("[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _escape_utf16(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


@lru_cache(maxsize=1024)
def visible(text: str) -> str:
    r"""``text`` on one line with every control, invisible or bidi character as ``\x1b``, ``\u202e`` or ``\U000e0001``.

    A byte kept by ``surrogateescape`` prints as ``\xNN``. A backslash stays as it is: this is to be read, not reversed.
    """
    return _UNSAFE.sub(_escape, text)


def shorten(text: str, limit: int) -> str:
    """The first ``limit`` characters at most, the last of them an ellipsis where something was cut; ``limit`` >= 1."""
    return text if len(text) <= limit else text[: limit - 1] + ELLIPSIS


def csv_cell(text: str) -> str:
    """``text`` as a cell that no spreadsheet reads as a formula: visible, and with ``'`` before what would start one.

    Blanks before the sign do not count, since importers trim them. Quoting is the CSV writer's work.
    """
    trigger = text.lstrip(" ")[:1]
    shown = visible(text)
    return f"'{shown}" if trigger and _FORMULA.match(trigger) else shown


def inert_json(encoded: bytes) -> bytes:
    r"""JSON with nothing invisible in it: C1 controls, bidi and the like become ``\uXXXX``, so the values stay equal.

    ``encoded`` is valid JSON in UTF-8, whose encoder has escaped the C0 controls already (RFC 8259 section 7).
    """
    if encoded.isascii() and b"\x7f" not in encoded:
        return encoded
    return _UNSAFE_IN_JSON.sub(_escape_utf16, encoded.decode()).encode()


def without_surrogates(value: object) -> object:
    """A JSON-like value with each lone surrogate made visible; for the rare text that UTF-8 cannot carry."""
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", _escape, value)
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_surrogates(item) for item in value]
    return value
