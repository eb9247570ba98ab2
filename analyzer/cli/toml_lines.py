"""On which lines of a TOML file its keys stand: the reader of the standard library does not say."""

from __future__ import annotations

import re
from typing import Any

_KEY = re.compile(r"\s*(?P<key>[\w\-.\"' ]+?)\s*=")
_HEADER = re.compile(r"\s*\[+(?P<key>[^\[\]#]+)\]+")

KeyPath = tuple[str, ...]


def key_lines(text: str) -> dict[KeyPath, int]:
    """The 1-based line of every table and key by its path; of a key that is written twice the first.

    Lines inside texts or lists that look like keys may be there too: look up only what the reader found.
    """
    found: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        key = header or _KEY.match(line)
        path = _path_of(key["key"]) if key else None
        if path is None:
            continue
        if header:
            table = path
        found.setdefault(path if header else (*table, *path), number)
    return found


def _path_of(key: str) -> KeyPath | None:
    """The parts of a dotted key, unquoted as TOML does; None where it is none."""
    import tomllib  # few runs read such a file

    try:
        inner: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        return None
    path: list[str] = []
    while isinstance(inner, dict):
        ((name, inner),) = inner.items()
        path.append(name)
    return tuple(path)
