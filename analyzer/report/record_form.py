"""How records stand in a report: what comes before their first field, and behind their end."""

from __future__ import annotations

from typing import NamedTuple


class RecordForm(NamedTuple):
    """What stands for a record's first brace, ``{kind}`` being its kind, and what stands behind its last one."""

    before: str
    behind: str

    def opening(self, kind: str) -> str:
        """What stands for the first brace of a record of a kind."""
        return self.before.format(kind=kind)

    def record(self, kind: str, text: str) -> str:
        """A record of a kind, of which ``text`` is the whole object."""
        return f"{self.opening(kind)}{text[1:]}{self.behind}"


# JSON Lines: one object a line.
LINES = RecordForm('{{"kind":"{kind}",', "\n")
# Lists in one object, a line for each record; the first one has a comma too many.
DOCUMENT = RecordForm(",\n{{", "")
