"""How the records of calls and flows stand in a report: what comes before their first field, and behind their end."""

from __future__ import annotations

from typing import NamedTuple


class RecordForm(NamedTuple):
    """What stands for the first brace of a call and of a flow, and what stands behind the last one."""

    call: str
    flow: str
    end: str


# JSON Lines: one object a line.
LINES = RecordForm('{"kind":"call",', '{"kind":"flow",', "\n")
# Lists in one object, a line for each record; the first one has a comma too many.
DOCUMENT = RecordForm(",\n{", ",\n{", "")
