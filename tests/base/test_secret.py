"""No credential that travelled in a name, a path or a header is shown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.secret import (
    TOKEN_SHAPES,
    redact_header,
    redact_host,
    redact_target,
    redact_text,
    reduce_target,
    reduce_text,
    shows_no_secret,
)

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("/p?access_token=CANARY03", "/p?access_token=[redacted]"),
        ("/p?a=1&X-Amz-Signature=abc&b=2", "/p?a=1&X-Amz-Signature=[redacted]&b=2"),
        ("/p?api%5Fkey=abc", "/p?api%5Fkey=[redacted]"),
        ("/p?next=/home#id_token=abc", "/p?next=/home#id_token=[redacted]"),
        ("/cart;jsessionid=ABCDEF?x=1", "/cart;jsessionid=[redacted]?x=1"),
        (f"/v/{JWT}/x", "/v/[redacted]/x"),
        (f"/v?state={JWT}", "/v?state=[redacted]"),
        ("http://user:p%40ss@h.example/x", "http://[redacted]@h.example/x"),
        ("user:pw@h.example:443", "[redacted]@h.example:443"),
        ("/bot123456:AAbbCCddEE/getMe", "/bot123456:[redacted]/getMe"),
        ("/services/T00AA/B00BB/XyZ12345678", "/services/T00AA/B00BB/[redacted]"),
        ("/reset/a1b2c3d4e5f6a7b8", "/reset/[redacted]"),
        ("/x/ghp_0123456789abcdefABCD", "/x/[redacted]"),
    ],
)
def test_a_target_loses_its_secrets_and_nothing_else(sent, shown):
    assert redact_target(sent) == shown


@pytest.mark.parametrize(
    "sent",
    ["/", "*", "/api/v1/items?q=green", "/shop.Cart/Add", "/?debug=true&q=go", "/a//x?q=1", "/%61pi", "/users/@me",
     "/reset/password", "/static/app.3f2a9c.js?v=12", "/search?q=token", "/keys?monkey=1", "h.example:443",
     "/orders/6f1c1a52-3c53-4a1c-9d2e-2f6a7b8c9d0e"],
)  # fmt: skip
def test_a_target_without_secrets_is_as_sent(sent):
    assert redact_target(sent) == sent


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("user:p%40ss@h.example", "[redacted]@h.example"),
        ("a@b@h", "[redacted]@h"),
        ("h.example:80", "h.example:80"),
        ("@h", "@h"),
        ("", ""),
    ],
)
def test_a_host_loses_its_userinfo(sent, shown):
    assert redact_host(sent) == shown


@pytest.mark.parametrize(
    ("name", "sent", "shown"),
    [
        ("Authorization", "Bearer CANARY", "[redacted]"),
        ("set-cookie", "sid=CANARY; Path=/", "[redacted]"),
        ("x-internal-token", "CANARY", "[redacted]"),
        ("referer", "http://h/?token=CANARY", "http://h/?token=[redacted]"),
        (":authority", "u:CANARY@h", "[redacted]@h"),
        ("accept", "text/html", "text/html"),
    ],
)
def test_a_header_shows_no_credential(name, sent, shown):
    assert redact_header(name, sent) == shown


def test_a_sentence_that_quotes_a_target_is_redacted_word_by_word():
    said = f'path "/p?token=CANARY" matches prefix /p; u:CANARY@h and {JWT}'
    assert redact_text(said) == 'path "/p?token=[redacted]" matches prefix /p; [redacted]@h and [redacted]'


@given(st.text(alphabet="abk/?&=;@:#.eyJtoken_ 0123456789%-", max_size=60))
@settings(max_examples=100, deadline=None)
def test_redacting_twice_changes_nothing_more(text):
    for redact in (redact_target, redact_host, redact_text):
        assert redact(redact(text)) == redact(text)


@given(st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_a_secret_parameter_never_survives(text):
    assert "CANARY" not in redact_target(f"/{text.replace('#', '')}?token=CANARY")


@pytest.mark.parametrize("unit", ["a", "-eyJ", "/token/", "a=", "http:", "@", "/reset/a", ".", "eyJa.", "SG.a-"])
def test_a_long_hostile_target_is_redacted_in_one_pass(unit):
    text = unit * (65536 // len(unit))
    assert redact_text(redact_target(text))


@pytest.mark.parametrize("shape", TOKEN_SHAPES)
def test_the_shortest_token_of_every_shape_is_redacted_wherever_it_stands(shape):
    @given(st.from_regex(re.compile(shape, re.ASCII), fullmatch=True))
    @settings(max_examples=20, deadline=None)
    def check(token):
        assert token not in redact_text(f"GET /a/{token} was sent")
        assert token not in redact_target(f"/a/{token}")
        assert token not in redact_host(token)

    check()


@pytest.mark.parametrize("target", ["/bot123:abcdefgh", "/api/webhooks/1/abcdefgh", "/services/T1/B2/abcdefgh"])
def test_the_shortest_secrets_of_paths_are_redacted(target):
    assert redact_target(target).endswith("[redacted]")


@pytest.mark.parametrize("segment", ["reset", "TOKENS", "magic-link"])
def test_the_shortest_opaque_segment_behind_a_telling_one_is_redacted(segment):
    assert redact_target(f"/a/{segment}/abcdefghijk1") == f"/a/{segment}/[redacted]"
    assert redact_target(f"/a/{segment}/abcdefghij1") == f"/a/{segment}/abcdefghij1"


@pytest.mark.parametrize(
    ("target", "reduced"),
    [
        ("/api/v1/orders/8431?user=jane#top", "/api/v1/orders/[redacted]?[redacted]"),
        ("/echo.Echo/Say", "/echo.Echo/Say"),
        ("http://shop.example:80/jane@example.com/x", "http://shop.example:80/[redacted]/x"),
        ("http://u:pw@shop/a", "http://[redacted]@shop/a"),
        ("shop.example:443", "shop.example:443"),
        ("*", "*"),
        ("/", "/"),
        ("/" + "a" * 40, "/[redacted]"),
    ],
)
def test_of_a_reduced_target_plain_words_are_left(target, reduced):
    assert reduce_target(target) == reduced
    assert reduce_target(reduced) == reduced


def test_a_reduced_sentence_keeps_what_is_no_path():
    sentence = "shop/sleep-0 (10.244.1.10:48172) sent GET /a/8431 with Host h to 10.96.0.11:9080, see mesh/x.yaml:12"

    assert reduce_text(sentence) == sentence.replace("8431", "[redacted]")


@pytest.mark.parametrize("text", ["/a/b" * 9, "/items/12345 /items/67890", "ü/items/12345"])
def test_texts_of_short_words_show_no_secret(text: str) -> None:
    assert shows_no_secret(text)


@pytest.mark.parametrize("run", ["AKIAIOSFODNN7EXAMPLE", "/~.%+:-_~.%+=", "/üüüüüüüüüüüü"])
def test_a_long_run_of_what_tokens_are_made_of_may_be_a_secret(run: str) -> None:
    assert shows_no_secret("/items/1 " + run[:11])
    assert not shows_no_secret("/items/1 " + run)
