"""How far a handshake came, by Zeek's letters."""

from __future__ import annotations

import pytest

from analyzer.verdict.handshake import Handshake, handshake_of


@pytest.mark.parametrize(
    ("history", "found"),
    [
        ("Sh", Handshake(is_all=True, acknowledged=False, lacks_answer=False)),
        ("^hA", Handshake(is_all=True, acknowledged=True, lacks_answer=False)),
        ("ShAaDd", Handshake(is_all=False, acknowledged=True, lacks_answer=False)),
        ("ShR", Handshake(is_all=False, acknowledged=False, lacks_answer=False)),
        ("SA", Handshake(is_all=False, acknowledged=True, lacks_answer=True)),
        ("Sr", Handshake(is_all=False, acknowledged=False, lacks_answer=False)),
    ],
)
def test_letters_tell_how_far_the_handshake_came(history, found) -> None:
    assert handshake_of(history) == found


def test_what_was_sent_twice_changes_nothing() -> None:
    assert handshake_of("ShADadFf") == handshake_of("ShADTadtFf") == handshake_of("ShAaDdTFf")
