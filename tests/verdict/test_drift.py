"""Two runs call by call: what moved, what is new, what is gone, and shares."""

from __future__ import annotations

import pytest

from analyzer.base.place import YamlPlace
from analyzer.flow.connection import Endpoint
from analyzer.verdict.compare import CallKey
from analyzer.verdict.decision import Step
from analyzer.verdict.drift import (
    LEAST_SHARED_CALLS,
    asked_of,
    diff_runs,
    key_of,
    path_kind,
    with_causes,
    workload_of,
)
from analyzer.verdict.record import MovedCall


@pytest.fixture
def no_route(decision):
    """A decision that drops, in the steps of a route that does not match."""
    return decision("dropped", "no-route", code=404, flag="NR")


def kinds(diff) -> list[tuple[bool, bool]]:
    return [(move.before is not None, move.after is not None) for move in diff.moves]


def test_the_same_run_is_not_different(record) -> None:
    diff = diff_runs([record(), record()], [record()])

    assert (diff.moves, diff.shares, diff.calls) == ((), (), (2, 1))


def test_addresses_ports_and_times_do_not_count(record) -> None:
    later = record(client=Endpoint("10.244.9.9", 1), server=Endpoint("10.96.9.9", 9080), first_ns=9, uid="C9")

    assert diff_runs([record()], [later]).moves == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"pod": "shop/web-7c9f8d6b5-x2x4z"}, {"pod": "shop/web-5d8c9b7f6-bbbbb"}),
        ({"path": "/orders/17?page=1"}, {"path": "/orders/18"}),
        ({"path": "/c/0b5e5bb4-3f7e-4c5e-9e1a-3a3ef0f7f001"}, {"path": "/c/7d1b2c9e-0a4d-4f35-8f57-8d4a5a7f3c22"}),
    ],
)
def test_what_names_one_of_many_does_not_count(record, one, other) -> None:
    assert key_of(record(**one)) == key_of(record(**other))


@pytest.mark.parametrize("other", [{"pod": "shop/web-1"}, {"path": "/b"}, {"host": "ratings"}, {"method": "POST"}])
def test_who_calls_what_counts(record, other) -> None:
    assert key_of(record(pod="shop/web-0", path="/a")) != key_of(record(**{"pod": "shop/web-0", "path": "/a", **other}))


@pytest.mark.parametrize("known", [{}, {"host": None, "method": None}])
def test_a_key_has_what_is_asked_between_its_client_and_its_path(record, known) -> None:
    call = record(pod="shop/six-7c9f8d6b5-x2x4z", path="/orders/17?page=1", **known)

    assert key_of(call) == CallKey("shop/six", *asked_of(call), "/orders/*")


def test_another_reason_for_the_same_end_is_no_difference(record, decision) -> None:
    assert diff_runs([record()], [record(decision("service-matched", "local-reply"))]).moves == ()


def test_a_call_that_ends_otherwise_is_told_with_both_decisions(record, decision, no_route) -> None:
    (move,) = diff_runs([record()], [record(no_route, id="7")]).moves

    assert (move.call.id, move.before, move.after) == ("7", decision(), no_route)


def test_calls_are_new_or_gone(record) -> None:
    diff = diff_runs([record(host="a")], [record(host="b"), record(host="b")])

    assert kinds(diff) == [(True, False), (False, True), (False, True)]


def test_of_several_ways_to_end_the_usual_one_is_what_it_was_before(record, decision, no_route) -> None:
    rare = decision(cluster="outbound|1||rare")
    before = [record(rare), record(), record()]

    (move,) = diff_runs(before, [record(no_route)]).moves

    assert move.before == decision()


def test_a_way_to_end_that_is_no_more_moved_to_what_is_left(record, decision, no_route) -> None:
    (move,) = diff_runs([record(), record(no_route, id="3")], [record()]).moves

    assert (move.call.id, move.before, move.after) == ("3", no_route, decision())


def test_a_move_names_the_lines_where_the_chains_part(record, decision) -> None:
    def chain(line, *more):
        return decision(
            cluster=f"outbound|{line}||a",
            steps=(
                Step("shared", yaml=(YamlPlace("a.yaml", 1),)),
                Step(f"{line}", yaml=(YamlPlace("a.yaml", line),)),
                *more,
            ),
        )

    aside = Step("by the way", yaml=(YamlPlace("a.yaml", 9),), aside=True)
    (move,) = diff_runs([record(chain(5))], [record(chain(7, aside))]).moves

    assert [place.line for place in move.yaml] == [5, 7]


def test_causes_that_another_mesh_explains_take_their_place(record, no_route) -> None:
    place = YamlPlace("new.yaml", 4)
    diff = diff_runs([record(), record(host="x")], [record(no_route)])
    caused = with_causes(diff, [MovedCall(record(), record().decision, no_route, (place,))])

    assert [(move.call.host, move.yaml) for move in caused.moves] == [("reviews", (place,)), ("x", ())]


def test_a_share_that_changes_is_told(record, no_route) -> None:
    many = [record()] * (LEAST_SHARED_CALLS - 1)
    (share,) = diff_runs([*many, record(no_route)], [record(no_route)] * 9 + [record()]).shares

    assert [(each.ending.verdict, each.before, each.after) for each in share.shares] == [
        ("dropped", 1, 9),
        ("service-matched", 9, 1),
    ]


def test_a_share_of_few_calls_or_within_the_points_is_chance(record, no_route) -> None:
    few = diff_runs([record(), record(no_route)], [record()] * 3 + [record(no_route)])
    within = diff_runs([record()] * 9 + [record(no_route)], [record()] * 8 + [record(no_route)] * 2, share_points=10)

    assert (few.shares, within.shares) == ((), ())


@pytest.mark.parametrize(
    ("pod", "workload"),
    [
        ("shop/web-7c9f8d6b5-x2x4z", "shop/web"),
        ("shop/web-0", "shop/web-0"),
        ("shop/sleep", "shop/sleep"),
    ],
)
def test_a_workload_is_a_pod_without_what_a_replica_set_appends(pod, workload) -> None:
    assert workload_of(pod) == workload


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "/"),
        ("", ""),
        ("/orders/17/items?page=2", "/orders/*/items"),
        ("/c/0b5e5bb4-3f7e-4c5e-9e1a-3a3ef0f7f001", "/c/*"),
        ("/a/b", "/a/b"),
        ("/~port~", "/~port~"),
        ("17", "*"),
        ("17/0b5e5bb43f7e4c5e/", "*/*/"),
        ("//17//18", "//*//*"),
        ("/17a/b18/0b5e5bb43f7e4c5", "/17a/b18/0b5e5bb43f7e4c5"),
        ("/0b5e5bb4-3f7e-4c5e-9e1a-3a3ef0f7f001a/17-", "/0b5e5bb4-3f7e-4c5e-9e1a-3a3ef0f7f001a/17-"),
        ("/17\n/18\n", "/17\n/18\n"),
        ("/a?/17", "/a"),
    ],
)
def test_the_kind_of_a_path_has_a_star_for_what_names_one_of_many(path, kind) -> None:
    assert path_kind(path) == kind
