"""Findings that a user does not want to see: ``CODE=namespace/name``, with ``*`` in either."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from analyzer.base.errors import UsageError
from analyzer.base.fact import Fact
from analyzer.base.spelling import hint
from analyzer.verdict.lint.finding import LintFinding


class Suppression(Fact, frozen=True):
    """A pattern for codes and one for the resources (``namespace/name``, or ``Kind namespace/name``)."""

    code: str
    resource: str

    def hides(self, finding: LintFinding) -> bool:
        """Whether a finding is not to be shown."""
        if not fnmatchcase(finding.code.name, self.code):
            return False
        return any(fnmatchcase(name, self.resource) for name in (finding.full_name, finding.resource))


def parse_suppression(text: str, codes: Iterable[str], *, source: str = "--suppress") -> Suppression:
    """The suppression that ``text`` writes; raises ``UsageError``, which begins with ``source``, where it fits no code.

    A mistyped code would hide nothing and never be noticed.
    """
    code, separator, resource = text.partition("=")
    if not separator or not resource:
        raise UsageError(f"{source}: found {text!r}, expected CODE=NAMESPACE/NAME, as in 'shadowed-route=shop/*'")
    if not any(fnmatchcase(name, code) for name in codes):
        meant = hint(code, codes) or "; `meshverdict codes` lists them"
        raise UsageError(f"{source}: found {code!r}, which is no code of lint{meant}")
    return Suppression(code, resource)


def visible_findings(findings: Iterable[LintFinding], suppressions: Sequence[Suppression]) -> tuple[LintFinding, ...]:
    """The findings that no suppression hides."""
    return tuple(each for each in findings if not any(hiding.hides(each) for hiding in suppressions))
