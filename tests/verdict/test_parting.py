"""The moment at which packets and mesh part is found where calls of one kind change sides, and nowhere else."""

from __future__ import annotations

import pytest

from analyzer.verdict.parting import find_parting, kinds_of, parting_finding, parting_of
from analyzer.verdict.record import Observed
from analyzer.verdict.rights import RightLog

SECOND = 1_000_000_000
AGREES = {"+": True, "-": False}


@pytest.fixture
def calls(record):
    """A function that gives calls by host: a word of ``+`` (fits), ``-`` (contradicts) and ``?``, one a second."""

    def tell(**hosts):
        return [
            record(id=f"{host}{n}", host=host, first_ns=n * SECOND, observed=Observed(agrees=AGREES.get(mark)))
            for host, word in hosts.items()
            for n, mark in enumerate(word)
            if mark != " "
        ]  # fmt: skip

    return tell


def test_calls_that_fit_only_after_a_moment_were_made_under_another_configuration(calls) -> None:
    parting = find_parting(calls(a="--++", b="--++", c="++++"))

    assert (parting.moment_ns, parting.ends) == (SECOND, True)
    assert [mark.call for mark in parting.disagreeing] == ["a0", "b0", "a1", "b1"]
    assert parting.sentence.startswith(
        "until 1970-01-01T00:00:01.000Z as if under another configuration: 4 calls to a, b"
    )


def test_calls_that_fit_only_before_a_moment_name_the_first_that_does_not(calls) -> None:
    parting = find_parting(calls(a="++--"))

    assert (parting.moment_ns, parting.ends) == (2 * SECOND, False)
    assert parting.sentence.startswith("since ")


def test_calls_that_fit_by_turns_are_no_change(calls) -> None:
    assert find_parting(calls(a="-+-+", b="+-+-")) is None


def test_one_call_on_a_side_is_chance(calls) -> None:
    assert find_parting(calls(a="-+++")) is None
    assert find_parting(calls(a="--+")) is None


def test_calls_that_always_agree_or_never_do_are_no_change(calls) -> None:
    assert find_parting(calls(a="++++", b="----", c="????")) is None


def test_what_was_only_called_on_the_wrong_side_belongs_to_it(calls) -> None:
    parting = find_parting(calls(a="--++", b="-?  ", c=" ---"))

    assert [mark.call for mark in parting.disagreeing] == ["a0", "b0", "a1"]


def test_changes_that_do_not_meet_leave_the_one_with_most_calls(calls) -> None:
    parting = find_parting(calls(a="---+++", b="-+++++"))

    assert {mark.target for mark in parting.disagreeing} == {"a"}


def test_the_finding_leads_to_the_calls(calls) -> None:
    finding = parting_finding(find_parting(calls(a="--++")))

    assert (finding.calls, finding.first_ns) == (("a0", "a1"), SECOND)
    assert finding.packets


@pytest.mark.parametrize(
    ("words", "cut"),
    [
        ({"a": "--++", "b": "--++", "c": "++++"}, 2),
        ({"a": "++--", "b": "++  "}, 2),
        ({"a": "--++--", "b": "++++++"}, 4),
        ({"a": "-+++", "b": "----", "c": "+?+?"}, 1),
    ],
)
def test_calls_that_agree_may_be_counted_elsewhere(calls, words, cut) -> None:
    found = calls(**words)
    kinds = kinds_of(call for call in found if call.observed.agrees is False)

    for part in (found[:cut], found[cut:]):
        log = RightLog()
        log.add_kinds(kinds_of(part))
        log.take().count_among(kinds)

    assert parting_of(kinds) == find_parting(found)
