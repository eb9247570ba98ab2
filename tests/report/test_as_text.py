"""The summary answers first, fits the terminal, and never lets a name out."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from analyzer.base.fact import replace
from analyzer.report.as_text import bar, render_text

RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]")


def test_the_first_line_is_the_answer_and_findings_follow(shop):
    lines = render_text(shop, width=80).splitlines()
    assert lines[0] == "11 calls: 2 dropped, 2 undetermined, 1 passthrough; 3 findings."
    assert lines[2] == "FINDINGS"


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal(shop, hostile, many, width):
    for run in (shop, hostile, many(500)):
        assert max(cell_len(line) for line in render_text(run, width=width).splitlines()) <= width


def test_calls_are_told_by_who_calls_what(shop):
    text = render_text(shop, width=120)
    assert re.search(r"shop/web-0 +reviews:9080 +3 +service +! reset by server ×1, 200 from app ×2", text)


def test_a_finding_says_where_it_stands_and_what_to_do(shop):
    text = render_text(shop, width=120)
    assert "no-route · calls 00000005, 00000006 · mesh/routes.yaml:44 · mesh/routes.yaml:52\n" in text
    assert "→ Add a catch-all route, or correct the match of the VirtualService." in text


@pytest.mark.parametrize(
    ("others", "more"), [((), ""), (("odd", "odder"), " (and 2 more oddities: `meshverdict info`)")]
)
def test_what_is_odd_about_a_capture_is_told_with_it(shop, others, more):
    capture = replace(shop.captures[0], name="x.pcap", fates=(), oddities=("x.pcap: 250 packets were dropped", *others))
    text = " ".join(render_text(replace(shop, captures=(capture,)), width=200).split())
    assert f"! x.pcap: 250 packets were dropped{more} MESH" in text


def test_the_same_advice_is_given_once(shop):
    text = render_text(replace(shop, findings=shop.findings[1:2] * 3), width=120)
    assert text.count("2 calls of shop/web-0 to ratings:9080") == 3
    assert text.count("→ Add a catch-all route") == 1


def test_mesh_input_that_could_not_be_used_is_told(shop):
    run = replace(shop, mesh=replace(shop.mesh, errors=("mesh/bad.yaml:3: not YAML",)))
    assert "  ! mesh/bad.yaml:3: not YAML\n" in render_text(run, width=80)


def test_an_unread_capture_and_a_limit_are_not_hidden(shop):
    text = render_text(shop, width=120)
    assert "shop_reviews-0.any.pcap: ends inside packet 231: 40 of 96 bytes are there" in text
    assert "flows: 65536 at once; 3 were closed early" in text


def test_the_hint_explains_the_first_finding(shop):
    assert "meshverdict explain … --call 00000004" in render_text(shop, width=80)


def test_without_a_mesh_the_hint_asks_for_one(bare):
    text = render_text(bare, width=80)
    assert "meshverdict analyze … -m MESH" in text
    assert "MESH\n" not in text.replace("-m MESH", "")


def test_a_run_of_nothing_is_one_sentence(empty):
    assert render_text(empty, width=80) == "No calls were found.\n"


def test_what_does_not_fit_is_counted(shop, many):
    calls = tuple(replace(call, host=f"h{i}") for i, call in enumerate(many(120).calls))
    text = render_text(replace(shop, calls=calls, findings=shop.findings * 10, captures=shop.captures * 10), width=80)
    assert "… and 18 more findings" in text
    assert re.search(r"… and \d+ more rows of \d+ calls", text)
    assert "… and 8 more captures" in text


def test_hostile_names_are_shown_and_do_nothing(hostile):
    text = render_text(hostile, width=100)
    assert not RAW.search(text)
    text.encode()


def test_colour_changes_nothing_but_colour(shop):
    coloured = render_text(shop, width=80, colour=True)
    assert re.sub(r" *\n", "\n", re.sub(r"\x1b\[[0-9;]*m", "", coloured)) == render_text(shop, width=80)


def test_secrets_are_shown_only_to_who_asks(shop):
    finding = replace(shop.findings[0], sentence="1 call to /?token=CANARY")
    run = replace(shop, findings=(finding,))
    assert "CANARY" not in render_text(run, width=80)
    assert "CANARY" in render_text(run, width=80, redact=False)


def test_a_bar_shows_whatever_is_more_than_nothing():
    assert (bar(0, 10, 8), bar(1, 100_000, 8), bar(5, 10, 8), bar(10, 10, 8)) == ("", "▏", "████", "████████")
