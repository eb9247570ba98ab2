"""An issue: what it is called, where it is shown, and what makes it the same tomorrow."""

from __future__ import annotations

import pytest

from analyzer.base.place import YamlPlace
from analyzer.report.issue import MOVED_CALL, NEW_CALL, Issue, Issues, is_file, repository_path, unique


def issue(*identity, code=MOVED_CALL, yaml=(), message="m"):
    return Issue(code, message, identity or ("a",), tuple(yaml))


def test_a_fingerprint_stays_when_lines_and_counts_change() -> None:
    assert (
        issue("a", yaml=[YamlPlace("x", 1)], message="1 call").fingerprint == issue("a", message="2 calls").fingerprint
    )
    assert len(issue().fingerprint) == 64


@pytest.mark.parametrize("other", [issue("b"), issue("a", "b"), issue("a", code=NEW_CALL)])
def test_another_issue_has_another_fingerprint(other) -> None:
    assert issue("a").fingerprint != other.fingerprint


def test_a_text_that_is_no_text_has_a_fingerprint_too() -> None:
    assert issue("\udc80").fingerprint


def test_of_issues_that_are_the_same_the_first_counts() -> None:
    first, second = issue("a", message="1"), issue("a", message="2")

    assert unique([first, issue("b"), second]) == (first, issue("b"))


def test_an_issue_is_shown_at_its_first_line_in_a_file() -> None:
    found = Issues("whatif", "", (), file="mesh/a.yaml")
    places = [YamlPlace("--set mtls=STRICT", 1), YamlPlace("git:main:deploy/b.yaml", 7)]

    assert found.place_of(issue(yaml=places)) == ("deploy/b.yaml", 7)
    assert found.place_of(issue(yaml=places[:1])) == ("mesh/a.yaml", 1)
    assert Issues("whatif", "", ()).place_of(issue()) == ("", 1)


@pytest.mark.parametrize(
    ("name", "path"),
    [("mesh/a.yaml", "mesh/a.yaml"), ("./a.yaml", "a.yaml"), ("git:v1:a/b.yaml", "a/b.yaml"), ("--set a=b", "")],
)
def test_a_file_is_named_as_the_repository_has_it(name, path) -> None:
    assert repository_path(name) == path
    assert is_file(name) is bool(path)


@pytest.mark.parametrize(
    ("calls", "told"),
    [
        ((), "m"),
        (("7",), "m; call 7"),
        (("7", "8"), "m; calls 7, 8"),
        (tuple(map(str, range(12))), "m; calls 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"),
    ],
)
def test_an_issue_names_its_calls(calls, told) -> None:
    assert Issue(MOVED_CALL, "m", ("a",), (), calls).told == told
