"""``meshverdict coverage``: what recorded traffic never touched."""

from __future__ import annotations

import json


def test_what_is_never_touched_is_told(cli, shop, mesh) -> None:
    answer = cli("coverage", shop / "pods", "-m", mesh)

    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("79 calls touch 6 of 6 routes, ")
    assert "reviews.shop.svc.cluster.local:9000" in answer.out


def test_a_choice_of_calls_touches_less_and_may_fail(cli, sleep, mesh) -> None:
    answer = cli("coverage", sleep, "-m", mesh, "--where", 'host == "frontend"', "--fail-under", "1", "-o", "json")

    assert answer.code == 1
    assert json.loads(answer.out)["coverage"]["route"] == {"touched": 0, "total": 6}


def test_each_thing_is_a_line(cli, naked, mesh) -> None:
    found = cli("coverage", naked, "-m", mesh, "-o", "jsonl").of("covered")

    assert {each["what"] for each in found} == {"route", "host", "subset"}


def test_a_mesh_is_needed(cli, naked) -> None:
    assert cli("coverage", naked).code == 2


def test_what_could_not_be_read_counts_before_what_is_not_touched(cli, cut, mesh) -> None:
    assert cli("coverage", cut, "-m", mesh, "--fail-under", "100").code == 3


def test_check_counts_it_where_it_is_asked_to(cli, shop) -> None:
    plain, counted = cli("check", shop), cli("check", shop, "--coverage")

    assert "touched:" not in plain.out
    assert "touched: 6 of 6 routes" in counted.out
    (suite,) = cli("check", shop, "--coverage", "-o", "jsonl").of("suite")
    assert suite["coverage"]["route"] == {"touched": 6, "total": 6}
