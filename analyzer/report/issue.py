"""What a pipeline is told: findings, moves, differences and failed cases, in one shape for every format."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256

from analyzer.base.fact import Fact
from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import YamlPlace

MOVED_CALL = Code(
    "moved-call",
    Family.FINDING,
    Level.ERROR,
    "a recorded call would end elsewhere",
    "With the other mesh the call has another verdict, another cluster or another answer than with the one in which "
    "it was recorded.",
    "Look at the line that is named; where the move is meant, record the new ends or accept them.",
)
NEW_CALL = Code(
    "new-call",
    Family.FINDING,
    Level.INFO,
    "the second run has a call that the first has not",
    "Nobody called this before, or the first capture did not see it.",
)
GONE_CALL = Code(
    "gone-call",
    Family.FINDING,
    Level.INFO,
    "the first run has a call that the second has not",
    "Nobody calls this any more, or the second capture does not see it.",
)
CHANGED_SHARE = Code(
    "changed-share",
    Family.FINDING,
    Level.WARNING,
    "calls end in the same ways as before, but in other shares",
    "Weights, retries or the health of endpoints changed between the runs.",
)
OVER_BUDGET = Code(
    "over-budget",
    Family.FINDING,
    Level.ERROR,
    "more calls end so than the suite allows",
    "A suite says how many calls may be dropped, passed through, or stay undetermined; there are more.",
    "Look at the calls that are named; accept those that are meant to end so, with an owner and a day.",
)
FAILED_EXPECTATION = Code(
    "failed-expectation",
    Family.FINDING,
    Level.ERROR,
    "calls are not as the suite expects",
    "Of the calls that an expectation chooses some end otherwise, or there are too few or too many of them.",
    "Compare what was expected with what was found; explain the call that is named.",
)
RECORDED_DIFFERS = Code(
    "recorded-differs",
    Family.FINDING,
    Level.ERROR,
    "a call does not end where it ended when the ends were recorded",
    "The file of recorded ends says who called what and where that ended; this run says otherwise.",
    "Where the new end is right, run `meshverdict check --update` and review the change of the file.",
)
EXPIRED_ACCEPTANCE = Code(
    "expired-acceptance",
    Family.FINDING,
    Level.ERROR,
    "calls were accepted until a day that has passed",
    "Somebody answered for these calls until a day; it is over.",
    "Fix what was accepted, or agree on a new day with the owner.",
)
UNACCEPTED_FINDING = Code(
    "unaccepted-finding",
    Family.FINDING,
    Level.ERROR,
    "lint finds what nobody has accepted",
    "A suite asks for a mesh without findings of lint of a level, but for those that somebody answers for.",
    "Mend the line that is named, or accept the finding with an owner, a reason and a day.",
)
TOO_LITTLE_EVIDENCE = Code(
    "too-little-evidence",
    Family.FINDING,
    Level.ERROR,
    "there is too little evidence to call it a pass",
    "The captures hold fewer calls, or fewer calls with a verdict, than the suite asks for.",
    "Capture longer, in more pods, or with -i any; see the codes of what is missing.",
)
UNREADABLE_INPUT = Code(
    "unreadable-input",
    Family.FINDING,
    Level.ERROR,
    "a part of the input could not be read, or a limit was hit",
    "What was read is reported; what was not may hide a call, a resource or a finding, so that nothing is a pass.",
    "Mend the file that is named, or give more room where it is a limit.",
)

# Calls that a message names; the others are found by the filter language.
NAMED_CALLS = 10

_REVISION = re.compile(r"git:[^:]*:")


class Issue(Fact, frozen=True):
    """One thing to look at. ``message`` is plain text from the wire and from YAML: formats escape it.

    ``yaml`` begins with the line to show it at. ``identity`` is what stays the same when lines and counts change;
    ``calls`` are ids. ``details`` say the message again line by line under ``subject``: (what, text). ``group`` and
    ``subject`` are those of the case that failed, as ``Passed`` has them.
    """

    code: Code
    message: str
    identity: tuple[str, ...]
    yaml: tuple[YamlPlace, ...] = ()
    calls: tuple[str, ...] = ()
    advice: str = ""
    subject: str = ""
    details: tuple[tuple[str, str], ...] = ()
    group: str = ""

    @property
    def level(self) -> Level:
        """How much it matters."""
        return self.code.level

    @property
    def told(self) -> str:
        """The message with the calls that it is about, the first ``NAMED_CALLS`` by their ids."""
        return f"{self.message}; {self.named_calls}" if self.calls else self.message

    @property
    def named_calls(self) -> str:
        """The calls that it is about, the first ``NAMED_CALLS`` by their ids; empty where there are none."""
        count = len(self.calls)
        named = ", ".join(self.calls[:NAMED_CALLS])
        more = f" and {count - NAMED_CALLS:,} more" if count > NAMED_CALLS else ""
        return f"{'call' if count == 1 else 'calls'} {named}{more}" if count else ""

    @property
    def lines(self) -> tuple[str, ...]:
        """The message, or its subject and details, a thought a line; then the calls."""
        if not self.details:
            return (self.told,)
        width = max(len(what) for what, _ in self.details)
        told = (self.subject, *(f"  {what:<{width}}  {text}" for what, text in self.details))
        return (*told, f"  {self.named_calls}") if self.calls else told

    @property
    def fingerprint(self) -> str:
        """The same for the same issue in another run, 64 hexadecimal digits."""
        return sha256("\0".join((self.code.name, *self.identity)).encode("utf-8", "backslashreplace")).hexdigest()


class Passed(Fact, frozen=True):
    """A case that holds; ``group`` is its suite."""

    group: str
    name: str


class Issues(Fact, frozen=True):
    """What one command found: a ``headline`` in a sentence, the issues, the worst first, and what held.

    ``file`` is where an issue without a line is shown: a file of the mesh, or the suite.
    """

    command: str
    headline: str
    issues: tuple[Issue, ...]
    passed: tuple[Passed, ...] = ()
    file: str = ""

    def place_of(self, issue: Issue) -> tuple[str, int]:
        """The file, as a path in the repository, and the line at which to show an issue; empty where there is none."""
        place = next((place for place in issue.yaml if is_file(place.file)), None)
        return (repository_path(place.file), place.line) if place else (repository_path(self.file), 1)


def is_of_revision(name: str) -> bool:
    """Whether a place is in a file as a revision has it: the line may be gone from the file that a forge shows."""
    return _REVISION.match(name) is not None


def is_file(name: str) -> bool:
    """Whether a place is in a file that a forge could show: a preset is in none."""
    return not name.startswith("--")


def repository_path(name: str) -> str:
    """A file of a revision as the path that it has in the repository; other names as they are."""
    return _REVISION.sub("", name, count=1).removeprefix("./") if is_file(name) else ""


def unique(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """The issues without those that another one stands for already, by fingerprint, in their order."""
    seen: dict[str, Issue] = {}
    for issue in issues:
        seen.setdefault(issue.fingerprint, issue)
    return tuple(seen.values())
