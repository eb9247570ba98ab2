"""What a change of the mesh moved is a finding: who, what, since when, and by which line."""

from __future__ import annotations

import pytest

from analyzer.mesh.history import Era, history_of
from analyzer.verdict.codes import CODES
from analyzer.verdict.judge import judge_and_ask
from analyzer.verdict.moved import moved_findings

REGISTRY_ONLY = "\noutboundTrafficPolicy: {mode: REGISTRY_ONLY}\n"
MS = 1_000_000


@pytest.fixture
def outside(app):
    """A function that gives a call to a stranger, at a time in milliseconds."""

    def tell(at, server="203.0.113.9:80", host="www.example.com"):
        return app(f"10.244.1.10:{40_000 + at}", server, at=at).ask("/", host, at=at)

    return tell


def found(talks, history):
    spoken = [(talk.wire, talk.conversation) for talk in talks]
    return moved_findings(judge_and_ask(spoken, history, {}), history, CODES)


def test_a_move_names_its_time_and_the_line_that_did_it(shop, outside) -> None:
    history = history_of(shop(), [Era(100 * MS, shop(REGISTRY_ONLY))])

    (finding,) = found([outside(10), outside(150), outside(160)], history)

    assert finding.sentence.startswith(
        "shop/sleep-0 → www.example.com: dropped since 1970-01-01T00:00:00.100Z, passthrough before"
    )
    assert [place.field for place in finding.yaml] == ["outboundTrafficPolicy.mode"]
    assert (finding.calls, finding.first_ns) == (("2", "3"), 150 * MS)


def test_calls_that_end_as_before_are_no_finding(shop, app) -> None:
    history = history_of(shop(), [Era(5 * MS, shop(REGISTRY_ONLY))])

    assert found([app(at=10).ask("/", "reviews", at=11)], history) == ()


def test_what_is_dropped_comes_before_what_is_mended(shop, outside) -> None:
    history = history_of(shop(), [Era(100 * MS, shop(REGISTRY_ONLY)), Era(200 * MS, shop())])

    sentences = [f.sentence for f in found([outside(150), outside(250)], history)]

    assert ["dropped since" in sentences[0], "passthrough since" in sentences[1]] == [True, True]
    assert "dropped before" in sentences[1]


def test_an_address_belongs_to_the_pod_of_its_time(shop, pod_text, outside) -> None:
    """The address of sleep-0 is given to another pod, without a sidecar: the later call is that one's."""
    heir = pod_text("legacy/heir-0", "10.244.1.10", sidecar=False)
    later = shop(pod_text("shop/sleep-0", "10.244.1.99"), heir)
    spoken = [(talk.wire, talk.conversation) for talk in (outside(10), outside(150))]

    asked = judge_and_ask(spoken, history_of(shop(), [Era(100 * MS, later)]), {})

    assert [each.record.pod for each in asked] == ["shop/sleep-0", "legacy/heir-0"]
