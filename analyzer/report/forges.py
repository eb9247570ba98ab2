"""The formats that pipelines read, by the name that ``-o`` takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from analyzer.report.as_github import render_github
from analyzer.report.as_gitlab import render_gitlab
from analyzer.report.as_junit import render_junit
from analyzer.report.as_markdown import render_markdown
from analyzer.report.as_sarif import render_sarif
from analyzer.report.issue import Issues

# Each takes the issues and gives the bytes of the report in pieces.
FORGES: Mapping[str, Callable[[Issues], Iterator[bytes]]] = {
    "markdown": render_markdown,
    "junit": render_junit,
    "sarif": render_sarif,
    "github": render_github,
    "gitlab": render_gitlab,
}
