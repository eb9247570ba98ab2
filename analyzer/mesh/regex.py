"""The one door to RE2, the engine that Envoy matches with: linear time, whole-string matches."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

# Envoy refuses to load larger programs (re2.max_program_size.error_level is 100 by default, Istio raises it to 32768).
MAX_PATTERN_LENGTH = 4096


def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    return options


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> Any | None:
    """The compiled pattern, or None where RE2 refuses it."""
    if len(pattern) > MAX_PATTERN_LENGTH:
        return None
    try:
        return re2.compile(pattern.encode("utf-8"), _options())
    except re2.error:
        return None


def full_match(pattern: str, text: str) -> bool:
    """Whether ``pattern`` matches all of ``text``; a pattern that RE2 refuses matches nothing."""
    compiled = compile_pattern(pattern)
    return compiled is not None and compiled.fullmatch(text.encode("utf-8", "surrogateescape")) is not None


def replace_all(pattern: str, replacement: str, text: str) -> str:
    r"""``text`` with every match replaced; ``\1`` stands for a group. Unchanged where RE2 refuses either."""
    compiled = compile_pattern(pattern)
    if compiled is None:
        return text
    try:
        replaced: bytes = compiled.sub(replacement.encode("utf-8"), text.encode("utf-8", "surrogateescape"))
    except (re2.error, IndexError, ValueError):
        return text
    return replaced.decode("utf-8", "surrogateescape")
