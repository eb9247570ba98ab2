"""The timeline as text, or as one JSON object per line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzer.report.as_json import encode
from analyzer.report.layout import Page
from analyzer.report.phrase import packets_phrases
from analyzer.report.timeline import Event
from analyzer.report.wording import format_count, format_time

_STYLES = {
    "change": "bold cyan",
    "restart": "cyan",
    "first-failure": "bold red",
    "burst": "red",
    "reset": "yellow",
    "gap": "magenta",
}
# Packets cited of one event; the JSON has all.
SHOWN_PACKETS = 5
# Date, time and microseconds: hours are enough within a day, and the first line has the day.
_TIME = slice(11, 26)


def render_timeline(events: Sequence[Event], *, width: int = 100, colour: bool = False) -> str:
    """A paragraph per event, its time of day in front of it; a new day is said."""
    page = Page(width=width, colour=colour)
    if not events:
        page.line("Nothing failed, and no capture has a gap.")
        return page.render()
    page.line(f"{format_count(len(events), 'event')}, times in UTC.")
    day = ""
    for event in events:
        time = format_time(event.time_ns)
        if time[:10] != day:
            day = time[:10]
            page.heading(day)
        label = f"{time[_TIME]}  {event.kind:<13}  "
        page.prose(event.sentence, indent=2, label=(label, _STYLES[event.kind]))
        if event.packets:
            more = len(event.packets) - SHOWN_PACKETS
            said = ", ".join(packets_phrases(event.packets[:SHOWN_PACKETS]))
            page.prose((said + (f" and {more:,} more" if more > 0 else ""), "dim"), indent=2 + len(label))
    return page.render()


def timeline_jsonl(events: Sequence[Event]) -> Iterator[bytes]:
    """A line per event; ``packets`` are ``capture:packet``."""
    for event in events:
        yield (
            encode(
                {
                    "kind": "event",
                    "event": event.kind,
                    "time": format_time(event.time_ns),
                    "time_ns": event.time_ns,
                    "sentence": event.sentence,
                    "calls": event.calls,
                    "packets": [f"{place.capture}:{place.packet}" for place in event.packets],
                }
            )
            + b"\n"
        )
