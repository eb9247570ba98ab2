"""RequestAuthentication: where tokens are looked for, and what becomes of them."""

import json
from base64 import urlsafe_b64encode

import pytest

from analyzer.mesh.policy.request import authenticate
from analyzer.mesh.policy.subject import Subject

RUBBISH = (("authorization", "Bearer rubbish"),)


def token(**claims):
    parts = {"alg": "ES256"}, {"iss": "me", **claims}, "signature"
    return ".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)


def bearer(**claims):
    return (("authorization", f"Bearer {token(**claims)}"),)


def outcome(world, headers=(), path="/", method="GET", head_cut=False, **rule):
    spec = {"jwtRules": [{"issuer": "me", **rule}]}
    mesh = world.add("RequestAuthentication", "jwt", spec).pod("web-0").mesh()
    subject = Subject(True, "10.0.0.9", 80, headers=headers, path=path, method=method, head_cut=head_cut)
    return authenticate(mesh, mesh.pod("shop", "web-0"), subject)


def test_without_a_policy_every_request_passes(world):
    mesh = world.pod("web-0").mesh()
    found = authenticate(mesh, mesh.pod("shop", "web-0"), Subject(True, "10.0.0.9", 80, headers=RUBBISH))
    assert (found.code, found.claims) == (None, {})


@pytest.mark.parametrize("headers", [(), (("authorization", "Basic YTpi"),), (("x-other", "Bearer rubbish"),)])
def test_without_a_token_a_request_passes(world, headers):
    found = outcome(world, headers)
    assert (found.code, found.claims, found.missing) == (None, {}, ())
    assert found.yaml


def test_a_token_may_stand_in_the_part_of_a_head_that_was_not_captured(world):
    found = outcome(world, head_cut=True)
    assert (found.code, found.claims, found.missing) == (None, None, ("token",))
    assert outcome(world, RUBBISH, head_cut=True).code == 401


def test_a_malformed_token_is_refused(world):
    assert outcome(world, RUBBISH).code == 401


def test_a_token_in_the_query_counts_too(world):
    assert outcome(world, path="/a?access_token=rubbish").code == 401


def test_a_hostile_query_is_not_searched(world):
    assert outcome(world, path="/?" + "&" * 5000 + "access_token=rubbish").code is None


def test_named_places_replace_the_usual_ones(world):
    assert outcome(world, RUBBISH, fromHeaders=[{"name": "x-token"}]).code is None
    assert outcome(world, (("x-token", "rubbish"),), fromHeaders=[{"name": "x-token"}]).code == 401
    assert outcome(world, path="/?t=rubbish", fromParams=["t"]).code == 401
    assert outcome(world, (("cookie", 'a=b; s="rubbish"'),), fromCookies=["s"]).code == 401


def test_a_token_of_another_issuer_is_refused(world):
    assert outcome(world, bearer(iss="you")).code == 401


def test_a_token_for_another_audience_is_forbidden(world):
    assert outcome(world, bearer(aud="you"), audiences=["https://me/"]).code == 403
    assert outcome(world, bearer(aud=["you", "me"]), audiences=["https://me/"]).code is None
    assert outcome(world, bearer(aud=7), audiences=["me"]).code == 403


def test_keys_that_are_elsewhere_leave_it_open(world):
    found = outcome(world, bearer(), jwksUri="https://me/keys")
    assert (found.code, found.claims, found.missing) == (None, None, ("jwt-keys",))


def test_a_signature_that_is_not_checked_leaves_it_open(world):
    found = outcome(world, bearer(), jwks='{"keys": [{"kty": "EC"}]}')
    assert found.missing == ("jwt-signature",)


def test_no_key_at_all_refuses(world):
    assert outcome(world, bearer(), jwks='{"keys": []}').code == 401


def test_a_preflight_request_passes(world):
    headers = (*RUBBISH, ("origin", "https://a"), ("access-control-request-method", "GET"))
    assert outcome(world, headers, method="OPTIONS").code is None
    assert outcome(world, RUBBISH, method="OPTIONS").code == 401


@pytest.mark.parametrize(("claims", "missing"), [({"exp": 1}, ("jwt-time",)), ({}, ())])
def test_a_valid_token_may_have_expired(world, issuer, claims, missing):
    headers = (("authorization", f"Bearer {issuer.signed(claims={'iss': 'me', **claims})}"),)
    found = outcome(world, headers, jwks=issuer.jwks())
    assert (found.code, found.missing) == (None, missing)
    assert (found.claims is None) == bool(missing)


def test_a_token_that_one_of_several_policies_takes_passes(world, issuer):
    world.add("RequestAuthentication", "other", {"jwtRules": [{"issuer": "me", "jwks": '{"keys": []}'}]})
    headers = (("authorization", f"Bearer {issuer.signed()}"),)
    assert outcome(world, headers, jwks=issuer.jwks()).claims == {"iss": "me"}


def test_one_issuer_that_takes_its_tokens_is_enough(world, issuer):
    """jwt_authn/verifier.cc AnyVerifierImpl: the outer OR of policy_applier.go convertToEnvoyJwtConfig."""
    world.add("RequestAuthentication", "other", {"jwtRules": [{"issuer": "you", "fromHeaders": [{"name": "x-you"}]}]})
    good = ("authorization", f"Bearer {issuer.signed()}")
    found = outcome(world, (good, ("x-you", "rubbish")), jwks=issuer.jwks())
    assert (found.code, found.claims) == (None, {"iss": "me"})


def test_one_issuer_wants_all_its_tokens_valid(world, issuer):
    """jwt_authn/authenticator.cc doneWithStatus."""
    headers = (("authorization", f"Bearer {issuer.signed()}"),)
    assert outcome(world, headers, path="/?access_token=rubbish", jwks=issuer.jwks()).code == 401


@pytest.mark.parametrize("others", ["aaa", "zzz"])
def test_where_all_refuse_another_issuers_token_says_least(world, others):
    """jwt_authn/verifier.cc: JwtUnknownIssuer gives way to other errors."""
    world.add("RequestAuthentication", "other", {"jwtRules": [{"issuer": others}]})
    assert outcome(world, bearer(aud="you"), audiences=["me"]).code == 403


def test_claims_are_not_known_where_an_issuer_before_may_take_its_token_too(world, issuer):
    rules = {"jwtRules": [{"issuer": "a", "fromHeaders": [{"name": "x-a"}]}]}
    world.add("RequestAuthentication", "other", rules)
    headers = (("authorization", f"Bearer {issuer.signed()}"), ("x-a", token(iss="a")))
    found = outcome(world, headers, jwks=issuer.jwks())
    assert (found.code, found.missing, found.claims) == (None, (), None)


def test_the_words_of_some_claims_stand_apart(world, issuer):
    claims = {"iss": "me", "scope": "read write", "name": "A B", "own": "x y"}
    headers = (("authorization", f"Bearer {issuer.signed(claims=claims)}"),)
    found = outcome(world, headers, jwks=issuer.jwks(), spaceDelimitedClaims=["own"]).claims
    assert (found["scope"], found["name"], found["own"]) == (["read", "write"], "A B", ["x", "y"])
