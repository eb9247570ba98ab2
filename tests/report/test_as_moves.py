"""What another mesh would move, for people and for programs."""

from __future__ import annotations

import json

import pytest

from analyzer.base.place import YamlPlace
from analyzer.report.as_moves import (
    SHOWN_CHAINS,
    SHOWN_GROUPS,
    both_sides,
    moves_headline,
    moves_json,
    moves_jsonl,
    parting_steps,
    render_moves,
)
from analyzer.verdict.decision import Step
from analyzer.verdict.record import MovedCall, WhatIf

LINE = (YamlPlace("new/routes.yaml", 52, 7, "spec.http[1]"),)


@pytest.fixture
def what(shop):
    """Two calls of eleven move: one is dropped now, one was."""
    calls = shop.calls
    moves = (
        MovedCall(calls[0], calls[0].decision, calls[4].decision, LINE),
        MovedCall(calls[5], calls[4].decision, calls[0].decision, (*LINE, YamlPlace("old/routes.yaml", 3))),
    )
    return WhatIf(moves, calls=11, undecided=1, old=shop.mesh, new=shop.mesh)


def lines(what, **options):
    return [json.loads(line) for line in moves_jsonl(what, **options)]


def test_a_move_has_the_documented_fields(what) -> None:
    first = lines(what)[0]

    documented = ["kind", "id", "pod", "client", "server", "request", "protocol", "host", "sni", "path", "before",
                  "after", "yaml"]  # fmt: skip
    assert set(documented) <= set(first)
    assert next(iter(first)) == "kind"
    assert (first["kind"], first["host"], first["sni"]) == ("move", "reviews", None)
    assert first["yaml"] == ["new/routes.yaml:52"]
    assert {"verdict", "reason", "outbound", "gateway", "inbound", "evidence"} <= set(first["before"])


def test_json_is_the_same_as_one_object(what) -> None:
    whole = json.loads(b"".join(moves_json(what)))

    assert [{"kind": "move", **move} for move in whole["moves"]] == lines(what)
    assert (whole["whatif"]["calls"], whole["whatif"]["undecided"]) == (11, 1)


def test_nothing_that_moves_is_still_json() -> None:
    assert json.loads(b"".join(moves_json(WhatIf((), 0, 0)))) == {
        "whatif": {"schema": "meshverdict/1", "calls": 0, "moves": 0, "undecided": 0, "before": None, "after": None},
        "moves": [],
    }


def test_secrets_are_hidden_unless_asked_for(what) -> None:
    assert "CANARY" not in b"".join(moves_jsonl(what)).decode()
    assert "CANARY" not in b"".join(moves_json(what)).decode()
    assert "CANARY" not in render_moves(what)
    assert "CANARY" in b"".join(moves_jsonl(what, redact=False)).decode()
    assert "CANARY" in render_moves(what, redact=False)


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (WhatIf((), 0, 0), "No calls were found."),
        (WhatIf((), 1, 0), "Nothing moves: 1 call would end where they did."),
        (WhatIf((), 9, 2), "Nothing moves: 9 calls would end where they did, 2 of them undetermined in both meshes."),
    ],
)
def test_the_headline_where_nothing_moves(found, sentence) -> None:
    assert moves_headline(found) == sentence


def test_the_headline_counts(what) -> None:
    assert moves_headline(what).startswith("2 of 11 calls move; 9 would end where they did, 1 of them undetermined")


def test_the_page_shows_who_moves_where_and_by_which_line(what) -> None:
    page = render_moves(what)

    assert "service-matched → dropped" in page
    assert "moved by  new/routes.yaml:52  spec.http[1]" in page
    assert "new/routes.yaml:52 +1" in page
    assert max(map(len, page.splitlines())) <= 100


def test_both_chains_stand_side_by_side(what) -> None:
    page = render_moves(what, colour=True)
    sides = dict(both_sides(what.moves[0].before, what.moves[0].after))

    assert next(iter(sides)) == ""
    assert sides[""][0] == ("verdict", "service-matched", "dropped")
    assert ("local reply", "", "answers 404 (NR)") in sides["client's sidecar"]
    assert "\x1b[" in page
    assert "+ " in page
    assert "− " in page


def test_only_steps_of_the_mesh_are_held_against_each_other(shop) -> None:
    from analyzer.base.fact import replace

    decision = shop.calls[0].decision
    old = replace(decision, steps=(Step("a"), Step("by the way", aside=True), decision.steps[0]))
    new = replace(decision, steps=(Step("a"), Step("b")))

    left, come = parting_steps(old, new)

    assert ([s.sentence for s in left], [s.sentence for s in come]) == ([], ["b"])


def test_a_page_of_many_moves_shows_the_first(shop) -> None:
    from analyzer.base.fact import replace

    call = shop.calls[0]
    moves = tuple(
        MovedCall(replace(call, host=f"host-{n}"), call.decision, shop.calls[4].decision)
        for n in range(SHOWN_GROUPS + 2)
    )

    page = render_moves(WhatIf(moves, len(moves), 0))

    assert "… 2 more rows: -o json" in page
    assert page.count("BEFORE") == SHOWN_CHAINS
    assert f"… {SHOWN_GROUPS + 2 - SHOWN_CHAINS} more rows have both chains: -o json" in page


def test_what_stays_is_said_once_and_a_long_name_loses_nothing(what) -> None:
    page = render_moves(what, width=60)

    listener = next(line for line in page.splitlines() if line.strip().startswith("listener"))
    assert listener.endswith("the same")
    assert "…" not in page[page.index("BEFORE") :]


def test_calls_that_are_alike_share_a_row(shop) -> None:
    call = shop.calls[0]
    moves = tuple(MovedCall(call, call.decision, shop.calls[4].decision, LINE) for _ in range(5))

    assert "and 2 more" in render_moves(WhatIf(moves, 5, 0))
