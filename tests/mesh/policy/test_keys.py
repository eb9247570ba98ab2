"""What each key asks of a subject."""

import pytest

from analyzer.mesh.policy.keys import InvalidValueError, Terms, find_key, path_of
from analyzer.mesh.policy.subject import Subject

TERMS = Terms("shop", ("cluster.local", "old.local"))
WEB = ("cluster.local/ns/shop/sa/web",)


def subject(**fields):
    given = {
        "http": True, "destination_ip": "10.0.0.9", "destination_port": 8080, "source_ip": "10.0.0.1",
        "principals": WEB, "sni": "outbound_.80_._.web.shop.svc.cluster.local", "host": "Web.shop:80",
        "path": "/a/b?q=/c", "headers": (("x-user", "alice"),),
    }  # fmt: skip
    return Subject(**{**given, **fields})


def holds(key, value, **fields):
    found = find_key(key)
    assert found is not None
    return found.judge(subject(**fields), key, value, TERMS).holds


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("source.principal", "cluster.local/ns/shop/sa/web", True),
        ("source.principal", "*/sa/web", True),
        ("source.principal", "cluster.local/ns/shop/*", True),
        ("source.principal", "*", True),
        ("source.principal", "cluster.local/ns/pay/sa/web", False),
        ("source.principal", "*/ns/shop/sa/web", True),
        ("source.principal", "other.local/ns/shop/sa/web", False),
        ("source.namespace", "shop", True),
        ("source.serviceAccount", "web", True),
        ("source.trustDomain", "old.local", True),
        ("source.trustDomain", "other", False),
        ("source.ip", "10.0.0.0/24", True),
        ("source.ip", "10.0.0.1", True),
        ("source.ip", "2001:db8::/32", False),
        ("remote.ip", "10.0.0.1", True),
        ("destination.ip", "10.0.0.9", True),
        ("destination.port", "8080", True),
        ("destination.port", "80", False),
        ("connection.sni", "outbound_.80_*", True),
        ("request.host", "web.shop*", True),
        ("request.host", "web.shop", False),
        ("request.method", "GET", True),
        ("request.path", "/a/*", True),
        ("request.path", "*/c", False),
        ("request.headers[x-user]", "alice", True),
        ("request.headers[X-User]", "*", True),
        ("request.headers[absent]", "*", False),
        ("request.headers[:method]", "GET", True),
        ("request.headers[:authority]", "Web*", True),
    ],
)
def test_keys_judge_a_request(key, value, expected):
    assert holds(key, value) == expected


def test_a_principal_of_an_older_trust_domain_means_the_mesh():
    assert holds("source.principal", "old.local/ns/shop/sa/web") is True


def test_cluster_local_always_means_the_mesh():
    found = find_key("source.principal")
    assert found is not None
    there = subject(principals=("corp/ns/shop/sa/web",))
    assert found.judge(there, "source.principal", "cluster.local/ns/shop/sa/web", Terms("shop", ("corp",))).holds


def test_plaintext_has_no_identity():
    assert holds("source.principal", "*", principals=()) is False


@pytest.mark.parametrize(
    ("key", "fields", "missing"),
    [
        ("source.namespace", {"principals": None}, "source.namespace"),
        ("source.ip", {"source_ip": None}, "source.ip"),
        ("request.auth.principal", {"claims": None}, "request.auth.principal"),
        ("request.auth.audiences", {"claims": None}, "request.auth.audiences"),
        ("request.auth.claims[iss]", {"claims": None}, "request.auth.claims[iss]"),
        ("experimental.envoy.filters.a[b]", {}, "experimental.envoy.filters.a[b]"),
    ],
)
def test_what_is_not_known_is_named(key, fields, missing):
    found = find_key(key)
    assert found is not None
    value = "10.0.0.1" if key == "source.ip" else "x"
    assert found.judge(subject(**fields), key, value, TERMS).missing == (missing,)


def test_an_address_that_is_none_is_in_no_network():
    assert holds("source.ip", "10.0.0.0/8", source_ip="unix") is False


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("source.ip", "10.0.0.0/99"),
        ("destination.port", "http"),
        ("destination.port", "70000"),
        ("request.headers", "x"),
    ],
)
def test_values_that_istiod_refuses_are_refused(key, value):
    with pytest.raises(InvalidValueError):
        holds(key, value)


CLAIMS = {
    "iss": "https://me",
    "sub": "alice",
    "aud": ["a", "b"],
    "azp": "p",
    "scope": ["read", "write"],
    "name": "A B",
    "n": {"m": "deep"},
}


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("request.auth.principal", "https://me/alice", True),
        ("request.auth.principal", "https://me/*", True),
        ("request.auth.principal", "*", True),
        ("request.auth.principal", "*lice", True),
        ("request.auth.principal", "https*", True),
        ("request.auth.principal", "plain", False),
        ("request.auth.principal", "https://me/bob", False),
        ("request.auth.audiences", "b", True),
        ("request.auth.presenter", "p", True),
        ("request.auth.claims[scope]", "write", True),
        ("request.auth.claims[name]", "A B", True),
        ("request.auth.claims[name]", "B", False),
        ("request.auth.claims[n][m]", "deep", True),
        ("request.auth.claims[n][o]", "deep", False),
        ("request.auth.claims[iss][m]", "deep", False),
    ],
)
def test_keys_judge_a_tokens_claims(key, value, expected):
    assert holds(key, value, claims=CLAIMS) == expected


def test_without_a_token_there_is_no_principal():
    assert holds("request.auth.principal", "*", claims={}) is False


def test_an_unknown_key_is_none():
    assert find_key("source.shoeSize") is None


def test_query_and_fragment_are_no_part_of_a_path():
    assert path_of("/a?b#c") == path_of("/a#c?b") == "/a"


@pytest.mark.parametrize(("name", "expected"), [("x-user", True), ("x-other", None), (":method", True)])
def test_a_header_that_may_have_been_lost_leaves_it_open(name, expected):
    assert holds(f"request.headers[{name}]", "*", head_cut=True) is expected


def test_a_header_that_the_proxy_makes_is_there_whatever_it_says():
    made = frozenset({"x-request-id"})
    assert holds("request.headers[X-Request-Id]", "*", made=made) is True
    assert holds("request.headers[x-request-id]", "a*", made=made) is None
    assert holds("request.headers[x-request-id]", "a*", made=made, headers=(("x-request-id", "ab"),)) is True
