"""What somebody may have meant who wrote a name that there is not: the end of an error message."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

# Of a folder so many names are looked at: an error must not take longer than the work.
MAX_ENTRIES = 10_000


def hint(found: str, known: Iterable[str]) -> str:
    """``; is it 'host'?`` where one of ``known`` is spelled nearly like ``found``, else empty.

    Of names that differ in nothing but upper and lower case the case is what is wrong.
    """
    # An error ends the run: no other one pays for the import.
    from difflib import get_close_matches

    names = sorted(set(known) - {found})
    same = [name for name in names if name.lower() == found.lower()]
    near = same or get_close_matches(found, names, n=1)
    return f"; is it {near[0]!r}?" if near else ""


def path_hint(path: Path) -> str:
    """The same for the first part of a path that is not there, among what its folder has."""
    missing = path
    while missing != missing.parent and not missing.parent.is_dir():
        missing = missing.parent
    try:
        beside = [each.name for each in islice(missing.parent.iterdir(), MAX_ENTRIES)]
    except OSError:
        return ""
    return hint(missing.name, beside)
