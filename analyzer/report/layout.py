"""Text for a terminal: headings, paragraphs, tables that fit. The one place of this room that knows rich.

Every string is made visible on its way in, and nothing is read as markup, so what comes from the wire cannot style,
steer or wrap the page. Colours are the sixteen of the terminal's own theme.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import zip_longest
from types import MappingProxyType

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.console import Console
from rich.text import Text

from analyzer.base.escape import ELLIPSIS, shorten, visible
from analyzer.base.fact import Fact

# Below this a table of calls has no room for a name.
LEAST_WIDTH = 60
# Longer lines of prose are hard to read, however wide the terminal is.
PROSE_WIDTH = 100
# What is shown of one string, however long it was on the wire.
SHOWN_LENGTH = 512

_GAP = 2
# Where a long name of Envoy's or of a file may part.
_SIGNS = "|./-: "

Part = str | tuple[str, str]
Line = Part | Sequence[Part]
Row = Sequence[Part]


class Long(Enum):
    """What becomes of text that does not fit: it loses a part to an ellipsis, or goes on below itself."""

    CUT_START = "cut-start"
    CUT_MIDDLE = "cut-middle"
    CUT_END = "cut-end"
    WRAP = "wrap"


class Column(Fact, frozen=True):
    """A column of a table.

    ``least`` is what it may shrink to, 0 keeps its natural width; ``long`` is what becomes of text that does not fit.
    """

    title: str
    least: int = 0
    right: bool = False
    style: str = ""
    long: Long = Long.CUT_MIDDLE


class Page:
    """Lines of text in the making; ``width`` columns at most, 60 at least."""

    def __init__(self, *, width: int, colour: bool) -> None:
        self.width = max(width, LEAST_WIDTH)
        self._colour = colour
        self._out = io.StringIO()
        self._console = Console(
            file=self._out,
            width=self.width,
            height=25,
            force_terminal=colour,
            # In a notebook rich would show each line by itself instead of writing it.
            force_jupyter=False,
            color_system="standard" if colour else None,
            no_color=not colour,
            force_interactive=False,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
            _environ={},
        )

    def blank(self) -> None:
        """An empty line."""
        self._out.write("\n")

    def heading(self, title: str) -> None:
        """A section's title, an empty line before it."""
        self.blank()
        self._print(styled((title, "bold")))

    def line(self, line: Line, *, indent: int = 0) -> None:
        """One line, cut with an ellipsis where it does not fit."""
        text = styled(line)
        text.truncate(self.width - indent, overflow="ellipsis")
        self._print(Text(" " * indent) + text)

    def prose(self, line: Line, *, indent: int = 0, label: Part = "", style: str = "") -> None:
        """A paragraph; ``label`` stands before its first line, and the others begin where the first one does."""
        text, mark = styled(line), styled(label)
        text.stylize(style)
        blanks = Text(" " * mark.cell_len)
        room = min(self.width, PROSE_WIDTH + indent) - indent - mark.cell_len
        for number, wrapped in enumerate(text.wrap(self._console, room)):
            wrapped.rstrip()
            self._print(Text(" " * indent) + (blanks if number else mark) + wrapped)

    def pairs(self, rows: Iterable[tuple[Part, Line]], *, indent: int = 2) -> None:
        """Names and values in two columns; values wrap under themselves."""
        listed = list(rows)
        wide = max((cell_len(_content(name)) for name, _ in listed), default=0) + _GAP
        for name, value in listed:
            style = name[1] if isinstance(name, tuple) else "dim"
            self.prose(value, indent=indent, label=(set_cell_size(_content(name), wide), style))

    def items(self, items: Iterable[str], *, indent: int = 0, style: str = "") -> None:
        """Short things with dots between them, a new line only between two of them."""
        room = self.width - indent
        lines: list[str] = []
        for item in items:
            shown = cut_middle(_content(item), room)
            if lines and cell_len(lines[-1]) + cell_len(shown) + 3 <= room:
                lines[-1] += f" · {shown}"
            else:
                lines.append(shown)
        for line in lines:
            self._print(Text(" " * indent) + Text(line, style))

    def table(self, columns: Sequence[Column], rows: Sequence[Row], *, indent: int = 2) -> None:
        """A table of one line per row, with titles where there are any."""
        self.sections(columns, [("", rows)], indent=indent)

    def sections(
        self, columns: Sequence[Column], sections: Sequence[tuple[Part, Sequence[Row]]], *, indent: int = 2
    ) -> None:
        """Tables under one row of titles and with the same widths, each after its own title where that is not empty."""
        named = any(title for title, _ in sections)
        inner = indent + (2 if named else 0)
        widths = fit(columns, [row for _, rows in sections for row in rows], self.width - inner)
        if any(column.title for column in columns):
            titles = [(column.title, "dim") for column in columns]
            self._print(Text(" " * inner) + _row(columns, titles, widths))
        for title, rows in sections:
            if title:
                self.line(title, indent=indent)
            for line in (line for row in rows for line in _wrapped(columns, row, widths)):
                self._print(Text(" " * inner) + _row(columns, line, widths))

    def render(self) -> str:
        """All lines so far, a newline after each; no line ends with a blank."""
        text = self._out.getvalue()
        return text if self._colour else "".join(f"{line.rstrip()}\n" for line in text.splitlines())

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)


def styled(line: Line) -> Text:
    """Rich text of parts, each a string or ``(string, style)``; what is in a string is shown, never obeyed."""
    text = Text()
    for part in [line] if isinstance(line, str) or _is_part(line) else line:
        content, style = part if isinstance(part, tuple) else (part, "")
        text.append(shorten(visible(str(content)), SHOWN_LENGTH), style or None)
    return text


def fit(columns: Sequence[Column], rows: Sequence[Row], width: int) -> list[int]:
    """The width of each column, so that a row takes ``width`` where the columns that may shrink allow it."""
    widths = [
        max([cell_len(column.title), *(cell_len(_content(row[i])) for row in rows)]) for i, column in enumerate(columns)
    ]
    room = width - _GAP * (len(columns) - 1)
    while sum(widths) > room:
        spare = [(widths[i] - column.least if column.least else 0, i) for i, column in enumerate(columns)]
        most, widest = max(spare, key=lambda item: (item[0], widths[item[1]], -item[1]))
        if most <= 0:
            break
        widths[widest] -= 1
    return widths


def cut_middle(text: str, width: int) -> str:
    """``text`` in ``width`` cells at most, the middle replaced by an ellipsis where it does not fit."""
    if cell_len(text) <= width:
        return text
    head = (width - 1) // 2
    front = chop_cells(text, head)[0] if head else ""
    back = width - 1 - cell_len(front)
    tail = chop_cells(text[::-1], back)[0][::-1] if back else ""
    return front + ELLIPSIS + tail


def wrap_name(text: str, width: int) -> list[str]:
    """A name in pieces of ``width`` cells at most, parted behind a sign of it where there is one near the end."""
    pieces = []
    while cell_len(text) > width:
        piece = chop_cells(text, width)[0]
        end = max(piece.rfind(sign) for sign in _SIGNS) + 1
        piece = piece[:end] if end > len(piece) // 2 else piece
        pieces.append(piece)
        text = text[len(piece) :]
    return [*pieces, text]


def _wrapped(columns: Sequence[Column], row: Row, widths: Sequence[int]) -> Iterator[Row]:
    """The lines that a row takes."""
    cells: list[list[Part]] = []
    for column, part, width in zip(columns, row, widths, strict=True):
        style = part[1] if isinstance(part, tuple) else ""
        pieces = wrap_name(_content(part), width) if column.long is Long.WRAP else []
        cells.append([(piece, style) for piece in pieces] if len(pieces) > 1 else [part])
    yield from zip_longest(*cells, fillvalue="")


def _cut_end(text: str, width: int) -> str:
    return text if cell_len(text) <= width else chop_cells(text, width - 1)[0] + ELLIPSIS


def _cut_start(text: str, width: int) -> str:
    return _cut_end(text[::-1], width)[::-1]


_CUTS: Mapping[Long, Callable[[str, int], str]] = MappingProxyType(
    {Long.CUT_START: _cut_start, Long.CUT_MIDDLE: cut_middle, Long.CUT_END: _cut_end, Long.WRAP: cut_middle}
)


def _row(columns: Sequence[Column], row: Row, widths: Sequence[int]) -> Text:
    line = Text()
    for i, (column, part) in enumerate(zip(columns, row, strict=True)):
        style = part[1] if isinstance(part, tuple) else column.style
        shown = _CUTS[column.long](_content(part), widths[i])
        blanks = " " * (widths[i] - cell_len(shown))
        line.append(blanks + shown if column.right else shown, style or None)
        if i + 1 < len(columns):
            line.append(("" if column.right else blanks) + " " * _GAP)
    return line


def _content(part: Part) -> str:
    return shorten(visible(part[0] if isinstance(part, tuple) else part), SHOWN_LENGTH)


def _is_part(line: Line) -> bool:
    return isinstance(line, tuple) and len(line) == 2 and all(isinstance(item, str) for item in line)
