"""A call's words are explained by name."""

from __future__ import annotations

from analyzer.base.oddity import Family
from analyzer.pipeline import all_codes
from analyzer.verdict.codes import CODES


def test_a_name_leads_to_its_own_code() -> None:
    assert [name for name, code in CODES.items() if code.name != name] == []


def test_reasons_and_gaps_of_every_room_are_there() -> None:
    assert {"no-mesh", "source-unknown", "midstream", "mtls-required", "black-hole", "no-route"} <= CODES.keys()


def test_reasons_and_what_is_missing_are_of_their_families() -> None:
    assert {CODES[name].family for name in ("mtls-required", "no-route")} == {Family.REASON}
    assert {CODES[name].family for name in ("no-mesh", "midstream")} == {Family.UNDETERMINED}


def test_every_word_that_a_call_can_carry_is_explained() -> None:
    words = [code.name for code in all_codes() if code.family in (Family.REASON, Family.UNDETERMINED)]

    assert sorted(set(words) - CODES.keys()) == []
