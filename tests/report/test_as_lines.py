"""One line of text for a call that ended."""

from __future__ import annotations

from analyzer.report.as_lines import call_line


def test_a_line_says_who_asked_whom_what_came_of_it_and_what_was_seen(shop) -> None:
    call = shop.calls[4]

    line = call_line(call)

    for word in (call.pod, call.host, call.method, "dropped (no-route)", "404"):
        assert word in line


def test_a_line_is_one_line_whatever_was_sent(hostile) -> None:
    assert all(call_line(call).isprintable() for call in hostile.calls)


def test_what_packets_show_otherwise_is_said(shop) -> None:
    differing = [call for call in shop.calls if call.observed.agrees is False]

    assert differing
    assert all(call_line(call).endswith("(differs)") for call in differing)


def test_a_secret_is_shown_only_to_who_asks_for_it(shop) -> None:
    assert not any("CANARY" in call_line(call) for call in shop.calls)
    assert any("CANARY" in call_line(call, redact=False) for call in shop.calls)
