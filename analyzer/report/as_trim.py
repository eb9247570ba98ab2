"""What trimming made of captures: their sizes before and after, and that every verdict is as it was."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.base.fact import Fact
from analyzer.report.as_json import encode
from analyzer.report.layout import Column, Page
from analyzer.report.wording import format_bytes, format_count

_COLUMNS = (
    Column("CAPTURE", least=24),
    Column("PACKETS", right=True),
    Column("KEPT", right=True),
    Column("SIZE", right=True),
    Column("NEW SIZE", right=True),
    Column("", right=True),
)


class TrimmedFile(Fact, frozen=True):
    """A capture that was cut: its name, the file that was written, and packets and bytes before and after."""

    capture: str
    file: str
    packets: tuple[int, int]
    sizes: tuple[int, int]


def trim_json(files: Sequence[TrimmedFile], calls: int) -> bytes:
    """``{"calls": n, "captures": [...]}``, one capture per line inside it; every call is as it was."""
    lines = (
        encode(
            {
                "capture": each.capture,
                "file": each.file,
                "packets": each.packets[0],
                "kept_packets": each.packets[1],
                "bytes": each.sizes[0],
                "new_bytes": each.sizes[1],
            }
        )
        for each in files
    )
    return b'{"calls":%d,"captures":[\n' % calls + b",\n".join(lines) + b"]}\n"


def render_trim(files: Sequence[TrimmedFile], calls: int, *, width: int = 100, colour: bool = False) -> str:
    """The sum in a sentence, then a line per capture."""
    page = Page(width=width, colour=colour)
    old, new = (sum(each.sizes[i] for each in files) for i in (0, 1))
    page.prose(
        f"{format_count(calls, 'call')}, each with the question, the verdict and the evidence that it had: "
        f"{format_bytes(old)} are {format_bytes(new)} now ({_percent(new, old)})."
    )
    page.blank()
    page.table(
        _COLUMNS,
        [
            (
                each.file,
                f"{each.packets[0]:,}",
                f"{each.packets[1]:,}",
                format_bytes(each.sizes[0]),
                format_bytes(each.sizes[1]),
                _percent(each.sizes[1], each.sizes[0]),
            )
            for each in files
        ],
    )
    return page.render()


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"
