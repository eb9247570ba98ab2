"""The page is counted and cut before a template sees it, and what was cut is said."""

from __future__ import annotations

from analyzer.base.fact import replace
from analyzer.report.view import SHOWN_DETAILS, SHOWN_LOST, SHOWN_MEMBERS, page_view


def view(analysis, *, codes=(), yaml_lines=None, redacted=True):
    return page_view(analysis, codes=codes, yaml_lines=yaml_lines or {}, redacted=redacted)


def test_a_finding_links_to_the_row_that_holds_its_call(shop):
    page = view(shop)
    rows = {row.anchor: row for row in page.rows}
    for group in page.findings:
        for call_id, anchor in group.first[0].links:
            assert call_id in [member[0] for member in rows[anchor].members]


def test_findings_of_a_code_stand_together_and_the_same_advice_only_once(shop):
    finding = shop.findings[1]
    page = view(replace(shop, findings=(finding, shop.findings[0], *[replace(finding, sentence="another")] * 6)))
    assert [(group.code, group.calls) for group in page.findings] == [("no-route", 2), ("observed-differs", 1)]
    assert [bool(shown.advice) for shown in page.findings[0].first] == [True, False, False, False]
    assert len(page.findings[0].rest) == 3


def test_a_line_of_yaml_is_shown_where_it_is_given(shop):
    page = view(shop, yaml_lines={"mesh/routes.yaml:44": "   - match:  "})
    assert page.findings[1].first[0].yaml == (("mesh/routes.yaml:44", "- match:"), ("mesh/routes.yaml:52", ""))


def test_shares_are_of_all_calls_and_reasons_ranked(shop):
    verdicts = {verdict.word: verdict for verdict in view(shop).verdicts}
    assert (verdicts["dropped"].count, verdicts["dropped"].share, verdicts["dropped"].width) == (2, "18.2 %", 182)
    assert verdicts["undetermined"].reasons == (("encrypted", 1), ("weighted", 1))


def test_a_single_call_among_thousands_still_has_a_bar(many):
    run = many(5000)
    odd = replace(run.calls[0], decision=replace(run.calls[6].decision, verdict="headless-matched"))
    matched = tuple(replace(call, decision=run.calls[2].decision) for call in run.calls[1:])
    widths = {verdict.word: verdict.width for verdict in view(replace(run, calls=(odd, *matched))).verdicts}
    assert widths["headless-matched"] == 3


def test_rows_beyond_those_with_a_chain_have_none_and_the_page_says_so(many):
    run = many(2600)
    page = view(replace(run, calls=tuple(replace(call, host=f"h{i}") for i, call in enumerate(run.calls))))
    assert len(page.rows) == SHOWN_DETAILS
    assert all(row.detail is not None for row in page.rows)
    assert len(page.bare_rows) > 1000
    assert all(row.detail is None for row in page.bare_rows)
    assert any(cut.startswith(f"The first {SHOWN_DETAILS} of ") for cut in page.cuts)


def test_a_finding_says_since_when_and_what_the_packets_show(shop):
    seen = [finding.seen for group in view(shop).findings for finding in group.first]
    assert seen[1].startswith("since 2025-11-21T08:00:01.250Z, last at ")
    assert seen[1].endswith("the packets show: 404 from envoy")


def test_calls_under_a_row_are_capped_and_the_rest_counted(many):
    row = max(view(many(1100)).rows, key=lambda row: row.count)
    assert (len(row.members), row.more_members) == (SHOWN_MEMBERS, row.count - SHOWN_MEMBERS)


def test_a_known_code_says_what_would_settle_it(shop, codes):
    rows = [row for row in view(shop, codes=codes).rows if row.reason == "encrypted"]
    assert rows[0].detail.missing[0][2].startswith("Capture with `-i any`")
    unknown = [row for row in view(shop).rows if row.reason == "encrypted"]
    assert unknown[0].detail.missing == (("encrypted", "", ""),)


def test_redaction_is_mentioned_only_where_it_was_done(shop):
    assert any("[redacted]" in cut for cut in view(shop).cuts)
    assert not any("[redacted]" in cut for cut in view(shop, redacted=False).cuts)


def test_a_run_without_mesh_or_calls_has_a_page(empty, bare):
    assert (view(empty).rows, view(empty).mesh_kinds, view(empty).subtitle) == ((), None, "0 captures")
    assert view(bare).mesh_kinds is None


def test_a_capture_says_its_health(shop):
    assert [(capture.healthy, capture.health) for capture in view(shop).captures] == [
        (True, "whole"),
        (False, "ends inside packet 231: 40 of 96 bytes are there"),
    ]
    cut = replace(shop.captures[0], complete=False)
    assert view(replace(shop, captures=(cut,))).captures[0].health == "cut short"


def test_of_many_candidates_that_lost_the_first_are_shown_and_the_rest_counted(shop):
    call = shop.calls[4]
    step = call.decision.steps[2]
    many = replace(step, lost=step.lost * 100)
    decision = replace(call.decision, steps=(many,))

    (row,) = view(replace(shop, calls=(replace(call, decision=decision),), findings=())).rows

    (shown,) = row.detail.steps
    assert (len(shown.lost), shown.more_lost) == (SHOWN_LOST, 200 - SHOWN_LOST)
