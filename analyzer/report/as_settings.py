"""Settings: name, value, and where each stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analyzer.report.as_json import encode
from analyzer.report.layout import Column, Long, Page, Row

# Name, value, origin, and whether something else goes before it.
SettingRow = tuple[str, Any, str, bool]

# Where it is narrow, values are shortened: names and places are what people look for, and copy.
_COLUMNS = (Column("SETTING"), Column("VALUE", least=20, long=Long.WRAP), Column("FROM"))


def settings_json(rows: Sequence[SettingRow]) -> bytes:
    """``{"settings": [...]}``, one a line inside it."""
    lines = (
        encode({"name": name, "value": _plain(value), "origin": origin, "overridden": overridden})
        for name, value, origin, overridden in rows
    )
    return b'{"settings":[\n' + b",\n".join(lines) + b"]}\n"


def render_settings(rows: Sequence[SettingRow], *, origin: bool = False, width: int = 100, colour: bool = False) -> str:
    """A line each; what something else goes before is dim, and says so with its ``origin``."""
    page = Page(width=width, colour=colour)
    if not rows:
        page.line("Nothing is set: every option has its default.")
        return page.render()
    columns = _COLUMNS if origin else _COLUMNS[:2]
    page.table(columns, [_row(each)[: len(columns)] for each in rows], indent=0)
    return page.render()


def _row(row: SettingRow) -> Row:
    name, value, origin, overridden = row
    style = "dim" if overridden else ""
    said = f"{origin} (a variable goes before it)" if overridden else origin
    return ((name, style), (_text(value), style), (said, style or "dim"))


def _text(value: Any) -> str:
    if value is None or value == ():
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
