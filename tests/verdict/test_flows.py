"""Connections as Zeek lists them, each with the worst verdict of its calls."""

from __future__ import annotations

import pytest

from analyzer.verdict.flows import flow_records, verdicts_by_uid, worst_verdict
from analyzer.verdict.wires import gather_wires


def flows_of(*talks, calls=()):
    wires = gather_wires(talk.sighting for talk in talks)
    return flow_records(wires, dict.fromkeys(range(len(wires)), talks[0].conversation.protocol), verdicts_by_uid(calls))


@pytest.mark.parametrize(
    ("verdicts", "worst"),
    [
        (["service-matched", "headless-matched"], "headless-matched"),
        (["headless-matched", "passthrough"], "passthrough"),
        (["dropped", "passthrough", "service-matched"], "dropped"),
        ([None, "service-matched"], "service-matched"),
        ([None], None),
        ([], None),
    ],
)
def test_a_flow_is_as_bad_as_the_worst_of_its_calls(record, decision, verdicts, worst) -> None:
    calls = [record(decision(verdict, "x")) for verdict in verdicts]

    assert worst_verdict(calls) == worst


def test_every_sighting_is_a_flow(talk) -> None:
    caller, callee = talk(capture="a"), talk(server="10.244.1.11:9080", capture="b", at=1)

    flows = flows_of(caller, callee)

    assert [(flow.capture, str(flow.server)) for flow in flows] == [("a", "10.96.0.11:9080"), ("b", "10.244.1.11:9080")]


def test_a_flow_counts_what_its_capture_saw(talk) -> None:
    told = talk(at=3).ask("/a").answer(200, body=b"hello")

    (flow,) = flows_of(told)

    c = told.connection
    assert (flow.client_bytes, flow.server_bytes) == (c.client_bytes, c.server_bytes)
    assert (flow.first_ns, flow.last_ns, flow.protocol) == (3_000_000, 5_000_000, "http/1.1")


def test_a_flow_has_the_calls_of_its_connection_only(talk, record, decision) -> None:
    told = talk(uid="C1")
    calls = [
        record(uid="C1"),
        record(decision("dropped", "no-route"), uid="C1"),
        record(decision("passthrough", "x"), uid="C2"),
    ]

    (flow,) = flows_of(told, calls=calls)

    assert (flow.calls, flow.verdict) == (2, "dropped")


def test_a_sidecars_own_connection_has_no_calls(talk, record) -> None:
    (flow,) = flows_of(talk(uid="C9"), calls=[record(uid="C1")])

    assert (flow.calls, flow.verdict) == (0, None)


def test_the_verdicts_of_a_connection_are_those_of_its_calls_in_their_order(record, decision) -> None:
    calls = [record(uid="a"), record(decision("dropped"), uid="b"), record(decision("passthrough"), uid="a")]

    assert verdicts_by_uid(calls) == {"a": ["service-matched", "passthrough"], "b": ["dropped"]}


def test_protocols_may_be_told_by_position_in_either_way(app) -> None:
    wires = gather_wires(told.sighting for told in (app("10.0.0.1:1"), app("10.0.0.2:1", at=1)))

    assert flow_records(wires, ["http/1.1", "tcp"], {}) == flow_records(wires, {0: "http/1.1", 1: "tcp"}, {})
