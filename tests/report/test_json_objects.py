"""Every record has one object, with the fields of the documentation in their order."""

from __future__ import annotations

import json

import pytest

from analyzer.base.fact import replace
from analyzer.report.json_objects import (
    call_object,
    capture_object,
    decision_object,
    encode,
    finding_object,
    flow_object,
    run_object,
)


def test_names_that_were_sent_empty_are_kept(shop):
    call = replace(shop.calls[0], host="", path="")
    assert (call_object(call)["host"], call_object(call)["path"]) == ("", "")


def test_a_decision_alone_is_what_a_call_says_of_it(shop):
    call = shop.calls[0]
    alone = json.loads(encode(decision_object(call.decision)))

    assert list(alone) == ["verdict", "reason", "undetermined", "outbound", "gateway", "inbound", "evidence"]
    assert alone.items() <= json.loads(encode(call_object(replace(call, before=(), after=())))).items()


def test_the_evidence_of_a_call_is_its_whole_chain(shop):
    call = shop.calls[0]
    assert [step["sentence"] for step in call_object(call)["evidence"]] == [step.sentence for step in call.steps]


def test_a_flow_is_not_found_by_client_and_server(shop):
    assert not {"client", "server"} & flow_object(shop.flows[0]).keys()


def test_a_finding_has_advice_of_its_own_or_of_its_code(shop):
    finding = shop.findings[0]
    assert finding_object(replace(finding, advice=""))["advice"] == finding.code.advice
    assert finding_object(replace(finding, advice="look"))["advice"] == "look"


def test_a_capture_that_could_be_read_has_no_error(shop):
    assert capture_object(shop.captures[0])["error"] is None


@pytest.mark.parametrize("run", ["shop", "bare", "empty"])
def test_the_totals_of_a_run_add_up(request, run):
    totals = run_object(request.getfixturevalue(run))
    assert sum(totals["verdicts"].values()) + totals["undetermined"] == totals["calls"]


def test_text_that_is_no_utf_8_is_made_visible():
    assert json.loads(encode({"a": "\udcff", "b": ["x"]})) == {"a": "\\xff", "b": ["x"]}
