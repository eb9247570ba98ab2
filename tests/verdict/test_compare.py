"""Two runs are compared by who calls what, not by address, port or time."""

from __future__ import annotations

import pytest

from analyzer.flow.connection import Endpoint
from analyzer.verdict.compare import compare_calls
from analyzer.verdict.decision import Inbound, LocalResponse, Outbound


def moves(before, after):
    return compare_calls(before, after)


def told(ending):
    return None if ending is None else ending.verdict


def test_equal_runs_have_no_moves(record) -> None:
    assert moves([record(), record(id="2")], [record()]) == ()


def test_another_address_port_or_time_is_no_move(record) -> None:
    later = record(client=Endpoint("10.244.9.9", 1), server=Endpoint("10.96.9.9", 9080), first_ns=9, uid="C9")

    assert moves([record()], [later]) == ()


def test_another_listener_on_the_way_to_the_same_end_is_no_move(record, decision) -> None:
    from analyzer.base.fact import replace

    other = decision()
    other = replace(other, outbound=replace(other.outbound, listener="10.96.0.11_9080", route="other"))

    assert moves([record()], [record(other)]) == ()


def test_a_call_that_ends_otherwise_moved(record, decision) -> None:
    dropped = decision("dropped", "no-route", code=404, flag="NR")

    (move,) = moves([record()], [record(dropped), record(dropped)])

    assert (move.before.verdict, move.after.verdict, move.after.flag) == ("service-matched", "dropped", "NR")
    assert (move.key.client, move.key.target, move.calls) == ("shop/sleep-0", "reviews", 2)


@pytest.mark.parametrize(
    "change",
    [
        {"outbound": Outbound(cluster="outbound|9080|v2|reviews.shop.svc.cluster.local")},
        {"gateway": Outbound(pod="edge/gateway-0", cluster="outbound|80||a")},
        {"gateway": Outbound(pod="edge/gateway-0", response=LocalResponse(404, "NR"))},
        {"inbound": Inbound("shop/reviews-0", cluster="InboundPassthroughCluster")},
    ],
)
def test_another_cluster_or_local_answer_on_any_side_is_a_move(record, decision, change) -> None:
    from analyzer.base.fact import replace

    assert len(moves([record()], [record(replace(decision(), **change))])) == 1


def test_a_new_call_has_no_before_and_a_gone_one_no_after(record) -> None:
    gone, new = moves([record(host="a")], [record(host="b"), record(host="b")])

    assert (gone.key.target, told(gone.before), told(gone.after)) == ("a", "service-matched", None)
    assert (new.key.target, told(new.before), told(new.after), new.calls) == ("b", None, "service-matched", 2)


def test_calls_that_began_to_end_in_a_second_way_are_told_against_the_first(record, decision) -> None:
    (move,) = moves([record()], [record(), record(decision("dropped", "no-route", code=404, flag="NR"))])

    assert (told(move.before), told(move.after), move.calls) == ("service-matched", "dropped", 1)


def test_calls_that_ceased_to_end_in_a_second_way_are_told_against_what_is_left(record, decision) -> None:
    (move,) = moves([record(), record(decision("dropped", "no-route", code=404, flag="NR"))], [record()])

    assert (told(move.before), told(move.after)) == ("dropped", "service-matched")


def test_a_client_outside_the_mesh_is_known_by_its_address(record) -> None:
    outside = record(pod=None, client=Endpoint("192.0.2.1", 5000), host=None, sni=None, method=None, path=None)

    (move,) = moves([], [outside])

    assert (move.key.client, move.key.target, move.key.method) == ("192.0.2.1", "10.96.0.11:9080", "")


def test_an_undetermined_call_ends_nowhere(record, decision) -> None:
    (move,) = moves([record()], [record(decision(None, None, cluster=None, undetermined=("midstream",)))])

    assert (move.after.verdict, move.after.cluster) == ("", "")


def test_moves_come_in_the_order_of_who_calls_what(record) -> None:
    after = [record(host=host, pod=pod) for host, pod in (("b", "x/2"), ("a", "x/2"), ("c", "x/1"))]

    assert [(m.key.client, m.key.target) for m in moves([], after)] == [("x/1", "c"), ("x/2", "a"), ("x/2", "b")]
