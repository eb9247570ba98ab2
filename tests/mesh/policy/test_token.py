"""Tokens as Envoy reads them, and signatures by keys that are in the input."""

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.mesh.policy.token import parse_token, signature_holds


def encode(text):
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def test_a_token_is_read(issuer):
    found = parse_token(issuer.unsigned({"alg": "RS256", "kid": "k1"}, {"iss": "me", "sub": "a"}))
    assert found is not None
    assert (found.algorithm, found.key_id, found.claims["sub"]) == ("RS256", "k1", "a")


@pytest.mark.parametrize(
    "text",
    [
        "rubbish", "a.b", "a.b.c.d", "..", f"{encode('[]')}.{encode('{}')}.eA", f"{encode('{')}.{encode('{}')}.eA",
        "\u00e9.b.c", "a.b." + "c" * 70000,
    ],
)  # fmt: skip
def test_text_that_is_no_token_is_none(text):
    assert parse_token(text) is None


@pytest.mark.parametrize(
    "parts",
    [
        {"header": {"alg": "none"}}, {"header": {"alg": "RS256", "kid": 1}}, {"claims": {"iss": 1}},
        {"claims": {"sub": []}}, {"signature": b""},
    ],
)  # fmt: skip
def test_a_token_with_a_malformed_part_is_none(issuer, parts):
    assert parse_token(issuer.unsigned(**parts)) is None


def test_a_signature_by_the_key_holds(issuer):
    found = parse_token(issuer.signed())
    assert found is not None
    assert signature_holds(found, issuer.jwks()) is True


def test_a_signature_by_another_does_not_hold(issuer):
    found = parse_token(issuer.signed(claims={"iss": "me"})[:-6] + "AAAAAA")
    assert found is not None
    assert signature_holds(found, issuer.jwks()) is False


@pytest.mark.parametrize("key", [{"kid": "k2"}, {"alg": "RS512"}])
def test_keys_of_another_name_or_algorithm_do_not_count(issuer, key):
    found = parse_token(issuer.signed({"alg": "RS256", "kid": "k1"}))
    assert found is not None
    assert signature_holds(found, issuer.jwks(**key)) is False


@pytest.mark.parametrize("broken", [{"n": ""}, {"e": ""}, {"n": "AQ"}, {"e": "AQAAAAAB"}, {"n": "Aw"}])
def test_a_broken_key_signs_nothing(issuer, broken):
    found = parse_token(issuer.signed())
    assert found is not None
    assert signature_holds(found, issuer.jwks(**broken)) is False


@pytest.mark.parametrize("text", ["", "[]", '{"keys": 1}', "nonsense"])
def test_keys_that_cannot_be_read_leave_it_open(issuer, text):
    found = parse_token(issuer.signed())
    assert found is not None
    assert signature_holds(found, text) is None


def test_an_algorithm_that_is_not_checked_leaves_it_open(issuer):
    found = parse_token(issuer.unsigned({"alg": "ES256"}))
    assert found is not None
    assert signature_holds(found, issuer.jwks()) is None


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_token_or_none(text):
    parse_token(text)
    parse_token(f"{text}.{text}.{text}")
