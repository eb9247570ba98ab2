"""Tokens and authorization of what arrives at a pod."""

import pytest

from analyzer.mesh.policy.subject import Subject
from analyzer.verdict.arrival import Arrival, InboundDecision
from analyzer.verdict.decision import Inbound, LocalResponse
from analyzer.verdict.inbound_policy import judge_policies, policy_outcome, subject_of

RUBBISH = (("authorization", "Bearer rubbish"),)
# {"alg":"RS256"}.{"iss":"me"} with a signature of no meaning.
UNVERIFIABLE = (("authorization", "Bearer eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJtZSJ9.c2ln"),)
JWT = {"jwtRules": [{"issuer": "me"}]}
DENY_ALL = {"action": "DENY", "rules": [{}]}
BY_ADDRESS = {"action": "DENY", "rules": [{"from": [{"source": {"ipBlocks": ["10.0.0.0/8"]}}]}]}


@pytest.fixture
def outcome(shop, security):
    """What policies say of a request, or of a connection, to ``shop/reviews-0``."""

    def tell(*policies, http=True, **fields):
        mesh = shop(*(security(kind, spec, f"shop/own-{n}") for n, (kind, spec) in enumerate(policies)))
        subject = Subject(http, "10.244.1.11", 9080, **fields)
        return policy_outcome(mesh, mesh.pod("shop", "reviews-0"), subject)

    return tell


def test_without_policies_nothing_is_denied(outcome):
    found = outcome()
    assert (found.denied, found.missing, found.steps) == (None, (), ())


def test_a_denied_request_is_answered_403(outcome):
    found = outcome(("AuthorizationPolicy", DENY_ALL))
    assert (found.denied.name, found.response) == ("authorization", LocalResponse(403, None))
    assert found.steps[-1].yaml


def test_a_denied_connection_is_closed(outcome):
    assert outcome(("AuthorizationPolicy", DENY_ALL), http=False).response == LocalResponse(None, None)


def test_a_malformed_token_is_answered_401_before_any_policy(outcome):
    found = outcome(("AuthorizationPolicy", DENY_ALL), ("RequestAuthentication", JWT), headers=RUBBISH)
    assert (found.denied.name, found.response) == ("authentication", LocalResponse(401, None))


def test_tokens_of_connections_that_are_not_http_are_not_asked_for(outcome):
    assert outcome(("RequestAuthentication", JWT), http=False, headers=RUBBISH).denied is None


def test_a_token_that_cannot_be_verified_leaves_the_call_open(outcome):
    assert outcome(("RequestAuthentication", JWT), headers=UNVERIFIABLE).missing == ("token-unverified",)


def test_a_token_inside_tls_is_a_missing_fact(outcome):
    assert outcome(("RequestAuthentication", JWT), request_seen=False).missing == ("policy-facts",)


def test_an_address_that_is_not_known_leaves_the_call_open(outcome):
    found = outcome(("AuthorizationPolicy", BY_ADDRESS), source_ip=None)
    assert (found.denied, found.missing) == (None, ("policy-facts",))


def test_a_denial_counts_whatever_else_is_missing(outcome):
    found = outcome(("AuthorizationPolicy", DENY_ALL), ("RequestAuthentication", JWT), headers=UNVERIFIABLE)
    assert (found.denied.name, found.missing) == ("authorization", ())


def test_a_denial_ends_the_decision(shop, security):
    mesh = shop(security("AuthorizationPolicy", DENY_ALL))
    taken = InboundDecision(Inbound("shop/reviews-0", "0.0.0.0_9080", "inbound|9080||"), port_class="service")
    arrival = Arrival(mesh.pod("shop", "reviews-0"), "10.244.1.11", 9080)
    judged = judge_policies(mesh, arrival, taken, http=True, sni="")
    assert (judged.dropped, judged.reason, judged.inbound.response.code) == (True, "authorization", 403)
    assert judged.inbound.cluster == "inbound|9080||"


def test_a_call_that_no_policy_denies_stays_as_it_was(shop, security):
    mesh = shop(security("AuthorizationPolicy", BY_ADDRESS))
    taken = InboundDecision(Inbound("shop/reviews-0", "0.0.0.0_9080", "inbound|9080||"), port_class="service")
    arrival = Arrival(mesh.pod("shop", "reviews-0"), "10.244.1.11", 9080)
    judged = judge_policies(mesh, arrival, taken, http=True, sni="")
    assert (judged.dropped, judged.inbound, judged.undetermined) == (False, taken.inbound, ("policy-facts",))


@pytest.fixture
def subject(shop):
    """What the policies of ``shop/reviews-0`` see of an arrival from ``shop/sleep-0``."""

    def tell(*, mtls=True, **fields):
        mesh = shop()
        values = {"peer": mesh.pod("shop", "sleep-0"), "path": "/a/../b", "host": "reviews", **fields}
        arrival = Arrival(mesh.pod("shop", "reviews-0"), "10.244.1.11", 9080, **values)
        return subject_of(mesh, arrival, http=True, sni="name", mtls=mtls)

    return tell


def test_mutual_tls_shows_the_peers_service_account(subject):
    assert subject().principals == ("cluster.local/ns/shop/sa/default",)


def test_plaintext_shows_no_identity(subject):
    assert subject(mtls=False).principals == ()


def test_a_peer_outside_the_input_has_an_unknown_identity_and_address(subject):
    found = subject(peer=None)
    assert (found.principals, found.source_ip) == (None, None)


def test_the_clients_address_is_the_one_seen_or_the_peers(subject):
    assert subject(client="10.9.9.9").source_ip == "10.9.9.9"
    assert subject().source_ip == "10.244.1.10"


def test_policies_see_the_normalized_path_and_the_server_name(subject):
    found = subject()
    assert (found.path, found.sni, found.request_seen) == ("/b", "name", True)
    assert not subject(sealed=True).request_seen


def test_a_request_has_an_id_unless_neither_end_makes_one(shop):
    made = []
    for settings in ("{}", "{proxyHeaders: {requestId: {disabled: true}}}"):
        mesh = shop(f"\nrootNamespace: istio-system\ndefaultConfig: {settings}\n")
        arrival = Arrival(mesh.pod("shop", "reviews-0"), "10.244.1.11", 9080, peer=mesh.pod("shop", "sleep-0"))
        made.append(subject_of(mesh, arrival, http=True, sni="", mtls=False).made)
    assert made == [{"x-request-id"}, set()]
