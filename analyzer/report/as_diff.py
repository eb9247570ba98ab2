"""Two runs held against each other: as text, as JSON, or as one JSON object per difference."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.base.fact import replace
from analyzer.report.as_json import SCHEMA, Object, encode
from analyzer.report.as_moves import move_object, moves_section, redact_move
from analyzer.report.layout import Column, Long, Page, Part
from analyzer.report.move_groups import group_moves
from analyzer.report.phrase import UNDETERMINED, source_phrase, target_phrase
from analyzer.report.private import redact_call
from analyzer.report.wording import format_count
from analyzer.verdict.compare import Ending
from analyzer.verdict.drift import RunDiff, ShareChange
from analyzer.verdict.record import MovedCall

# What a call that is different is called: by whether it has a before and an after.
KINDS = {(True, True): "moved", (False, True): "new", (True, False): "gone"}


_SHARE_COLUMNS = (
    Column("FROM", 12),
    Column("TO", 16, long=Long.WRAP),
    Column("ENDS", 16, long=Long.WRAP),
    Column("BEFORE", right=True),
    Column("AFTER", right=True),
)


def kind_of(move: MovedCall) -> str:
    """``moved``, ``new`` or ``gone``."""
    return KINDS[move.before is not None, move.after is not None]


def redact_diff(diff: RunDiff) -> RunDiff:
    """The same without the secrets that were sent."""
    shares = tuple(replace(share, first=redact_call(share.first)) for share in diff.shares)
    return replace(diff, moves=tuple(map(redact_move, diff.moves)), shares=shares)


def diff_jsonl(diff: RunDiff, *, redact: bool = True) -> Iterator[bytes]:
    """A line per call that moved, is new or gone (``kind: move``), then one per changed share (``kind: share``)."""
    shown = redact_diff(diff) if redact else diff
    for move in shown.moves:
        yield encode({"kind": "move", **_difference(move)}) + b"\n"
    for share in shown.shares:
        yield encode({"kind": "share", **_share_object(share)}) + b"\n"


def diff_json(diff: RunDiff, *, redact: bool = True) -> Iterator[bytes]:
    """One object, a difference per line inside it."""
    shown = redact_diff(diff) if redact else diff
    head = {"schema": SCHEMA, "calls": diff.calls, "moves": len(diff.moves), "shares": len(diff.shares)}
    yield b'{"diff":' + encode(head)
    for name, objects in (("moves", map(_difference, shown.moves)), ("shares", map(_share_object, shown.shares))):
        yield b',\n"' + name.encode() + b'":['
        separator = b"\n"
        for fields in objects:
            yield separator + encode(fields)
            separator = b",\n"
        yield b"]"
    yield b"}\n"


def diff_headline(diff: RunDiff) -> str:
    """How much is different, in a sentence."""
    runs = f"{diff.calls[0]:,} calls before, {diff.calls[1]:,} after"
    counts = {kind: sum(kind_of(move) == kind for move in diff.moves) for kind in KINDS.values()}
    told = [f"{count:,} {kind}" for kind, count in counts.items() if count]
    if diff.shares:
        told.append(f"{format_count(len(diff.shares), 'share')} changed")
    return f"{', '.join(told) or 'Nothing is different'}; {runs}."


def render_diff(diff: RunDiff, *, width: int = 100, colour: bool = False, redact: bool = True) -> str:
    """What is different, drawn together by who calls what."""
    shown = redact_diff(diff) if redact else diff
    page = Page(width=width, colour=colour)
    page.prose((diff_headline(shown), "bold"))
    moves_section(page, group_moves(shown.moves))
    if shown.shares:
        page.heading("SHARES")
        page.table(_SHARE_COLUMNS, [row for share in shown.shares for row in _share_rows(share)])
    return page.render()


def ending_phrase(ending: Ending) -> str:
    """Where calls ended, in a few words."""
    where = ending.flag or ending.gateway or ending.cluster or ending.inbound
    return f"{ending.verdict or UNDETERMINED} {where}".rstrip()


def _difference(move: MovedCall) -> Object:
    return {"change": kind_of(move), **move_object(move)}


def _share_object(share: ShareChange) -> Object:
    return {
        "pod": share.first.pod,
        "client": share.key.client,
        "target": share.key.target,
        "protocol": share.key.protocol,
        "method": share.key.method or None,
        "path": share.key.path or None,
        "endings": [
            {"end": ending_phrase(each.ending), "before": each.before, "after": each.after} for each in share.shares
        ],
    }


def _share_rows(share: ShareChange) -> list[list[Part]]:
    before, after = (sum(getattr(each, when) for each in share.shares) for when in ("before", "after"))
    rows: list[list[Part]] = []
    for each in share.shares:
        who = [source_phrase(share.first), target_phrase(share.first)] if not rows else ["", ""]
        shares = [f"{each.before:,} ({each.before / before:.0%})", f"{each.after:,} ({each.after / after:.0%})"]
        rows.append([*who, ending_phrase(each.ending), *shares])
    return rows
