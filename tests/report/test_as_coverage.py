"""What of a mesh recorded calls never touch, as text and JSON."""

from __future__ import annotations

import json

from analyzer.base.place import YamlPlace
from analyzer.report.as_coverage import coverage_json, coverage_jsonl, coverage_phrase, render_coverage
from analyzer.verdict.coverage import HOST, POLICY, ROUTE, Coverage, CoverageCount

FOUND = [
    Coverage(ROUTE, "VirtualService a/b http[0]", YamlPlace("m.yaml", 7), 3, 1),
    Coverage(ROUTE, "VirtualService a/b http[1] \x1b", YamlPlace("m.yaml", 9), 0, 2),
    Coverage(HOST, "web:80", YamlPlace("m.yaml", 20), 4, 0),
    Coverage(POLICY, "PeerAuthentication a/b", YamlPlace("m.yaml", 30), 0, 0),
]


def test_what_is_never_touched_is_listed_by_kind() -> None:
    assert render_coverage(FOUND, 7).splitlines() == [
        "7 calls touch 1 of 2 routes, 1 of 1 host, 0 of 1 policy.",
        "",
        "NEVER TOUCHED",
        "    NAME                             LOOKED AT  PLACE",
        "  routes",
        "    VirtualService a/b http[1] \\x1b          2  m.yaml:9",
        "  policies",
        "    PeerAuthentication a/b                   0  m.yaml:30",
    ]


def test_everything_is_listed_with_its_calls() -> None:
    text = render_coverage(FOUND, 7, everything=True)

    assert "TOUCHED BY" in text
    assert "web:80" in text
    assert len(text.splitlines()) == 11


def test_a_mesh_with_nothing_in_it_has_nothing_to_touch() -> None:
    assert render_coverage([], 1) == "1 call touches nothing, for there is nothing.\n"


def test_the_phrase_counts_each_kind() -> None:
    assert coverage_phrase([CoverageCount(POLICY, 1, 2)]) == "1 of 2 policies"


def test_json_has_the_sums_and_every_thing() -> None:
    whole = json.loads(b"".join(coverage_json(FOUND)))
    lines = [json.loads(line) for line in coverage_jsonl(FOUND)]

    assert whole["coverage"]["route"] == {"touched": 1, "total": 2}
    assert whole["things"][0] == {
        "what": "route",
        "name": "VirtualService a/b http[0]",
        "calls": 3,
        "considered": 1,
        "place": "m.yaml:7",
    }
    assert lines[0] == {"kind": "coverage", **whole["coverage"]}
    assert lines[1:] == [{"kind": "covered", **each} for each in whole["things"]]
