"""``route`` answers one line of JSON, or a text with the chain."""

from __future__ import annotations

import json

from analyzer.report.as_answer import answer_line, render_answer


def test_an_answer_is_a_name_and_its_decision(shop):
    line = answer_line("c1", shop.calls[0].decision)
    answer = json.loads(line)
    assert line.endswith(b"}\n")
    assert list(answer) == ["name", "verdict", "reason", "undetermined", "outbound", "gateway", "inbound", "evidence"]


def test_the_text_has_verdict_decision_and_chain(shop):
    text = render_answer("c1", shop.calls[4].decision, width=80)
    assert text.splitlines()[0] == "c1  dropped  no-route"
    assert "DECISION" in text
    assert "      mesh/routes.yaml:52" in text


def test_an_answer_without_a_name_begins_with_the_verdict(shop):
    assert render_answer("", shop.calls[9].decision).startswith("undetermined  weighted\n")
    assert "meshverdict codes weighted" in render_answer("", shop.calls[9].decision)
