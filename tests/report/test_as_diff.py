"""Two runs held against each other, for people and for programs."""

from __future__ import annotations

import json

import pytest

from analyzer.report.as_diff import diff_headline, diff_json, diff_jsonl, ending_phrase, render_diff
from analyzer.verdict.compare import Ending, ending_of
from analyzer.verdict.drift import EndingShare, RunDiff, ShareChange, key_of
from analyzer.verdict.record import MovedCall


@pytest.fixture
def diff(shop):
    calls = shop.calls
    good, bad = ending_of(calls[0].decision), ending_of(calls[4].decision)
    moves = (
        MovedCall(calls[5], calls[0].decision, calls[4].decision),
        MovedCall(calls[6], None, calls[6].decision),
        MovedCall(calls[7], calls[7].decision, None),
    )
    share = ShareChange(key_of(calls[0]), calls[0], (EndingShare(good, 9, 1), EndingShare(bad, 1, 9)))
    return RunDiff(moves, (share,), (20, 21))


def test_each_difference_is_a_line_that_says_what_it_is(diff) -> None:
    records = [json.loads(line) for line in diff_jsonl(diff)]

    assert [(r["kind"], r.get("change")) for r in records] == [
        ("move", "moved"),
        ("move", "new"),
        ("move", "gone"),
        ("share", None),
    ]
    assert (records[1]["before"], records[2]["after"]) == (None, None)
    assert records[3]["endings"][1] == {"end": "dropped NR", "before": 1, "after": 9}


def test_json_is_the_same_as_one_object(diff) -> None:
    whole = json.loads(b"".join(diff_json(diff)))
    records = [json.loads(line) for line in diff_jsonl(diff)]

    assert [{"kind": "move", **m} for m in whole["moves"]] + [
        {"kind": "share", **s} for s in whole["shares"]
    ] == records
    assert whole["diff"] == {"schema": "meshverdict/1", "calls": [20, 21], "moves": 3, "shares": 1}


def test_the_headline_counts_each_kind(diff) -> None:
    assert diff_headline(diff) == "1 moved, 1 new, 1 gone, 1 share changed; 20 calls before, 21 after."
    assert diff_headline(RunDiff((), (), (3, 3))) == "Nothing is different; 3 calls before, 3 after."


def test_the_page_tells_moves_and_shares(diff) -> None:
    page = render_diff(diff)

    assert "new → passthrough" in page
    assert "headless-matched → gone" in page
    assert "9 (90%)" in page


def test_without_shares_there_is_no_such_section() -> None:
    assert "SHARES" not in render_diff(RunDiff((), (), (1, 1)))


def test_secrets_are_hidden_unless_asked_for(diff) -> None:
    for render in (diff_json, diff_jsonl):
        assert "CANARY" not in b"".join(render(diff)).decode()
        assert "CANARY" in b"".join(render(diff, redact=False)).decode()
    assert "CANARY" not in render_diff(diff)
    assert "CANARY" in render_diff(diff, redact=False)


@pytest.mark.parametrize(
    ("ending", "phrase"),
    [
        (Ending("dropped", "", "", "NR", 404), "dropped NR"),
        (Ending("service-matched", "", "a", ""), "service-matched a"),
        (Ending("", "", "", ""), "undetermined"),
    ],
)
def test_an_ending_in_a_few_words(ending, phrase) -> None:
    assert ending_phrase(ending) == phrase
