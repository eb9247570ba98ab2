"""What another mesh would move: as text, as JSON, or as one JSON object per call that moves."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from analyzer.base.fact import replace
from analyzer.report.as_chain import VERDICT_STYLES
from analyzer.report.as_json import SCHEMA, Object, call_object, decision_object, encode, mesh_object
from analyzer.report.facts import ENVOYS, decision_sides, yaml_phrases
from analyzer.report.layout import Column, Long, Page, Part
from analyzer.report.move_groups import MoveGroup, ends_phrase, group_moves
from analyzer.report.phrase import reason_word, sent_phrase, verdict_word
from analyzer.report.private import redact_call, redact_decision
from analyzer.report.wording import format_count
from analyzer.verdict.decision import Decision, Step
from analyzer.verdict.record import MovedCall, WhatIf

# How many groups a page shows, and of how many of them both chains; the other formats have all.
SHOWN_GROUPS = 200
SHOWN_CHAINS = 8
SHOWN_PLACES = 3

_MOVED_BY = "moved by  "
_THE_SAME = "the same"

# The fields of a call that a move repeats; null where the call has none.
_CALL_FIELDS = ("id", "captures", "packets", "pod", "client", "server", "server_pod", "request", "protocol", "host",
                "method", "path", "sni", "time")  # fmt: skip


def move_object(move: MovedCall) -> Object:
    """One call that moves: who and what, both decisions with their evidence, and the lines that moved it."""
    call = call_object(move.call)
    return {
        **{name: call.get(name) for name in _CALL_FIELDS},
        "before": decision_object(move.before) if move.before else None,
        "after": decision_object(move.after) if move.after else None,
        "yaml": list(dict.fromkeys(place.file_line for place in move.yaml)),
    }


def moves_jsonl(what: WhatIf, *, redact: bool = True) -> Iterator[bytes]:
    """A line per call that moves."""
    for move in redact_moves(what).moves if redact else what.moves:
        yield encode({"kind": "move", **move_object(move)}) + b"\n"


def moves_json(what: WhatIf, *, redact: bool = True) -> Iterator[bytes]:
    """One object, a move per line inside it."""
    head = {
        "schema": SCHEMA,
        "calls": what.calls,
        "moves": len(what.moves),
        "undecided": what.undecided,
        "before": mesh_object(what.old) if what.old else None,
        "after": mesh_object(what.new) if what.new else None,
    }
    yield b'{"whatif":' + encode(head) + b',\n"moves":['
    separator = b"\n"
    for move in redact_moves(what).moves if redact else what.moves:
        yield separator + encode(move_object(move))
        separator = b",\n"
    yield b"]}\n"


def redact_moves(what: WhatIf) -> WhatIf:
    """The same without the secrets that were sent."""
    return replace(what, moves=tuple(map(redact_move, what.moves)))


def redact_move(move: MovedCall) -> MovedCall:
    """One move without the secrets that were sent in its call."""
    before, after = (redact_decision(each) if each else None for each in (move.before, move.after))
    return MovedCall(redact_call(move.call), before, after, move.yaml)


def moves_headline(what: WhatIf) -> str:
    """How much moves, in a sentence."""
    stay = what.calls - len(what.moves)
    unsure = f", {what.undecided:,} of them undetermined in both meshes" if what.undecided else ""
    if not what.calls:
        return "No calls were found."
    if not what.moves:
        return f"Nothing moves: {format_count(what.calls, 'call')} would end where they did{unsure}."
    verb = "moves" if len(what.moves) == 1 else "move"
    return (
        f"{len(what.moves):,} of {format_count(what.calls, 'call')} {verb}; {stay:,} would end where they did{unsure}."
    )


def render_moves(what: WhatIf, *, width: int = 100, colour: bool = False, redact: bool = True) -> str:
    """What moves, drawn together by who calls what; then both chains of each, side by side."""
    page = Page(width=width, colour=colour)
    groups = group_moves((redact_moves(what) if redact else what).moves)
    page.prose((moves_headline(what), "bold"))
    moves_section(page, groups)
    return page.render()


def moves_section(page: Page, groups: list[MoveGroup]) -> None:
    """The table of moves, and both chains of the first of them."""
    if not groups:
        return
    page.heading("MOVES")
    columns = [
        Column("FROM", 12),
        Column("TO", 18, long=Long.WRAP),
        Column("CALLS", right=True),
        Column("WHY"),
        Column("MOVED BY", 16, long=Long.CUT_START),
    ]
    sections: list[tuple[Part, list[list[Part]]]] = []
    for ends, members in groupby(groups[:SHOWN_GROUPS], key=lambda group: ends_phrase(group.before, group.after)):
        sections.append((ends, [_row(group) for group in members]))
    page.sections(columns, sections)
    if len(groups) > SHOWN_GROUPS:
        _more(page, len(groups) - SHOWN_GROUPS, "more row")
    moved = [group for group in groups if group.before is not None and group.after is not None]
    for group in moved[:SHOWN_CHAINS]:
        _both_chains(page, group)
    if len(moved) > SHOWN_CHAINS:
        page.blank()
        _more(page, len(moved) - SHOWN_CHAINS, "more row has both chains", "more rows have both chains")


def _more(page: Page, count: int, noun: str, plural: str = "") -> None:
    page.line((f"… {format_count(count, noun, plural)}: -o json tells all of them", "dim"), indent=2)


def _row(group: MoveGroup) -> list[Part]:
    lines = list(dict.fromkeys(place.file_line for place in group.yaml))
    more = f" +{len(lines) - 1}" if len(lines) > 1 else ""
    moved_by = f"{lines[0]}{more}" if lines else "-"
    why = group.after or group.before
    return [group.source, group.target, f"{len(group.moves):,}", reason_word(why) if why else "-", moved_by]


def _both_chains(page: Page, group: MoveGroup) -> None:
    before, after = group.before, group.after
    assert before is not None
    assert after is not None
    call = group.first.call
    ids = ", ".join(move.call.id for move in group.moves[:3])
    more = f" and {len(group.moves) - 3:,} more" if len(group.moves) > 3 else ""
    page.heading(f"{group.source} → {group.target}")
    page.line((f"{sent_phrase(call)} · {'call' if len(group.moves) == 1 else 'calls'} {ids}{more}", "dim"), indent=2)
    for number, place in enumerate(yaml_phrases(group.yaml[:SHOWN_PLACES])):
        page.prose(place, indent=2, label=(" " * len(_MOVED_BY) if number else _MOVED_BY, "bold"))
    page.sections(
        [Column(""), Column("BEFORE", 12, long=Long.WRAP), Column("AFTER", 12, long=Long.WRAP)],
        [(title, [_field(*row) for row in rows]) for title, rows in both_sides(before, after)],
    )
    left, come = parting_steps(before, after)
    for step in left:
        page.prose(step.sentence, indent=2, label=("− ", "red"))
    for step in come:
        page.prose(step.sentence, indent=2, label=("+ ", "green"))
        for place in yaml_phrases(step.yaml[:SHOWN_PLACES]):
            page.prose((place, "dim"), indent=4)


def parting_steps(before: Decision, after: Decision) -> tuple[list[Step], list[Step]]:
    """The steps of each decision that the other does not take; what the packets add is of one recording, no step."""
    old, new = ([step for step in d.steps if not step.aside and not step.packets] for d in (before, after))
    told_before, told_after = ({step.sentence for step in steps} for steps in (old, new))
    return [s for s in old if s.sentence not in told_after], [s for s in new if s.sentence not in told_before]


def both_sides(before: Decision, after: Decision) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Each Envoy's part of both decisions: name, what it was and what it is; empty text where one of them has none.

    The first part, without a title, is the verdict and its reason.
    """
    old, new = _sides(before), _sides(after)
    titles = [title for title in ("", *ENVOYS) if title in old or title in new]
    return [(title, _rows(old.get(title, {}), new.get(title, {}))) for title in titles]


def _sides(decision: Decision) -> dict[str, dict[str, str]]:
    sides = {title: dict(facts) for title, facts in decision_sides(decision)}
    return {"": {"verdict": verdict_word(decision.verdict), "reason": reason_word(decision)}, **sides}


def _rows(old: dict[str, str], new: dict[str, str]) -> list[tuple[str, str, str]]:
    return [(name, old.get(name, ""), new.get(name, "")) for name in dict.fromkeys((*old, *new))]


def _field(name: str, before: str, after: str) -> list[Part]:
    """A row; what stays is said once, so that what does not is seen."""
    if name == "verdict" and before != after:
        styles = {verdict_word(verdict): style for verdict, style in VERDICT_STYLES.items()}
        return [name, (before, styles[before]), (after, styles[after])]
    return [name, before or "-", (_THE_SAME, "dim") if before == after else (after or "-", "bold")]
