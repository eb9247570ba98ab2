"""Numbers, times and sizes as every report writes them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND_NS = 1_000_000_000


@lru_cache(maxsize=1024)
def _format_second(second: int) -> str:
    return (_EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")


def format_time(time_ns: int) -> str:
    """RFC 3339 in UTC with nine decimals; any int64 of nanoseconds since the epoch has one."""
    second, nanosecond = divmod(time_ns, _SECOND_NS)
    return f"{_format_second(second)}.{nanosecond:09d}Z"


def format_span(duration_ns: int) -> str:
    """A duration in the unit that leaves it between 1 and 1000: ``0 s``, ``12.3 ms``, ``41.0 s``, ``12 min 5 s``."""
    if duration_ns <= 0:
        return "0 s"
    for unit, size in (("ns", 1), ("µs", 1_000), ("ms", 1_000_000)):
        if duration_ns < 1000 * size:
            return f"{duration_ns} ns" if size == 1 else f"{duration_ns / size:.1f} {unit}"
    seconds = duration_ns // _SECOND_NS
    if seconds < 100:
        return f"{duration_ns / _SECOND_NS:.1f} s"
    minutes, hours = seconds // 60, seconds // 3600
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min {seconds % 60} s"


def format_bytes(count: int) -> str:
    """A number of bytes in decimal units: ``212 B``, ``4.1 kB``, ``88.1 MB``."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{count} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def format_count(count: int, noun: str = "", plural: str = "") -> str:
    """``9,304`` or ``1 call`` or ``9,304 calls``; ``plural`` where an s is not enough."""
    if not noun:
        return f"{count:,}"
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def format_ranges(numbers: Iterable[int]) -> str:
    """Numbers sorted, runs of three and more drawn together: ``3, 5–9, 12``."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(_format_run(first, last) for first, last in runs)


def _format_run(first: int, last: int) -> str:
    if first == last:
        return str(first)
    return f"{first}, {last}" if last == first + 1 else f"{first}–{last}"
