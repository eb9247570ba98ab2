"""What a person should look at, heaviest first."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import PacketPlace, YamlPlace
from analyzer.flow.connection import Endpoint
from analyzer.verdict.decision import Inbound, Step
from analyzer.verdict.findings import find, is_worth_a_word, target_of
from analyzer.verdict.inbound import NOBODY_BEGINS
from analyzer.verdict.record import Observed

NO_ROUTE = Code("no-route", Family.REASON, Level.WARNING, "no route matches", "Envoy answers 404.", "Add a route.")
CODES = {"no-route": NO_ROUTE}
WHY = "Envoy should have answered 404, the packets show 200"


@pytest.fixture
def dropped(decision):
    return decision("dropped", "no-route", code=404, flag="NR")


def kinds(found):
    return [finding.code.name for finding in found]


def test_calls_that_end_well_are_no_finding(record) -> None:
    assert find([record()], CODES) == ()


def test_without_a_mesh_nothing_is_found_missing(record, decision) -> None:
    assert find([record(decision(None, None, cluster=None, undetermined=("no-mesh",)))], CODES) == ()


def test_the_heaviest_comes_first(record, decision, dropped) -> None:
    calls = [
        record(decision(None, None, cluster=None, undetermined=("midstream",)), id="1"),
        record(decision("passthrough", "loopback"), id="2"),
        record(dropped, id="3"),
        record(observed=Observed(agrees=False, why=WHY), id="4"),
    ]

    found = find(calls, CODES)

    assert kinds(found) == ["contradiction", "dropped-call", "passthrough-call", "undetermined-call"]
    assert [finding.calls for finding in found] == [("4",), ("3",), ("2",), ("1",)]


def test_a_dropped_call_that_was_answered_is_two_findings(record, dropped) -> None:
    call = record(dropped, observed=Observed(agrees=False, why=WHY))

    assert kinds(find([call], CODES)) == ["contradiction", "dropped-call"]


def test_calls_of_one_client_to_one_target_for_one_reason_are_one_finding(record, dropped) -> None:
    calls = [record(dropped, id="7", first_ns=9), record(dropped, id="3", first_ns=5, path="/other")]

    (finding,) = find(calls, CODES)

    assert (finding.calls, finding.first_ns) == (("7", "3"), 5)


def test_another_target_of_a_dropped_call_is_another_finding(record, dropped) -> None:
    assert len(find([record(dropped), record(dropped, host="ratings")], CODES)) == 2


def test_clients_that_fare_alike_with_the_same_targets_are_one_finding(record, dropped) -> None:
    pods = ("shop/a", "shop/b", "shop/a", "shop/c", "shop/d", "shop/e")
    calls = [record(dropped, id=str(n), first_ns=n, pod=pod) for n, pod in enumerate(pods)]

    (finding,) = find(calls, CODES)

    assert finding.sentence.startswith("shop/a, shop/b, shop/c and 2 more → reviews: dropped")
    assert finding.calls == ("0", "1", "2", "3", "4", "5")


def test_clients_with_other_targets_are_findings_of_their_own(record, decision) -> None:
    past = decision("passthrough", "loopback")
    calls = [record(past, host="a"), record(past, host="a", pod="shop/b"), record(past, host="b", pod="shop/b")]

    assert [finding.sentence.partition(":")[0] for finding in find(calls, CODES)] == [
        "shop/b → a, b",
        "shop/sleep-0 → a",
    ]


def test_clients_that_other_lines_decide_about_are_findings_of_their_own(record, decision) -> None:
    places = (YamlPlace("a.yaml", 1, 1), YamlPlace("a.yaml", 2, 1))
    ends = [decision("passthrough", "loopback", steps=(Step("", yaml=(place,)),)) for place in places]
    calls = [record(end, pod=f"shop/{n}") for n, end in enumerate(ends)]

    assert [finding.yaml for finding in find(calls, CODES)] == [(place,) for place in places]


def test_calls_past_the_mesh_are_one_finding_for_each_client_whatever_their_targets(record, decision) -> None:
    calls = [record(decision("passthrough", "loopback"), host=host) for host in ("a", "b", "a", "c", "d", "e")]

    (finding,) = find(calls, CODES)

    assert finding.sentence.startswith("shop/sleep-0 → a, b, c and 2 more: passthrough")


def test_among_equals_the_more_frequent_comes_first(record, dropped) -> None:
    calls = [record(dropped, host="once"), record(dropped, host="twice"), record(dropped, host="twice")]

    assert [len(finding.calls) for finding in find(calls, CODES)] == [2, 1]


def test_the_sentence_says_who_what_and_why(record, dropped) -> None:
    (finding,) = find([record(dropped)], CODES)

    assert finding.sentence == "shop/sleep-0 → reviews: dropped: no route matches"
    assert finding.advice == "Add a route."


def test_a_reason_that_nobody_explains_is_told_by_its_name(record, decision) -> None:
    (finding,) = find([record(decision("dropped", "unheard-of"))], CODES)

    assert finding.sentence.endswith("dropped: unheard-of")


def test_a_contradiction_is_told_in_its_own_words_with_its_own_advice(record) -> None:
    (finding,) = find([record(observed=Observed(agrees=False, why=WHY))], CODES)

    assert finding.sentence == f"shop/sleep-0 → reviews: contradicts the YAML: {WHY}"
    assert "istioctl" in finding.advice


def test_an_undetermined_call_without_a_code_is_a_finding_still(record, decision) -> None:
    assert kinds(find([record(decision(None, None, cluster=None))], CODES)) == ["undetermined-call"]


def test_a_finding_stands_on_the_first_packets_of_some_of_its_calls(record, dropped) -> None:
    calls = [record(dropped, id=str(n), packets=(("a.pcap", n, n + 9),)) for n in range(10, 20)]

    (finding,) = find(calls, CODES)

    assert finding.packets == tuple(PacketPlace("a.pcap", n) for n in (10, 11, 12))


def test_a_call_is_cited_by_the_capture_of_its_own_connection(record, dropped) -> None:
    (finding,) = find([record(dropped, packets=(("0.pcap", 1, 5), ("a.pcap", 7, 9)))], CODES)

    assert finding.packets == (PacketPlace("a.pcap", 7),)


def test_a_call_whose_packets_are_not_told_is_cited_by_its_connection(record, dropped) -> None:
    (finding,) = find([record(dropped, packets=())], CODES)

    assert finding.packets == (PacketPlace("a.pcap", 2),)


def test_the_yaml_of_the_step_that_decided_is_named(record, decision) -> None:
    early, late = YamlPlace("service.yaml", 3), YamlPlace("route.yaml", 18)
    steps = (Step("first", yaml=(early,)), Step("then", yaml=(late,)), Step("the packets show 404"))

    (finding,) = find([record(decision("dropped", "no-route", steps=steps))], CODES)

    assert finding.yaml == (late,)


def test_where_nobody_took_the_call_the_yaml_of_the_first_step_is_named(record, decision) -> None:
    early, late = YamlPlace("sidecar.yaml", 3), YamlPlace("pod.yaml", 18)
    steps = (Step("first", yaml=(early,)), Step("the server lets it in", yaml=(late,)))
    let_in = replace(decision("passthrough", "x", steps=steps), inbound=Inbound("shop/reviews-0"))

    (finding,) = find([record(let_in)], CODES)

    assert finding.yaml == (early,)


@pytest.mark.parametrize(
    ("names", "target"),
    [
        ({"host": "reviews", "sni": "other"}, "reviews"),
        ({"host": None, "sni": "www.example.com"}, "www.example.com"),
        ({"host": None, "sni": None, "server": Endpoint("fd00::1", 443)}, "[fd00::1]:443"),
    ],
)
def test_a_target_is_what_was_asked_for_in_the_shortest_true_words(record, names, target) -> None:
    assert target_of(record(**names)) == target


def test_a_client_outside_the_mesh_is_told_by_its_address(record, dropped) -> None:
    (finding,) = find([record(dropped, pod=None)], CODES)

    assert finding.sentence.startswith("10.244.1.10 → ")


def test_a_step_that_tells_why_is_told_instead_of_its_reason(record, decision) -> None:
    sentence = "Service data/db is meant, which Sidecar shop/default leaves out of its egress hosts"
    place = YamlPlace("m.yaml", 7, 1, "spec.egress")
    steps = (Step(sentence, yaml=(place,), code="out-of-scope"), Step("it goes as it is"))
    calls = [record(decision("passthrough", "passthrough-cluster", steps=steps), id=str(n)) for n in (1, 2)]

    (finding,) = find(calls, {**CODES, "out-of-scope": NO_ROUTE})

    assert finding.sentence == f"shop/sleep-0 → reviews: passthrough: {sentence}"
    assert (finding.yaml, finding.advice, finding.calls) == ((place,), "Add a route.", ("1", "2"))


def test_a_call_on_which_nobody_begins_hangs(record, decision) -> None:
    steps = (Step("the inspectors wait", code="nobody-begins"),)
    silence = {"observed": Observed(outcome="no-answer"), "first_ns": 1_000, "last_ns": 2_000_001_000}
    hanging = record(decision("passthrough", "loopback", steps=steps), **silence)
    answered = record(decision("passthrough", "loopback", steps=steps), observed=Observed(outcome="answered"), id="2")

    found = find([hanging, answered], CODES)

    assert kinds(found) == ["nobody-begins", "passthrough-call"]
    assert ": hangs: " in found[0].sentence


def test_a_capture_that_ends_after_a_handshake_shows_no_hang(record, decision) -> None:
    steps = (Step("the inspectors wait", code="nobody-begins"),)
    cut = {"observed": Observed(outcome="open"), "first_ns": 1_000, "last_ns": 900_001_000}

    assert kinds(find([record(decision("passthrough", "loopback", steps=steps), **cut)], CODES)) == ["passthrough-call"]


# What no finding is about, whenever it was.


@pytest.mark.parametrize(
    ("outcome", "worth"), [("answered", False), ("tls-alert", False), ("open", True), ("reset", True)]
)
def test_a_call_that_nobody_answered_may_be_worth_a_word(record, outcome, worth) -> None:
    assert is_worth_a_word(record(observed=Observed(outcome=outcome, agrees=True))) is worth


@pytest.mark.parametrize("verdict", ["dropped", "passthrough", None])
def test_a_call_that_does_not_end_well_is_worth_a_word(record, decision, verdict) -> None:
    assert is_worth_a_word(record(decision(verdict, "x"), observed=Observed(outcome="answered")))


def test_a_call_that_contradicts_the_yaml_is_worth_a_word(record) -> None:
    assert is_worth_a_word(record(observed=Observed(outcome="answered", agrees=False, why="no")))


@pytest.mark.parametrize("waited_ns", [1, 10**10])
def test_of_calls_that_are_worth_no_word_there_is_no_finding_however_long_they_took(
    record, decision, waited_ns
) -> None:
    steps = (Step("nobody begins", code=NOBODY_BEGINS.name),)
    for outcome in ("answered", "open", "closed", "no-answer", "reset", "tls-alert", "refused", "local-reply"):
        call = record(decision(steps=steps), observed=Observed(outcome=outcome), last_ns=1_000 + waited_ns)
        assert is_worth_a_word(call) or find([call], CODES) == ()
