"""The file of recorded ends that ``check --update`` writes: YAML to be reviewed like code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from analyzer.report.as_json import encode
from analyzer.verdict.check.expected import RecordedCall, recorded_object

_HEAD = "# Who called what, and where it ended. Written by `meshverdict check --update`; review it like code.\n"


def render_expected(recorded: Iterable[RecordedCall]) -> Iterator[bytes]:
    """The file, one line per end, so that a change of one end is a change of one line."""
    yield _HEAD.encode()
    found = False
    for each in recorded:
        found = True
        fields = recorded_object(each)
        ends: Any = fields.pop("ends")
        lines = [f"{name}: {_scalar(value)}" for name, value in fields.items()]
        text = "- " + "\n  ".join([*lines, "ends:"]) + "\n"
        text += "".join(
            f"  - {{{', '.join(f'{name}: {_scalar(value)}' for name, value in end.items())}}}\n" for end in ends
        )
        yield text.encode()
    if not found:
        yield b"[]\n"


def _scalar(value: object) -> str:
    """A value as JSON, which YAML 1.2 reads alike; nothing from the wire is ever a plain scalar."""
    return encode(value).decode()
