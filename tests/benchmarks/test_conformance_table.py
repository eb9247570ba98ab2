"""The page of conformance: topics, tables, and every disagreement by name."""

from __future__ import annotations

import pytest

TRUTH = {
    "name": "a", "source": "shop/sleep-0", "address": "10.9.0.1", "port": 80, "host": "web", "direction": "outbound",
    "protocol": "http", "tls": "plaintext", "verdict": "dropped", "why": "no-route", "seen": {},
}  # fmt: skip


@pytest.fixture
def script(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / "benchmarks")
    import conformance_table

    return conformance_table


def outcome(script, world="q000", *, truth=None, **fields):
    return script.Outcome(world, {**TRUTH, **(truth or {})}, **fields)


def test_a_topic_is_the_feature_in_a_persons_words(script) -> None:
    assert script.feature(outcome(script, truth={"feature": "vs_tcp"})) == "VirtualService TCP routes"
    assert script.feature(outcome(script, truth={"feature": "brand_new"})) == "brand new"


@pytest.mark.parametrize(("world", "word"), [("q012", "rarer"), ("busy-strict", "at once"), ("z1", "`z…`: z")])
def test_a_world_belongs_to_a_family_by_the_letters_of_its_name(script, world, word) -> None:
    assert word in script.family(outcome(script, world))


def test_a_line_counts_what_agrees_is_null_and_differs(script) -> None:
    outcomes = [
        outcome(script),
        outcome(script, undetermined=("weighted",)),
        outcome(script, differences=("verdict is x, recorded y",)),
    ]

    assert script.table("topic", {"all": outcomes}).splitlines()[-1] == "| all | 3 | 1 | 1 | 1 |"


def test_a_disagreement_names_the_call_and_both_answers(script) -> None:
    (line,) = script.disagreements("question", [outcome(script, differences=("verdict is x, recorded dropped",))])

    assert line == (
        "- question `q000/a` (outbound, http, plaintext; shop/sleep-0 to 10.9.0.1:80 web): "
        "verdict is x, recorded dropped"
    )


def test_a_null_verdict_is_told_by_its_codes(script) -> None:
    (line,) = script.disagreements("question", [outcome(script, undetermined=("weighted", "balanced"))])

    assert line.endswith("null (weighted, balanced), recorded dropped")


def test_what_iptables_decides_is_one_line(script) -> None:
    beyond = outcome(script, truth={"seen": None}, differences=("x",), reason="loopback")

    (line,) = script.disagreements("question", [beyond, beyond])

    assert line.startswith("- 2 of worlds that were not recorded")


def test_where_everything_agrees_the_page_says_so(script) -> None:
    assert script.disagreements("capture", [outcome(script)]) == ["- every capture agrees"]


def test_the_page_has_topics_reasons_and_families(script) -> None:
    routes = [outcome(script, truth={"feature": "dr"}), outcome(script, "r000")]

    page = script.page(routes, [outcome(script, "r000")])

    assert "| DestinationRule: subsets, TLS, port levels | 1 | 1 | 0 | 0 |" in page
    assert "| `no-route` | 1 | 1 | 0 | 0 |" in page
    assert "**1 of 1 calls agree**, in 1 worlds, found in the captures" in page
