"""The calls of a wire, how long each lasted, and what it asked of whom."""

from __future__ import annotations

import pytest

from analyzer.protocol.facts import Request
from analyzer.verdict.call import calls_of, host_and_path


def test_every_request_on_a_connection_is_a_call(app) -> None:
    kept_alive = app().ask("/a").answer().ask("/b").answer()

    assert [(c.ordinal, c.request.target) for c in calls_of(kept_alive.said())] == [(1, "/a"), (2, "/b")]


def test_an_opaque_connection_is_one_call(app) -> None:
    (call,) = calls_of(app().send(b"PING").said())

    assert (call.ordinal, call.exchange, call.request) == (1, None, None)


def test_a_call_lasts_from_its_request_to_the_beginning_of_its_reply(app) -> None:
    call = app().ask("/a", at=5).answer(at=6).ask("/b", at=20).answer(at=30).call(2)

    assert (call.begin_ns, call.end_ns) == (20_000_000, 30_000_000)


def test_an_unanswered_call_lasts_as_long_as_its_connection(app) -> None:
    call = app(at=1).ask(at=5).close("client", at=900).call()

    assert (call.begin_ns, call.end_ns) == (5_000_000, 900_000_000)


def test_a_call_whose_request_was_not_seen_begins_with_its_connection(app) -> None:
    call = app(at=1).answer(at=8).call()

    assert (call.begin_ns, call.end_ns) == (1_000_000, 8_000_000)


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        ("/a", ("proxy", "/a")),
        ("http://web/a?b", ("web", "/a?b")),
        ("HTTPS://web", ("web", "/")),
        ("http://web?b", ("web", "/?b")),
        ("ftp://web/a", ("proxy", "ftp://web/a")),
    ],
)
def test_the_authority_of_an_absolute_target_counts_as_the_host(target, asked) -> None:
    assert host_and_path(Request("http/1.1", "GET", target, "proxy", (), 0, 10)) == asked
