"""What a key log shows inside a call's TLS."""

from __future__ import annotations

from functools import partial

import pytest

from analyzer.opening import open_all
from analyzer.pipeline import analyze_paths
from analyzer.protocol.keylog import parse_key_log
from analyzer.verdict.inside import TOLD_REQUESTS
from analyzer.verdict.record import InsideRequest

ASK, ANSWER = b"GET /%d HTTP/1.1\r\nHost: inner.example\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n"


@pytest.fixture
def judged(tls_capture, tmp_path):
    """The one call of a talk that was captured, opened by its key log or sealed."""

    def judge(talk, mesh=None, *, sealed=False, **ends):
        path = tls_capture(tmp_path / "talk.pcap", talk, **ends)
        keys = parse_key_log([] if sealed else talk.keylog.splitlines())
        (call,) = analyze_paths([str(path)], mesh, open_captures=partial(open_all, keys=keys)).calls
        return call

    return judge


def test_requests_inside_are_told_with_their_status(judged, tls_talk) -> None:
    call = judged(tls_talk())

    assert call.inside == (InsideRequest("GET", "inner.example", "/inner/7", 503),)
    sentence = "a key log opens its TLS: GET /inner/7 with Host inner.example, answered 503"
    (step,) = (step for step in call.steps if step.sentence == sentence)
    assert step.packets


def test_many_requests_are_counted(judged, tls_talk) -> None:
    said = [each for n in range(TOLD_REQUESTS + 2) for each in ((True, ASK % n), (False, ANSWER))]

    call = judged(tls_talk(said=said))

    assert len(call.inside) == TOLD_REQUESTS + 2
    assert any(step.sentence.endswith("answered 204; and 2 more") for step in call.steps)


def test_a_request_without_an_answer(judged, tls_talk) -> None:
    call = judged(tls_talk(said=[(True, ASK % 1)]))

    assert call.inside[0].status is None
    assert any(step.sentence.endswith("without an answer") for step in call.steps)


def test_what_is_no_http_is_counted_in_bytes(judged, tls_talk) -> None:
    call = judged(tls_talk(said=[(True, b"\x00\x01hello"), (False, b"no")]))

    assert call.inside == ()
    assert "a key log opens its TLS: 7 bytes from the client and 2 from the server, no HTTP" in [
        step.sentence for step in call.steps
    ]


def test_where_envoy_passes_tls_on_nothing_is_decided_by_what_is_inside(judged, tls_talk, town) -> None:
    town.pod("shop/sleep-0", "10.244.1.10")
    mesh = town.mesh()

    sealed = judged(tls_talk(), mesh, sealed=True)
    opened = judged(tls_talk(), mesh)

    assert opened.decision == sealed.decision
    assert opened.observed == sealed.observed
    assert (sealed.inside, opened.protocol, opened.host) == ((), "tls", None)
