"""RequestAuthentication: issuers, and where their tokens are."""

from analyzer.mesh.kinds.request_authentication import RequestAuthentication, TokenHeader


def test_a_rule_says_where_tokens_are_and_which_keys_they_have(world):
    rule = {
        "issuer": "me", "audiences": ["you"], "jwks": "{}", "fromHeaders": [{"name": "X-Token", "prefix": "T "}],
        "fromParams": ["token"], "fromCookies": ["session"],
    }  # fmt: skip
    spec = {"selector": {"matchLabels": {"app": "web"}}, "jwtRules": [rule]}
    policy = world.add("RequestAuthentication", "jwt", spec).mesh().of(RequestAuthentication)[0]
    (found,) = policy.rules
    assert policy.selector == {"app": "web"}
    assert (found.issuer, found.audiences, found.jwks) == ("me", ("you",), "{}")
    assert found.headers == (TokenHeader("x-token", "T "),)
    assert (found.params, found.cookies) == (("token",), ("session",))
    assert found.place.field == "spec.jwtRules[0]"


def test_the_uri_of_keys_is_read_in_both_spellings(world):
    rules = [{"issuer": "a", "jwksUri": "https://a"}, {"issuer": "b", "jwks_uri": "https://b"}]
    policy = world.add("RequestAuthentication", "jwt", {"jwtRules": rules}).mesh().of(RequestAuthentication)[0]
    assert [rule.jwks_uri for rule in policy.rules] == ["https://a", "https://b"]
