"""What is asked about connections of HTTP of which no request was captured."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.verdict.asking import connection_question, unproven


@pytest.mark.parametrize(("missing", "lacking"), [((), ("request-unseen",)), (("gap",), ("gap",))])
def test_a_connection_of_http_without_a_captured_request_lacks_it(app, decision, missing, lacking) -> None:
    call = app().send(b"PRI").call()
    said = replace(call.said, conversation=replace(call.said.conversation, protocol="h2", missing=missing))

    assert unproven(replace(call, said=said), decision(None, None, undetermined=("header-unseen",))) == lacking


@pytest.mark.parametrize(("protocol", "cut"), [("h2", True), ("opaque", False)])
def test_of_a_connection_of_http_no_head_was_seen(app, shop, protocol, cut) -> None:
    call = app().send(b"PRI").call()
    said = replace(call.said, conversation=replace(call.said.conversation, protocol=protocol))

    assert connection_question(said, shop(), None).head_cut is cut
