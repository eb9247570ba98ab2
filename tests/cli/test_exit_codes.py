"""The table of exit codes: command by situation, whatever the format."""

from __future__ import annotations

import shutil

import pytest

FORGES = ("markdown", "junit", "sarif", "github", "gitlab")
FORMATS = {
    "analyze": ("text", "json", "jsonl", "csv", *FORGES),
    "whatif": ("text", "json", "jsonl", *FORGES),
    "diff": ("text", "json", "jsonl", *FORGES),
    "check": ("text", "json", "jsonl", *FORGES),
}
# By command: what must be asked so that there is nothing to report, and so that there is.
QUIET = {
    "analyze": ("analyze", "CAPTURE", "-m", "MESH", "--fail-on", "none"),
    "whatif": ("whatif", "CAPTURE", "-m", "MESH", "--mesh-new", "MESH"),
    "diff": ("diff", "CAPTURE", "CAPTURE", "-m", "MESH"),
    "check": ("check", "SUITE"),
}
FINDING = {
    "analyze": ("analyze", "CAPTURE", "-m", "MESH", "--fail-on", "passthrough"),
    "whatif": ("whatif", "CAPTURE", "-m", "MESH", "--set", "mtls=STRICT"),
    "diff": ("diff", "CAPTURE", "CAPTURE", "-m", "MESH", "--mesh-new", "STRICT"),
    "check": ("check", "FAILING"),
}
CASES = [(command, output) for command, outputs in FORMATS.items() for output in outputs]


@pytest.fixture
def world(tmp_path, naked, mesh):
    """A capture, its mesh, the same with STRICT, and suites that hold and fail; some may be broken by a test."""
    shutil.copy(naked, tmp_path / "a.pcap")
    for name in ("mesh", "strict"):
        shutil.copytree(mesh, tmp_path / name)
    policy = (
        "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: a, namespace: istio-system}\n"
    )
    (tmp_path / "strict" / "strict.yaml").write_text(f"{policy}spec: {{mtls: {{mode: STRICT}}}}\n")
    head = "captures: a.pcap\nmesh: mesh\n"
    (tmp_path / "good.yaml").write_text(f"{head}budgets: {{disagreement: 0}}\n")
    (tmp_path / "bad.yaml").write_text(f"{head}budgets: {{passthrough: 0}}\n")
    return tmp_path


def ask(cli, world, arguments, output):
    names = {"CAPTURE": "a.pcap", "MESH": "mesh", "STRICT": "strict", "SUITE": "good.yaml", "FAILING": "bad.yaml"}
    return cli(*(world / names[each] if each in names else each for each in arguments), "-o", output)


@pytest.mark.parametrize(("command", "output"), CASES)
def test_0_where_there_is_nothing_to_report(cli, world, command, output) -> None:
    answer = ask(cli, world, QUIET[command], output)

    assert (answer.code, answer.err) == (0, "")


@pytest.mark.parametrize(("command", "output"), CASES)
def test_1_where_there_is(cli, world, command, output) -> None:
    answer = ask(cli, world, FINDING[command], output)

    assert (answer.code, answer.err) == (1, "")
    assert answer.out


@pytest.mark.parametrize("command", FORMATS)
def test_2_where_the_question_is_wrong(cli, world, command) -> None:
    assert ask(cli, world, QUIET[command], "papyrus").code == 2


@pytest.mark.parametrize(("command", "output"), CASES)
def test_3_where_a_capture_breaks_off_and_the_results_so_far_are_written(cli, world, command, output) -> None:
    capture = world / "a.pcap"
    capture.write_bytes(capture.read_bytes()[:-7])

    answer = ask(cli, world, FINDING[command], output)

    assert answer.code == 3
    assert "a.pcap" in answer.err
    assert answer.out


@pytest.mark.parametrize(("command", "output"), CASES)
def test_4_where_a_part_of_the_mesh_is_unusable_also_beside_a_broken_capture(cli, world, command, output) -> None:
    capture = world / "a.pcap"
    capture.write_bytes(capture.read_bytes()[:-7])
    (world / "mesh" / "broken.yaml").write_text("{a: [")

    answer = ask(cli, world, FINDING[command], output)

    assert answer.code == 4
    assert "broken.yaml" in answer.err
    assert answer.out


@pytest.mark.parametrize("output", FORMATS["check"])
def test_5_where_a_suite_has_too_little_evidence_even_though_it_fails(cli, world, output) -> None:
    suite = world / "bad.yaml"
    suite.write_text(suite.read_text() + "evidence: {calls: 1000}\n")

    assert ask(cli, world, FINDING["check"], output).code == 5


@pytest.mark.parametrize("command", FORMATS)
def test_further_reports_of_the_same_run_are_written_beside_the_first(cli, world, command) -> None:
    files = {name: world / f"report.{name}" for name in FORGES}
    also = [word for name, file in files.items() for word in ("--also", f"{name}={file}")]

    answer = ask(cli, world, (*FINDING[command], *also), "text")

    assert answer.code == 1
    for name, file in files.items():
        assert file.read_bytes() == ask(cli, world, FINDING[command], name).out.encode()
