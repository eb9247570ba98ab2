"""``meshverdict record``: lines to look at and run."""

from __future__ import annotations

import json


def test_the_lines_are_printed_and_nothing_else_is_done(cli, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)

    answer = cli("record", "--from", "shop/sleep-0")

    assert (answer.code, answer.err) == (0, "")
    assert "tcpdump -i any -s 0" in answer.out
    assert "kubectl get istio-io -A -o yaml" in answer.out
    assert list(tmp_path.iterdir()) == []


def test_a_service_of_the_mesh_names_its_pods(cli, mesh) -> None:
    answer = cli("record", "mtls", "--to", "frontend", "-m", mesh, "-o", "json")

    assert [each["pod"] for each in json.loads(answer.out)["recordings"]] == ["frontend-0", "frontend-1"]


def test_what_analyze_says_is_missing_is_a_question(cli) -> None:
    answer = cli("record", "app-leg-unseen", "--from", "shop/sleep-0")

    assert answer.out.startswith("# Which request was it?")


def test_an_unknown_question_is_told(cli) -> None:
    answer = cli("record", "why", "--from", "shop/sleep-0")

    assert answer.code == 2
    assert "found 'why', which is no question, expected one of where, refused" in answer.err


def test_a_question_and_a_pod_that_are_misspelled_are_told_with_what_may_be_meant(cli, mesh) -> None:
    assert "is it 'refused'?" in cli("record", "refusd", "--from", "shop/sleep-0").err
    assert (
        "the mesh has no pod 'shop/slep-0'; is it 'shop/sleep-0'?"
        in cli("record", "--from", "shop/slep-0", "-m", mesh).err
    )


def test_a_mesh_of_which_a_part_is_unusable_is_told(cli, broken_mesh) -> None:
    answer = cli("record", "--from", "shop/sleep-0", "-m", broken_mesh)

    assert answer.code == 4
    assert answer.out
