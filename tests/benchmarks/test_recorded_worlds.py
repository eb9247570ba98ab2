"""Worlds held against the package: what is asked for, and what counts as agreement."""

from __future__ import annotations

import json

import pytest

from analyzer.verdict.decision import Decision, Inbound, LocalResponse, Outbound, WeightedCluster


@pytest.fixture
def worlds(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / "benchmarks")
    import recorded_worlds

    return recorded_worlds


OUT = {
    "listener": "0.0.0.0_80",
    "virtual_host": "web:80",
    "route": "default",
    "cluster": "outbound|80||web",
    "flags": "-",
}
TRUTH = {"verdict": "service-matched", "why": "service", "outbound": OUT, "inbound": None}


def test_every_name_of_the_truth_is_wanted(worlds) -> None:
    assert worlds.wanted(TRUTH) == {
        "verdict": "service-matched",
        "outbound.listener": "0.0.0.0_80",
        "outbound.virtual_host": "web:80",
        "outbound.route": "default",
        "outbound.cluster": "outbound|80||web",
    }


def test_where_chance_chose_only_the_way_there_is_wanted(worlds) -> None:
    found = worlds.wanted({**TRUTH, "verdict": None, "why": "weighted", "inbound": {"cluster": "inbound|80||"}})

    assert set(found) == {"outbound.listener", "outbound.virtual_host", "outbound.route"}


def test_a_predicted_flag_is_wanted_and_the_networks_is_not(worlds) -> None:
    predicted = worlds.wanted({"outbound": {"flags": "NR", "code": 404}})
    chance = worlds.wanted({"outbound": {"flags": "UF", "code": 503}})

    assert predicted == {"outbound.response.flag": "NR", "outbound.response.code": 404}
    assert chance == {}


def test_the_servers_side_is_wanted_where_all_attempts_met_the_same_end(worlds) -> None:
    attempt = {"cluster": "inbound|80||", "filter_chain": "0.0.0.0_80", "mtls": True, "flags": "-"}

    assert worlds.wanted({"inbound": [attempt, attempt]})["inbound.mtls"] is True
    assert worlds.wanted({"inbound": [attempt, {**attempt, "flags": "NR"}]}) == {}


def test_a_chain_that_refused_a_connection_ended_no_tls(worlds) -> None:
    assert worlds.wanted({"inbound": {"mtls": True, "flags": "NR"}}) == {"inbound.mtls": False}


def decision(**outbound) -> Decision:
    return Decision("service-matched", "service", outbound=Outbound(**outbound), inbound=Inbound("shop/web-0"))


@pytest.mark.parametrize(
    ("answers", "agrees"),
    [
        ([decision(cluster="a")], True),
        ([decision(cluster="b")], False),
        ([decision(cluster="a"), decision(cluster="b")], False),
        ([decision(clusters=(WeightedCluster("a", 1),))], False),
        ([Decision(None, None, ("weighted",))], False),
        ([], False),
    ],
)
def test_every_answer_must_give_every_name(worlds, answers, agrees) -> None:
    expected = {"verdict": "service-matched", "outbound.cluster": "a"}

    assert worlds.compare("w", TRUTH, expected, answers).agrees is agrees


def test_a_difference_says_both(worlds) -> None:
    answer = decision(response=LocalResponse(404, "NR"))

    found = worlds.compare("w", TRUTH, {"outbound.response.code": 503, "gateway.cluster": "g"}, [answer])

    assert found.differences == ("outbound.response.code is 404, recorded 503", "gateway.cluster is absent, recorded g")


def test_a_null_verdict_is_told_by_its_codes(worlds) -> None:
    found = worlds.compare("w", TRUTH, {"verdict": "dropped"}, [Decision(None, None, ("weighted",))])

    assert (found.undetermined, found.differences) == (("weighted",), ())


def test_what_iptables_lets_by_is_beyond_a_simulation(worlds) -> None:
    bypassed = [Decision("passthrough", "loopback")]

    assert worlds.compare("w", {**TRUTH, "seen": None}, {"verdict": "dropped"}, bypassed).is_beyond_simulation
    assert not worlds.compare("w", {**TRUTH, "seen": {}}, {"verdict": "dropped"}, bypassed).is_beyond_simulation


def test_a_world_is_asked_by_its_own_questions(worlds, town, tmp_path) -> None:
    town.pod("shop/sleep-0", "10.1.0.1").pod("shop/web-0", "10.1.0.2").service("shop/web", "10.9.0.1")
    (tmp_path / "mesh").mkdir()
    (tmp_path / "mesh" / "m.yaml").write_text(town.text, encoding="utf-8")
    call = {"name": "a", "source": "shop/sleep-0", "address": "10.9.0.1", "port": 80, "protocol": "http", "host": "web"}
    (tmp_path / "calls.jsonl").write_text(json.dumps(call), encoding="utf-8")
    truths = [{"name": "a", "verdict": "service-matched"}, {"name": "a", "verdict": "dropped"}, {"name": "b"}]
    (tmp_path / "truth.jsonl").write_text("\n".join(map(json.dumps, truths)), encoding="utf-8")

    found = worlds.compare_routes(tmp_path)

    assert [(outcome.truth["name"], outcome.agrees) for outcome in found] == [("a", True)]


def test_a_world_without_captures_has_no_recorded_calls(worlds, tmp_path) -> None:
    assert worlds.compare_captures(tmp_path) == []
