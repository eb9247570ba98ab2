"""Moves that are alike are drawn together."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.base.place import YamlPlace
from analyzer.report.move_groups import end_phrase, ends_phrase, group_moves
from analyzer.verdict.decision import Decision, Inbound, LocalResponse, Outbound
from analyzer.verdict.record import MovedCall

LINE = (YamlPlace("mesh/a.yaml", 7),)


@pytest.fixture
def calls(shop):
    return shop.calls


def test_calls_of_one_pair_that_move_alike_are_one_group(calls) -> None:
    first, second = calls[0], calls[1]
    moves = [MovedCall(each, first.decision, calls[4].decision, LINE) for each in (first, second)]

    (group,) = group_moves(moves)

    assert (group.source, group.target, len(group.moves), group.first) == ("shop/web-0", "reviews:9080", 2, moves[0])


def test_another_line_is_another_group(calls) -> None:
    before, after = calls[0].decision, calls[4].decision
    moves = [MovedCall(calls[0], before, after, LINE), MovedCall(calls[1], before, after, ())]

    assert len(group_moves(moves)) == 2


def test_the_worst_end_comes_first_and_then_the_most_calls(calls) -> None:
    service, dropped, passed = (calls[n].decision for n in (0, 4, 6))
    moves = [
        MovedCall(calls[6], service, passed),
        MovedCall(calls[2], service, dropped),
        MovedCall(calls[0], service, dropped),
        MovedCall(calls[1], service, dropped),
        MovedCall(calls[3], service, None),
        MovedCall(calls[3], None, service),
    ]

    assert [(g.target, g.after and g.after.verdict) for g in group_moves(moves)] == [
        ("reviews:9080", "dropped"),
        ("details:9080", "dropped"),
        ("api.stripe.com:443", "passthrough"),
        ("reviews:9080", "service-matched"),
        ("reviews:9080", None),
    ]


def test_the_ends_of_a_move_are_told_in_words(calls) -> None:
    service, unknown = calls[0].decision, calls[10].decision

    assert ends_phrase(service, unknown) == "service-matched → undetermined"
    assert ends_phrase(None, service) == "new → service-matched"
    assert ends_phrase(service, None) == "service-matched → gone"


@pytest.mark.parametrize(
    ("decision", "phrase"),
    [
        (Decision("dropped", "no-route", outbound=Outbound(response=LocalResponse(404, "NR"))), "404 NR"),
        (Decision("dropped", "black-hole", outbound=Outbound(response=LocalResponse(None, None))), "closed"),
        (Decision("service-matched", "service", outbound=Outbound(cluster="a")), "a"),
        (Decision("service-matched", "service", inbound=Inbound(None, cluster="inbound|80||")), "inbound|80||"),
        (Decision("passthrough", "no-sidecar"), ""),
    ],
)
def test_where_a_decision_ends(decision, phrase) -> None:
    assert end_phrase(decision) == phrase


def test_behind_a_gateway_its_cluster_is_the_end() -> None:
    decision = Decision("service-matched", "service", gateway=Outbound(cluster="b"))

    assert end_phrase(replace(decision, outbound=Outbound(cluster="a"))) == "b"
