"""Moments as people write them: seconds since the epoch, or RFC 3339."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from analyzer.base.errors import UsageError

_SECOND_NS = 1_000_000_000


def parse_moment(text: str, what: str) -> int:
    """Nanoseconds since the epoch; ``what`` begins the ``UsageError`` that other text raises. No zone means UTC."""
    try:
        return int(Decimal(text) * _SECOND_NS)
    except (ArithmeticError, ValueError):
        pass
    try:
        # RFC 3339 section 5.6: T and Z may be lower case, which Python does not take.
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.upper()))
    except ValueError:
        raise UsageError(f"{what}: found {text!r}, expected seconds since the epoch or an RFC 3339 time") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    fraction = re.search(r"\.(\d+)", text)
    nanoseconds = int(fraction[1][:9].ljust(9, "0")) if fraction else 0
    return (delta.days * 86_400 + delta.seconds) * _SECOND_NS + nanoseconds


def format_moment(time_ns: int) -> str:
    """RFC 3339 in UTC with milliseconds, for sentences; what ``parse_moment`` takes."""
    second, rest = divmod(time_ns, _SECOND_NS)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z"
