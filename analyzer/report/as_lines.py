"""Calls as they end: a line of text each, for somebody who watches."""

from __future__ import annotations

from analyzer.base.escape import shorten, visible
from analyzer.report.phrase import reason_word, source_phrase, target_phrase, verdict_word
from analyzer.report.private import redact_call
from analyzer.report.wording import format_time
from analyzer.verdict.record import CallRecord

# What is asked for may be as long as Envoy takes.
_MAX_REQUEST = 120


def call_line(call: CallRecord, *, redact: bool = True) -> str:
    """When, who, whom, what for, the verdict with its reason, and what the packets show."""
    shown = redact_call(call) if redact else call
    seen = str(shown.observed.status or shown.observed.outcome)
    differs = " (differs)" if shown.observed.agrees is False else ""
    asked = " ".join(word for word in (shown.method, shown.path) if word)
    words = (
        format_time(shown.first_ns)[11:-4],
        f"{source_phrase(shown)} > {target_phrase(shown)}",
        shorten(asked, _MAX_REQUEST) or shown.protocol,
        f"{verdict_word(shown.decision.verdict)} ({reason_word(shown.decision)})",
        f"{seen}{differs}",
    )
    return "  ".join(visible(word) for word in words)
