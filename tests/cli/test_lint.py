"""``meshverdict lint``: its exit codes, thresholds and suppressions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analyzer.cli.options import FORGE_NAMES
from analyzer.cli.program import run

ROUTES = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: routes, namespace: shop}
spec:
  hosts: [cart]
  http:
  - route: [{destination: {host: cart}}]
  - match: [{uri: {prefix: /a}}]
    route: [{destination: {host: cart}}]
"""
CODE = "shadowed-route"


@pytest.fixture
def mesh(tmp_path: Path) -> str:
    (tmp_path / "mesh.yaml").write_text(ROUTES)
    return str(tmp_path)


def jsonl(capsysbinary) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]


def test_a_warning_fails_the_run(mesh, capsys):
    assert run(["lint", "-m", mesh]) == 1
    assert CODE in capsys.readouterr().out


@pytest.mark.parametrize(("fail_on", "code"), [("none", 0), ("error", 0), ("warning", 1), ("info", 1)])
def test_fail_on_is_a_threshold(mesh, fail_on: str, code: int):
    assert run(["lint", "-m", mesh, "--fail-on", fail_on]) == code


def test_what_is_not_shown_still_fails(mesh, capsysbinary):
    assert run(["lint", "-m", mesh, "--show", "error", "-o", "jsonl"]) == 1
    assert CODE not in [line["code"] for line in jsonl(capsysbinary)]


def test_what_is_suppressed_does_not_fail(mesh, capsysbinary):
    arguments = ["lint", "-m", mesh, "-o", "jsonl", "--suppress", f"{CODE}=shop/*", "--suppress", "*=shop/r*"]

    assert run(arguments) == 0
    assert jsonl(capsysbinary) == []


def test_a_suppression_of_nothing_is_a_usage_error(mesh, capsys):
    assert run(["lint", "-m", mesh, "--suppress", "shadow=shop/*"]) == 2
    assert "--suppress" in capsys.readouterr().err


def test_json_goes_to_a_file(mesh, tmp_path):
    out = tmp_path / "lint.json"

    assert run(["lint", "-m", mesh, "-o", "json", "--out", str(out), "--fail-on", "none"]) == 0
    assert CODE in [finding["code"] for finding in json.loads(out.read_text())["findings"]]


def test_without_a_mesh_the_question_is_wrong():
    assert run(["lint"]) == 2


def test_a_mesh_that_cannot_be_read_is_4_with_what_was_found(mesh, capsys):
    Path(mesh, "broken.yaml").write_text("a: [")

    assert run(["lint", "-m", mesh]) == 4
    captured = capsys.readouterr()
    assert CODE in captured.out
    assert "broken.yaml" in captured.err


def test_a_folder_without_resources_is_4(tmp_path):
    assert run(["lint", "-m", str(tmp_path)]) == 4
    assert run(["lint", "-m", str(tmp_path / "missing")]) == 4


@pytest.mark.parametrize("form", FORGE_NAMES)
def test_pipelines_are_told_in_their_own_format(mesh, tmp_path, capsys, form: str):
    also = tmp_path / "also"

    assert run(["lint", "-m", mesh, "-o", form, "--also", f"{form}={also}"]) == 1
    out = capsys.readouterr().out
    assert CODE in out
    assert also.read_text() == out
