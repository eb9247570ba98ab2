"""How a run ends: its exit code, and the lines that explain it."""

from __future__ import annotations

import pickle

import pytest

from analyzer.base.errors import UsageError
from analyzer.cli.outcome import FAIL_ON, exit_code, mesh_exit_code, parse_fail_on, tell_problems
from analyzer.flow.connection import Endpoint
from analyzer.mesh.load import parse_mesh
from analyzer.verdict.decision import Decision
from analyzer.verdict.record import Analysis, CallRecord, CaptureRecord, MeshRecord, Observed


def call(verdict: str | None, *, agrees: bool | None = None) -> CallRecord:
    ends = Endpoint("10.1.0.1", 1), Endpoint("10.1.0.2", 2)
    return CallRecord(
        "1", (), (), None, *ends, None, 1, "tcp", None, None, None, None, (), Decision(verdict, None),
        Observed(agrees=agrees), (), 0, 0, "", "", "", "",
    )  # fmt: skip


def analysis(*verdicts: str | None, error=None, mesh_errors=(), limits=(), agrees=None) -> Analysis:
    capture = CaptureRecord("a", "pcap", None, "", (), 0, 0, 0, 0, 0, 0, (), error is None, (), error)
    calls = tuple(call(verdict, agrees=agrees) for verdict in verdicts)
    return Analysis(calls, (), (), (capture,), MeshRecord((), (), (), (), tuple(mesh_errors)), tuple(limits))


EVERYTHING = ("service-matched", "headless-matched", "passthrough", "dropped", None)


def test_a_run_that_reports_is_done_whatever_it_found() -> None:
    assert exit_code(analysis(*EVERYTHING, agrees=False), ["none"]) == 0


@pytest.mark.parametrize(
    ("fail_on", "verdict"), [("dropped", "dropped"), ("passthrough", "passthrough"), ("undetermined", None)]
)
def test_a_run_fails_on_what_it_is_told_to_fail_on(fail_on, verdict) -> None:
    others = [other for other in EVERYTHING if other != verdict]

    assert exit_code(analysis(*others), [fail_on]) == 0
    assert exit_code(analysis(*others, verdict), [fail_on]) == 1


@pytest.mark.parametrize(("agrees", "code"), [(False, 1), (True, 0), (None, 0)])
def test_a_disagreement_is_a_call_that_the_packets_contradict(agrees, code) -> None:
    assert exit_code(analysis("service-matched", agrees=agrees), ["disagreement"]) == code


def test_several_things_may_be_named() -> None:
    names = parse_fail_on("dropped, passthrough")

    assert names == ("dropped", "passthrough")
    assert exit_code(analysis("passthrough"), names) == 1


def test_a_name_that_is_none_is_a_matter_of_usage() -> None:
    with pytest.raises(UsageError, match="--fail-on: found 'everything', expected some of none, dropped"):
        parse_fail_on("dropped,everything")


@pytest.mark.parametrize(
    ("problems", "code"),
    [
        ({"error": "a: cut"}, 3),
        ({"mesh_errors": ["m: broken"]}, 4),
        ({"limits": ["too many"]}, 6),
        ({"error": "a: cut", "mesh_errors": ["m: broken"]}, 4),
        ({"error": "a: cut", "mesh_errors": ["m: broken"], "limits": ["too many"]}, 6),
    ],
)
def test_of_several_problems_the_highest_code_counts_and_more_than_any_finding(problems, code) -> None:
    assert exit_code(analysis("dropped", **problems), ["dropped"]) == code


def test_without_a_mesh_nothing_is_wrong_with_it() -> None:
    assert exit_code(Analysis((), (), (), (), None)) == 0


def test_every_problem_is_one_line_on_standard_error(capsys) -> None:
    tell_problems(analysis(error="a.pcap: cut", mesh_errors=["m.yaml:3: broken"], limits=["too many"]))

    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        "meshverdict: a.pcap: cut", "meshverdict: m.yaml:3: broken", "meshverdict: too many",
    ]  # fmt: skip


@pytest.mark.parametrize("name", sorted(FAIL_ON))
def test_what_a_run_may_fail_on_is_the_same_in_another_process(name) -> None:
    there = pickle.loads(pickle.dumps(FAIL_ON[name]))

    for verdict in EVERYTHING:
        assert there(call(verdict, agrees=False)) == FAIL_ON[name](call(verdict, agrees=False))


def test_without_problems_nothing_is_told(capsys) -> None:
    tell_problems(Analysis((), (), (), (), None))

    assert capsys.readouterr().err == ""


def test_a_problem_cannot_speak_to_the_terminal(capsys) -> None:
    tell_problems(analysis(error="a\x1b[2J.pcap: cut"))

    assert "\x1b" not in capsys.readouterr().err


def test_a_mesh_of_which_nothing_is_wrong_is_done(capsys) -> None:
    assert mesh_exit_code(parse_mesh("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n")) == 0
    assert capsys.readouterr().err == ""


def test_a_mesh_of_which_a_part_is_no_yaml_is_told(capsys) -> None:
    assert mesh_exit_code(parse_mesh("kind: {Pod\n", file="broken.yaml")) == 4
    assert capsys.readouterr().err.startswith("meshverdict: broken.yaml:")
