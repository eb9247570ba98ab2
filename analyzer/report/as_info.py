"""What captures are: format, link types, whose pod, which side of the sidecar, and their health."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.report.as_json import capture_object, encode
from analyzer.report.layout import Page, Part
from analyzer.report.udp import udp_phrase
from analyzer.report.wording import format_bytes, format_count, format_span, format_time
from analyzer.verdict.record import CaptureRecord

# Oddities listed per capture; the JSON has all.
SHOWN_ODDITIES = 20


def info_json(captures: Sequence[CaptureRecord]) -> bytes:
    """``{"captures": [...]}``, one capture per line inside it."""
    return b'{"captures":[\n' + b",\n".join(encode(capture_object(capture)) for capture in captures) + b"]}\n"


def render_info(captures: Sequence[CaptureRecord], *, width: int = 100, colour: bool = False) -> str:
    """A block per capture."""
    page = Page(width=width, colour=colour)
    for number, capture in enumerate(captures):
        if number:
            page.blank()
        page.line((capture.name, "bold"))
        page.pairs(_facts(capture))
        for oddity in capture.oddities[:SHOWN_ODDITIES]:
            page.prose((oddity, "yellow"), indent=2, label=("! ", "yellow"))
        if len(capture.oddities) > SHOWN_ODDITIES:
            page.line((f"! and {len(capture.oddities) - SHOWN_ODDITIES:,} more", "yellow"), indent=2)
    return page.render()


def health_part(capture: CaptureRecord) -> Part:
    """``whole``, ``cut short``, or what stopped the reader, with its colour."""
    if capture.error:
        return (capture.error.removeprefix(f"{capture.name}: "), "red")
    return ("whole", "green") if capture.complete else ("cut short", "yellow")


def skipped_phrase(capture: CaptureRecord) -> str:
    """The records that are no calls' packets, by why: ``4 not-ip, 2 cut-header``."""
    return ", ".join(f"{count:,} {fate}" for fate, count in capture.fates if count and fate != "decoded")


def _facts(capture: CaptureRecord) -> list[tuple[str, Part]]:
    span = capture.last_ns - capture.first_ns
    when = f"{format_time(capture.first_ns)}, {format_span(span)}" if capture.records else "-"
    return [
        ("format", f"{capture.format}, {', '.join(capture.link_types) or 'no link type'}"),
        ("pod", capture.pod or "not known"),
        ("vantage", capture.vantage or "not known"),
        ("size", f"{format_count(capture.records, 'packet')}, {format_bytes(capture.bytes)}"),
        ("begins", when),
        ("holds", f"{format_count(capture.connections, 'connection')}, {format_count(capture.calls, 'call')}"),
        *((("UDP", f"{said}; past the mesh"),) if (said := udp_phrase([capture])) else ()),
        ("not used", skipped_phrase(capture) or "nothing"),
        ("health", health_part(capture)),
    ]
