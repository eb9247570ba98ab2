"""Text that is put together from shared pieces is, byte for byte, what the objects of ``json_objects`` encode to."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.fact import replace
from analyzer.base.place import PacketPlace
from analyzer.flow.connection import Endpoint
from analyzer.report import json_text
from analyzer.report.json_objects import call_object, encode, flow_object
from analyzer.report.json_text import CallText, flow_text, quoted
from analyzer.report.private import redact_call
from analyzer.verdict.decision import Step

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N"
TEXTS = st.text(alphabet="ab \"\\'<(/?&=;@:#%-.é\u202e\x7f\x1b\ud800\U0001f600", max_size=12) | st.sampled_from(
    ["", "/", " ", f"/v/{JWT}", "/p?token=CANARY", "user:pw@host", f"a {JWT} b", "plain"]
)
WORDS = st.none() | TEXTS


def same(text: CallText, call, *, redact: bool) -> bool:
    return text.write(call) == encode(call_object(redact_call(call) if redact else call)).decode()


@pytest.mark.parametrize("redact", [True, False])
@pytest.mark.parametrize("run", ["shop", "hostile", "bare", "empty"])
def test_calls_and_flows_are_written_as_their_objects_are(request, run, redact) -> None:
    analysis = request.getfixturevalue(run)
    text = CallText(redact=redact)

    assert all(same(text, call, redact=redact) for call in (*analysis.calls, *analysis.calls))
    assert all(flow_text(flow) == encode(flow_object(flow)).decode() for flow in analysis.flows)


@given(host=WORDS, method=WORDS, path=WORDS, sni=WORDS, words=st.tuples(TEXTS, TEXTS), redact=st.booleans())
@settings(max_examples=100, deadline=None)
def test_whatever_was_sent_is_written_as_its_object_is(shop, host, method, path, sni, words, redact) -> None:
    place = PacketPlace(words[0], 3)
    asked = Step(f"{words[0]} sent {method} {path} with Host {host}{words[1]}", (place,))
    call = replace(
        shop.calls[0], host=host, method=method, path=path, sni=sni, alpn=words, pod=host, uid=words[1],
        captures=words, packets=((words[0], 1, 2),), client=Endpoint(words[1], 1), before=(asked, asked),
        after=(replace(asked, packets=()), Step(words[1], (place, place))),
    )  # fmt: skip

    assert same(CallText(redact=redact), call, redact=redact)


@given(text=TEXTS)
@settings(max_examples=50, deadline=None)
def test_a_text_is_quoted_as_the_encoder_quotes_it(text) -> None:
    assert quoted(text) == encode(text).decode()


PATHS = TEXTS | st.sampled_from(
    [
        "/items/7",
        "/a?token=CANARY",
        "/reset/CANARY-1234567",
        "/bot123456:CANARY-123",
        "/u/0123456789abc",
        "/eyJCANARY1.abcdefgh",
    ]
)


@given(paths=st.lists(PATHS, max_size=4), redact=st.booleans())
@settings(max_examples=100, deadline=None)
def test_what_shows_all_paths_as_sent_shows_each_as_it_is(paths, redact) -> None:
    text = CallText(redact=redact)

    if text.shows_as_sent(paths):
        assert [text.path_texts(path) for path in paths] == [(f'"{path}"', path) for path in paths]


@pytest.mark.parametrize("path", ["/items/7", "/v1/projects/12345", ""])
def test_paths_that_are_plain_are_shown_as_sent(path) -> None:
    assert CallText(redact=True).shows_as_sent([path, path])


@pytest.mark.parametrize("path", ["/a?token=CANARY", '/"', "/\x7f", "/\u00e9", "/reset/CANARY-1234567"])
def test_paths_are_not_shown_as_sent_where_one_may_not_be(path) -> None:
    assert not CallText(redact=True).shows_as_sent(["/items/7", path])


def test_the_words_around_a_path_are_redacted_with_it(shop) -> None:
    step = Step("user:pw@host sent GET /p?token=CANARY with Host a@b to x", (PacketPlace("a", 1),))
    call = replace(shop.calls[0], path="/p?token=CANARY", before=(step,))

    written = CallText(redact=True).write(call)

    assert not any(secret in written for secret in ("pw", "CANARY", "a@b"))


def test_calls_that_differ_in_one_field_do_not_share_its_text(shop) -> None:
    text, call = CallText(redact=True), shop.calls[0]
    others = [
        replace(call, **{name: f"other-{name}"})
        for name in ("id", "pod", "server_pod", "protocol", "uid", "community_id", "conn_state", "history")
    ]

    assert same(text, call, redact=True)
    assert all(same(text, other, redact=True) for other in others)


def test_what_is_remembered_has_a_ceiling(shop, monkeypatch) -> None:
    monkeypatch.setattr(json_text, "_REMEMBERED", 1)
    text = CallText(redact=True)

    assert all(same(text, call, redact=True) for call in shop.calls)
