"""Yes, no, or not known and why: logic with three values, so that nothing is guessed and nothing certain is lost."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.base.fact import Fact


class Answer(Fact, frozen=True):
    """``holds`` is None where it cannot be known; ``missing`` then names the fields that would decide it."""

    holds: bool | None
    missing: tuple[str, ...] = ()


YES = Answer(True)
NO = Answer(False)


def unknown(*fields: str) -> Answer:
    """The answer that ``fields`` would decide."""
    return Answer(None, fields)


def known(holds: bool) -> Answer:
    """A certain answer."""
    return YES if holds else NO


def any_of(answers: Iterable[Answer]) -> Answer:
    """Whether at least one holds (Kleene's or); no for none at all."""
    missing: list[str] = []
    for answer in answers:
        if answer.holds:
            return YES
        missing += answer.missing
    return unknown(*dict.fromkeys(missing)) if missing else NO


def all_of(answers: Iterable[Answer]) -> Answer:
    """Whether every one holds (Kleene's and); yes for none at all."""
    missing: list[str] = []
    for answer in answers:
        if answer.holds is False:
            return NO
        missing += answer.missing
    return unknown(*dict.fromkeys(missing)) if missing else YES


def negation(answer: Answer) -> Answer:
    """The opposite; what is not known stays so."""
    return answer if answer.holds is None else known(not answer.holds)
