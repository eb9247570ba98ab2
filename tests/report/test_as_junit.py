"""JUnit XML: parsed back, and of the shape that its schema asks for."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.place import YamlPlace
from analyzer.report.as_junit import render_junit
from analyzer.report.issue import MOVED_CALL, NEW_CALL, Issue, Issues, Passed


def parsed(*issues, passed=(), headline="2 move."):
    found = Issues("whatif", headline, tuple(issues), tuple(passed), file="mesh/a.yaml")
    return ElementTree.fromstring(b"".join(render_junit(found)))


def test_the_suite_counts_its_cases() -> None:
    root = parsed(Issue(MOVED_CALL, "m", ("a",)), Issue(NEW_CALL, "n", ("b",)), passed=[Passed("s.yaml", "holds")])

    (suite,) = root
    assert (root.tag, suite.tag) == ("testsuites", "testsuite")
    assert {name: suite.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "3",
        "failures": "1",
        "errors": "0",
    }
    assert len(suite.findall("testcase")) == 3
    assert all(case.get("name") and case.get("classname") for case in suite.iter("testcase"))


def test_an_issue_fails_with_its_message_lines_and_advice() -> None:
    issue = Issue(MOVED_CALL, 'a <b> & "c"', ("a", ""), (YamlPlace("x.yaml", 7),), advice="look")

    case = parsed(issue).find(".//testcase")

    failure = case.find("failure")
    assert case.get("name") == "a"
    assert (failure.get("type"), failure.get("message")) == ("moved-call", 'a <b> & "c"')
    assert failure.text == 'x.yaml:7\na <b> & "c"\nlook'


def test_further_lines_follow_the_message() -> None:
    issue = Issue(MOVED_CALL, "m", ("a",), (YamlPlace("x.yaml", 7), YamlPlace("x.yaml", 9), YamlPlace("x.yaml", 9)))

    assert parsed(issue).find(".//failure").text == "x.yaml:7\nm\nx.yaml:9"


def test_a_case_has_the_same_names_whether_it_holds_or_not() -> None:
    failed = Issue(MOVED_CALL, "m", ("s.yaml", "budget", "n"), subject="n", group="s.yaml")

    held, fails = (
        parsed(*issues, passed=p).find(".//testcase").attrib
        for issues, p in (((), [Passed("s.yaml", "n")]), ((failed,), ()))
    )

    assert held == fails


def test_details_are_lines_of_the_failure() -> None:
    issue = Issue(MOVED_CALL, "m", ("a",), calls=("4",), subject="n", details=(("expected", "e"), ("got", "g")))

    assert parsed(issue).find(".//failure").text == "mesh/a.yaml:1\nn\n  expected  e\n  got       g\n  call 4"


def test_what_is_only_worth_knowing_does_not_fail() -> None:
    root = parsed(Issue(NEW_CALL, "n", ("b",)))

    assert root.find(".//failure") is None
    assert root.find(".//system-out").text == "2 move.\nmesh/a.yaml:1\nn"


def test_without_issues_one_case_says_so() -> None:
    case = parsed(headline="Nothing moves.").find(".//testcase")

    assert (case.get("classname"), case.get("name"), len(case)) == ("whatif", "Nothing moves.", 0)


def test_an_issue_without_a_file_has_no_place() -> None:
    text = b"".join(render_junit(Issues("check", "", (Issue(MOVED_CALL, "m", ("a",)),))))

    assert ElementTree.fromstring(text).find(".//failure").text == "m"


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30))
def test_any_text_gives_xml(wire: str) -> None:
    assert parsed(Issue(MOVED_CALL, wire, (wire,)), headline=wire).find(".//failure") is not None
