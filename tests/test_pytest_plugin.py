"""The pytest plugin: suites are collected as items, the fixture runs and checks."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from analyzer import checking, notebook

pytest_plugins = ("pytester",)

# pytester forgets what a run imports; what is imported here already stays, so that no run imports NumPy again.
KEPT = (checking, notebook)

ROOT = Path(__file__).resolve().parents[1]
SHOP = ROOT / "captures" / "shop-default"
HEAD = "captures: a.pcap\nmesh: mesh\n"
# A run in this process that handled its faults would leave none to handle the signals of what comes after it.
NOT_WANTED = ("cacheprovider", "faulthandler", "hypothesispytest")
PLUGIN = ("-p", "analyzer.pytest_plugin", *(word for name in NOT_WANTED for word in ("-p", f"no:{name}")))


@pytest.fixture
def ran(pytester: pytest.Pytester, request, monkeypatch):
    """A function that runs pytest with the plugin beside a small capture, its mesh, and what a test writes."""
    # Where it is set pytest's summary tells failures whole once more.
    monkeypatch.delenv("CI", raising=False)
    shutil.copy(SHOP / "pods" / "legacy_naked-0.any.pcap", pytester.path / "a.pcap")
    shutil.copytree(SHOP / "mesh", pytester.path / "mesh")
    known = request.config.pluginmanager.has_plugin("meshverdict")

    def run(*options: str, **files: str) -> pytest.RunResult:
        for name, text in files.items():
            path = pytester.path / (f"{name}.py" if name.startswith("test_") else f"{name}.verdict.yaml")
            path.write_text(text)
        return pytester.runpytest_inprocess(*(() if known else PLUGIN[:2]), *PLUGIN[2:], *options)

    return run


def test_each_thing_that_a_suite_asks_is_an_item(ran) -> None:
    text = (
        "budgets: {dropped: 100%}\nexpectations: [{name: some calls, where: request >= 1}]\n"
        "accepted: [{where: port == 1, owner: me, reason: r}]\n"
    )

    result = ran("-v", a=HEAD + text)

    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*::budget for dropped PASSED*", "*::some calls PASSED*", "*::evidence PASSED*"])


def test_a_failed_item_tells_expected_got_why_and_where(ran) -> None:
    result = ran(a=f"{HEAD}budgets: {{passthrough: 0}}\n")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*expected*at most 0*", "*got*", "*why*", "*where*a.pcap: packet*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_recorded_ends_are_one_item(ran, pytester) -> None:
    (pytester.path / "a.expected.yaml").write_text("[]\n")

    result = ran(a=HEAD)

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*expected*no such call*"])


def test_what_lint_finds_is_one_item(ran) -> None:
    result = ran(a=f"{HEAD}lint: error\n")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*expected*no error of lint*", "*got*unknown-destination*"])


def test_too_little_evidence_fails_its_item(ran) -> None:
    result = ran(a=f"{HEAD}budgets: {{dropped: 100%}}\nevidence: {{calls: 1000}}\n")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*calls, expected at least 1,000*"])


def test_a_capture_that_cannot_be_read_is_too_little_evidence(ran, pytester) -> None:
    (pytester.path / "a.pcap").write_bytes((pytester.path / "a.pcap").read_bytes()[:-7])

    ran(a=f"{HEAD}budgets: {{dropped: 100%}}\n").assert_outcomes(passed=1, failed=1)


def test_a_suite_that_is_wrong_cannot_be_collected(ran) -> None:
    result = ran(a=f"{HEAD}budgets: {{droped: 0}}\n")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*is it 'dropped'*"])


def test_a_mesh_that_is_missing_fails_every_item_in_one_line(ran) -> None:
    result = ran(a="captures: a.pcap\nmesh: ghost\nbudgets: {dropped: 0}\n")

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*ghost: no such file or folder*"])


def test_the_day_can_be_given(ran) -> None:
    text = (
        f"{HEAD}budgets: {{dropped: 100%}}\naccepted: [{{where: port == 1, owner: me, reason: r, until: 2026-11-30}}]\n"
    )

    ran(a=text).assert_outcomes(passed=3)
    ran("--meshverdict-today", "2026-12-01", a=text).assert_outcomes(passed=2, failed=1)


def test_the_fixture_checks_a_suite(ran) -> None:
    test = "def test_it(meshverdict):\n    assert meshverdict.check('{}').calls\n"
    (good, bad) = (f"{HEAD}budgets: {{dropped: 100%}}\n", f"{HEAD}budgets: {{passthrough: 0}}\n")

    result = ran("test_good.py", "test_bad.py", a=good, b=bad, test_good=test.format("a.verdict.yaml"),
                 test_bad=test.format("b.verdict.yaml"))  # fmt: skip

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*budget for passthrough*"])


def test_the_fixture_analyses_captures(ran) -> None:
    test = "def test_it(meshverdict):\n    assert meshverdict.analyze('a.pcap', mesh='mesh').analysis.calls\n"

    ran("test_run.py", test_run=test).assert_outcomes(passed=1)


def test_other_yaml_is_left_alone(ran, pytester) -> None:
    (pytester.path / "values.yaml").write_text("a: [")

    ran(test_one="def test_it():\n    pass\n").assert_outcomes(passed=1)


STRICT = """
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
"""


def test_with_the_mesh_of_the_recording_the_line_that_moved_a_call_is_named(ran, pytester) -> None:
    shutil.copytree(pytester.path / "mesh", pytester.path / "old")
    (pytester.path / "mesh" / "strict.yaml").write_text(STRICT)
    uses = "def test_suite(meshverdict):\n    meshverdict.check('a.verdict.yaml')\n"

    result = ran("--meshverdict-mesh-old", "old", a=f"{HEAD}budgets: {{dropped: 0}}\n", test_mesh=uses)

    result.assert_outcomes(passed=1, failed=2)
    assert result.stdout.str().count("strict.yaml:5") == 2


def test_a_day_that_is_none_is_a_matter_of_usage(ran) -> None:
    result = ran("--meshverdict-today", "soon", a=f"{HEAD}budgets: {{dropped: 100%}}\n")

    assert "found 'soon', expected a day such as 2026-12-31" in result.stdout.str() + result.stderr.str()


def test_the_fixture_reads_the_mesh_of_a_revision(ran, pytester) -> None:
    for command in (
        ("init", "-q"),
        ("add", "mesh"),
        ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "m"),
    ):
        subprocess.run(["git", *command], cwd=pytester.path, check=True)
    uses = "def test_run(meshverdict):\n    assert meshverdict.analyze('a.pcap', mesh='git:HEAD:mesh').analysis.calls\n"

    ran(test_mesh=uses).assert_outcomes(passed=1)
