"""Workflow commands: one line each, escaped as the runner reads them."""

from __future__ import annotations

from analyzer.base.place import YamlPlace
from analyzer.report.as_github import MAX_ANNOTATIONS, MAX_MESSAGE, render_github
from analyzer.report.issue import CHANGED_SHARE, MOVED_CALL, NEW_CALL, Issue, Issues


def lines(*issues, file="mesh/a.yaml"):
    found = Issues("whatif", "100% move.", tuple(issues), file=file)
    return b"".join(render_github(found)).decode().splitlines()


def test_each_level_has_its_command_and_the_headline_comes_last() -> None:
    found = lines(*(Issue(code, "m", ("a",)) for code in (MOVED_CALL, CHANGED_SHARE, NEW_CALL)))

    assert [line.split(" ")[0] for line in found] == ["::error", "::warning", "::notice", "::notice"]
    assert found[-1] == "::notice title=meshverdict whatif::100%25 move."


def test_an_annotation_stands_at_its_line() -> None:
    issue = Issue(MOVED_CALL, "m", ("a",), (YamlPlace("a,b:c.yaml", 7),), advice="look")

    line = lines(issue)[0]

    assert line.startswith("::error file=a%2Cb%3Ac.yaml,line=7,title=moved-call%3A a recorded call")
    assert line.endswith("::m%0Alook")


def test_an_annotation_without_a_file_has_only_a_title() -> None:
    assert lines(Issue(MOVED_CALL, "m", ("a",)), file="")[0].startswith("::error title=")


def test_what_came_from_the_wire_begins_no_command() -> None:
    (line, _) = lines(Issue(MOVED_CALL, "a\n::set-output name=x::%0A\r", ("a",)))

    assert "a\\x0a::set-output name=x::%250A\\x0d" in line


def test_many_annotations_are_counted() -> None:
    found = lines(*(Issue(MOVED_CALL, "m" * 2 * MAX_MESSAGE, (str(n),)) for n in range(MAX_ANNOTATIONS + 2)))

    assert len(found) == MAX_ANNOTATIONS + 1
    assert "2 more are not shown here" in found[-1]
    assert len(found[0]) < MAX_MESSAGE + 300


def test_details_and_calls_have_lines_of_their_own() -> None:
    issue = Issue(
        MOVED_CALL, "m", ("a",), calls=("4",), subject="a → b", details=(("before", "x\n::y"), ("after", "z"))
    )

    line = lines(issue)[0]

    assert line.endswith("::a → b%0A  before  x\\x0a::y%0A  after   z%0A  call 4")
