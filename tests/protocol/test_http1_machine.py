"""Machines take the heads that they should, and tell where things stand in them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.protocol.http1_machine import (
    DONE,
    FIXED,
    HOST,
    LEAD,
    REQUEST_ID,
    SERVER,
    SERVICE_TIME,
    START,
    STATUS,
    TARGET,
    begins,
    ends,
    named,
    request_machine,
    response_machine,
    text_machine,
)


def run(machine, text: bytes) -> tuple[int, dict[int, int]]:
    """The state behind a text, and behind how many bytes each spot was passed last."""
    state, spots = START, {}
    for count, byte in enumerate(text, 1):
        state = int(machine.table[state << 8 | byte])
        if state < len(machine.marks):
            spots[abs(int(machine.marks[state]))] = count
    return state, spots


def value(machine, text: bytes, field: int) -> bytes | None:
    state, spots = run(machine, text)
    assert state == DONE
    if named(field) not in spots and begins(field) not in spots:
        return None
    return text[spots[begins(field)] - 1 : spots[ends(field)] - 1] if begins(field) in spots else b""


ASKED = b"POST /a?b HTTP/1.1\r\nhOst: \ta:1 \r\nx-request-id:b  c\r\nX-User:\r\nx-use: \r\nx: d\r\n\r\n"
ANSWERED = b"HTTP/1.1 204 No\r\nServer: envoy \r\nX-Envoy-Upstream-Service-Time: 3\r\n\r\n"


def test_a_request_tells_its_fields() -> None:
    machine = request_machine(frozenset({"x-user", "x-use", "x-u"}))
    names = [LEAD, TARGET, HOST, REQUEST_ID, FIXED, FIXED + 1, FIXED + 2]

    told = [value(machine, ASKED, field) for field in names]

    assert told == [b"POST", b"/a?b", b"a:1", b"b  c", None, b"", b""]


def test_a_response_tells_its_fields() -> None:
    told = [value(response_machine(), ANSWERED, field) for field in (STATUS, SERVER, SERVICE_TIME)]

    assert told == [b"204", b"envoy", b""]


def test_what_can_be_no_name_has_no_field() -> None:
    assert request_machine(frozenset({":path", "", "a b", "é", "X"})).keyed == request_machine(frozenset()).keyed


def test_a_header_that_makes_a_request_unusual_does_so_where_it_is_looked_at_too() -> None:
    machine = request_machine(frozenset({"upgrade"}))

    assert run(machine, b"GET / HTTP/1.1\r\nupgrade: h2c\r\n\r\n")[0] != DONE


@pytest.mark.parametrize(
    "text",
    [b"", ASKED[:-1], ASKED.replace(b"POST", b"PO"), ASKED.replace(b"/a", b"a"), ASKED.replace(b"\r\n", b"\n")],
)
def test_what_is_no_request_is_not_taken(text) -> None:
    assert run(request_machine(frozenset()), text)[0] != DONE


TEXTS = st.frozensets(st.text("ab", min_size=1, max_size=4).map(str.encode), min_size=0, max_size=4)


@given(texts=TEXTS, text=st.text("abc", max_size=20).map(str.encode))
@settings(max_examples=100, deadline=None)
def test_a_text_is_found_wherever_it_stands(texts, text) -> None:
    assert (run(text_machine(texts), text)[0] == DONE) == any(each in text for each in texts)
