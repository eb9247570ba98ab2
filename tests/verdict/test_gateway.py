"""What a gateway does with what reaches it."""

import json

import pytest

from analyzer.verdict.arrival import Arrival
from analyzer.verdict.decision import LocalResponse
from analyzer.verdict.gateway import decide_gateway, gateway_question

REVIEWS = "outbound|9080||reviews.shop.svc.cluster.local"
CERT = {"mode": "SIMPLE", "credentialName": "cert"}
DESTINATION = {"host": "reviews.shop.svc.cluster.local", "port": {"number": 9080}}
TO_REVIEWS = [{"route": [{"destination": DESTINATION}]}]
DENY_ALL = {"action": "DENY", "rules": [{}]}
BY_ADDRESS = {"action": "DENY", "rules": [{"from": [{"source": {"ipBlocks": ["10.0.0.0/8"]}}]}]}
BY_CLIENT = {"action": "DENY", "rules": [{"from": [{"source": {"remoteIpBlocks": ["203.0.113.0/24"]}}]}]}


# A token whose claims are {"iss": "me", "group": "dev"}.
UNVERIFIED = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJtZSIsImdyb3VwIjoiZGV2In0.eA"


@pytest.fixture
def gateway(resource):
    """A function that gives the Gateway ``edge/gw`` with its servers."""

    def tell(*servers, name="edge/gw"):
        spec = {"selector": {"app": "gateway-0"}, "servers": list(servers)}
        return resource("networking.istio.io/v1", "Gateway", name, spec)

    return tell


@pytest.fixture
def bound(resource):
    """A function that gives a VirtualService on the Gateway."""

    def tell(*hosts, name="edge/vs", **spec):
        whole = {"hosts": list(hosts or ("*",)), "gateways": ["edge/gw"], **spec}
        return resource("networking.istio.io/v1", "VirtualService", name, whole)

    return tell


def server(number=80, protocol="HTTP", *hosts, **rest):
    port = {"number": number, "protocol": protocol, "name": f"p-{number}"}
    return {"port": port, "hosts": list(hosts or ("*",)), **rest}


@pytest.fixture
def reach():
    """What ``edge/gateway-0`` does with an arrival."""

    def tell(mesh, port=80, **fields):
        values = {"host": "a.com", "peer": mesh.pod("shop", "sleep-0"), **fields}
        return decide_gateway(mesh, Arrival(mesh.pod("edge", "gateway-0"), "10.244.3.5", port, **values))

    return tell


@pytest.fixture
def plain(shop, gateway, bound):
    """A mesh whose gateway sends all plaintext HTTP to reviews, with more YAML where it is asked for."""
    return lambda *extra: shop(gateway(server()), bound(http=TO_REVIEWS), *extra)


def addresses(decided):
    return [(target.address, target.port, target.tls) for target in decided.targets]


def test_a_request_goes_to_the_pods_of_its_route(plain, reach):
    found = reach(plain())
    assert (found.verdict, found.reason, found.outbound.cluster) == ("service-matched", "service", REVIEWS)
    assert (found.outbound.listener, found.outbound.pod) == ("0.0.0.0_80", "edge/gateway-0")
    assert (found.outbound.route_config, found.outbound.virtual_host) == ("http.80", "*:80")
    assert addresses(found) == [("10.244.1.11", 9080, "plaintext")]


def test_the_clients_address_is_appended_to_what_is_forwarded(plain, reach):
    assert reach(plain()).request.header("x-forwarded-for") == "10.244.1.10"
    assert reach(plain(), client="203.0.113.7").request.header("x-forwarded-for") == "203.0.113.7"


def test_a_client_whose_address_is_not_known_leaves_it_open(plain, reach):
    assert reach(plain(), peer=None).request.header("x-forwarded-for") == ""


def test_each_cluster_that_weights_choose_between_gets_the_same_headers(shop, gateway, bound, reach):
    other = {"destination": {"host": "naked.legacy.svc.cluster.local", "port": {"number": 80}}, "weight": 50}
    split = [{"route": [{"destination": DESTINATION, "weight": 50}, other]}]
    found = reach(shop(gateway(server()), bound(http=split)))
    assert found.undetermined == ("weighted",)
    assert found.alternatives[0].request.header("x-forwarded-for") == "10.244.1.10"


def test_a_port_without_server_is_not_listened_on(plain, reach):
    found = reach(plain(), 81)
    assert (found.verdict, found.undetermined, found.outbound.listener) == (None, ("no-listener",), None)


def test_the_server_that_lost_the_port_is_named(shop, gateway, reach):
    mesh = shop(gateway(server()), gateway(server(80, "TCP"), name="edge/young"))
    assert reach(mesh, 81).steps[0].lost == ()
    mesh = shop(gateway(server(1, bind="10.0.0.1")), gateway(server(1, "TCP", bind="10.0.0.1"), name="edge/young"))
    (lost,) = reach(mesh, 1).steps[0].lost
    assert (lost.name, lost.why) == ("edge/young", "port 1 already speaks HTTP")


def test_servers_that_claim_one_name_cost_the_gateway_its_listener(shop, gateway, reach):
    tls = {"mode": "SIMPLE", "credentialName": "c"}
    other = {"number": 443, "protocol": "HTTPS", "name": "other"}
    servers = server(443, "HTTPS", "web/a.com", tls=tls), server(443, "HTTPS", "pay/a.com", tls=tls, port=other)
    found = reach(shop(gateway(*servers)), 443, tls="tls", sni="a.com")

    assert (found.verdict, found.undetermined) == (None, ("listener-refused",))
    assert len(found.steps[-1].yaml) == 2


def test_a_host_without_routes_is_answered_404(shop, gateway, bound, reach):
    found = reach(shop(gateway(server()), bound("b.com", http=TO_REVIEWS)))
    assert (found.verdict, found.reason, found.outbound.response.code) == ("dropped", "no-route", 404)


def test_bytes_that_are_no_http_are_refused(plain, reach):
    found = reach(plain(), protocol="tcp")
    assert (found.verdict, found.undetermined) == (None, ("bad-request",))


def test_tls_to_a_plaintext_server_is_refused(plain, reach):
    assert reach(plain(), tls="tls", sni="a.com").undetermined == ("bad-request",)


@pytest.fixture
def https(shop, gateway, bound):
    """A mesh whose gateway ends HTTPS for ``a.com``."""

    def tell(*extra, mode="SIMPLE", **tls):
        whole = server(443, "HTTPS", "a.com", tls={**CERT, "mode": mode, **tls})
        return shop(gateway(whole), bound(http=TO_REVIEWS), *extra)

    return tell


def test_tls_is_ended_and_its_requests_routed(https, reach):
    found = reach(https(), 443, tls="tls", sni="a.com", alpn=("h2", "http/1.1"))
    assert (found.verdict, found.outbound.route_config) == ("service-matched", "https.443.p-443.gw.edge")


def test_requests_inside_tls_that_it_ends_are_https_whatever_they_say(shop, gateway, bound, reach):
    match = [{"scheme": {"exact": "https"}}]
    mesh = shop(gateway(server(443, "HTTPS", tls=CERT), server()), bound(http=[{**TO_REVIEWS[0], "match": match}]))
    assert reach(mesh, 443, tls="tls", sni="a.com").verdict == "service-matched"
    assert reach(mesh, 80, headers=(("x-forwarded-proto", "https"),)).reason == "no-route"
    assert reach(mesh, 80, scheme="https").verdict == "service-matched"


def test_a_server_name_that_no_chain_has_is_closed(https, reach):
    found = reach(https(), 443, tls="tls", sni="b.com")
    assert (found.verdict, found.reason, found.outbound.response) == ("dropped", "no-route", LocalResponse(None, "NR"))
    assert [(lost.name, lost.why) for lost in found.steps[-1].lost] == [("a.com", "does not match")]
    assert found.steps[-1].sentence == "no filter chain takes TLS for b.com: closed"


def test_tls_without_a_server_name_is_closed_where_names_are_asked_for(https, reach):
    assert reach(https(), 443, tls="tls").steps[-1].sentence == "no filter chain takes TLS for no name: closed"


def test_plaintext_is_closed_where_names_are_asked_for(https, reach):
    assert reach(https(), 443).steps[-1].sentence == "no filter chain takes plaintext: closed"


def test_plaintext_fails_the_handshake_of_a_server_for_any_name(shop, gateway, reach):
    found = reach(shop(gateway(server(443, "HTTPS", tls=CERT))), 443)
    assert (found.verdict, found.reason, found.outbound.response) == (
        "dropped",
        "tls-required",
        LocalResponse(None, None),
    )


@pytest.mark.parametrize("hosts", [("a.com",), ("*",)])
@pytest.mark.parametrize("silence", ["client_silent", "server_first"])
def test_a_client_that_says_nothing_is_waited_for_where_tls_is_expected(shop, gateway, reach, hosts, silence):
    mesh = shop(gateway(server(443, "HTTPS", *hosts, tls=CERT)))
    found = reach(mesh, 443, protocol="tcp", **{silence: True})
    assert (found.verdict, found.undetermined) == (None, ("protocol-detection",))


def test_a_client_without_certificate_is_refused_where_one_is_asked_for(https, reach):
    found = reach(https(mode="MUTUAL"), 443, tls="tls", sni="a.com")
    assert (found.verdict, found.reason) == ("dropped", "mtls-required")


def test_a_client_with_certificate_is_taken(https, reach):
    assert reach(https(mode="MUTUAL"), 443, tls="mtls", sni="a.com").verdict == "service-matched"


def test_whether_a_certificate_has_a_name_that_is_taken_is_not_known(https, reach):
    mesh = https(mode="MUTUAL", subjectAltNames=["client.example.com"])
    assert reach(mesh, 443, tls="mtls", sni="a.com").undetermined == ("setting",)
    assert reach(mesh, 443, tls="tls", sni="a.com").reason == "mtls-required"


def redirecting():
    return server(80, "HTTP", tls={"httpsRedirect": True})


def test_plaintext_is_redirected_to_https_before_any_route(shop, gateway, bound, reach):
    found = reach(shop(gateway(redirecting()), bound(http=TO_REVIEWS)))
    assert (found.verdict, found.reason, found.targets) == ("service-matched", "local-reply", ())
    assert (found.outbound.response, found.outbound.route) == (LocalResponse(301, None), None)


def test_what_a_trusted_proxy_had_as_https_is_not_redirected(shop, gateway, bound, resource, reach):
    sent = (("x-forwarded-proto", "https"),)
    whole = gateway(redirecting()), bound(http=TO_REVIEWS)
    settings = json.dumps({"defaultConfig": {"gatewayTopology": {"numTrustedProxies": 1}}})
    trusting = resource("v1", "ConfigMap", "istio-system/istio", {}, data={"mesh": settings})

    assert reach(shop(*whole), headers=sent).reason == "local-reply"
    assert reach(shop(*whole, trusting), headers=sent).reason == "service"


def test_policies_stand_before_the_router(shop, gateway, security, reach):
    denial = security("AuthorizationPolicy", DENY_ALL, "edge/own")
    for mesh in (shop(gateway(server()), denial), shop(gateway(redirecting()), denial)):
        found = reach(mesh)
        assert (found.verdict, found.reason) == ("dropped", "authorization")
        assert found.outbound.response == LocalResponse(403, None)


def test_a_denied_request_reaches_nobody(plain, security, reach):
    assert reach(plain(security("AuthorizationPolicy", DENY_ALL, "edge/own"))).targets == ()


def test_a_policy_that_asks_for_an_unknown_address_leaves_the_call_open(plain, security, reach):
    found = reach(plain(security("AuthorizationPolicy", BY_ADDRESS, "edge/own")), peer=None)
    assert (found.verdict, found.undetermined, found.outbound.cluster) == (None, ("policy-facts",), REVIEWS)


def test_a_request_without_a_route_is_dropped_whatever_the_policies_would_say(shop, gateway, security, reach):
    mesh = shop(gateway(server()), security("AuthorizationPolicy", BY_ADDRESS, "edge/own"))
    found = reach(mesh, host="nobody.example", peer=None)
    assert (found.verdict, found.reason, found.outbound.response) == ("dropped", "no-route", None)
    assert "whatever the policies say" in found.steps[-1].sentence


def test_a_gateway_does_not_believe_what_the_client_says_was_forwarded(plain, security, reach):
    forwarded = (("x-forwarded-for", "203.0.113.7"),)
    mesh = plain(security("AuthorizationPolicy", BY_CLIENT, "edge/own"))
    assert reach(mesh, headers=forwarded).verdict == "service-matched"


def test_a_gateway_believes_the_proxies_that_it_is_told_to_trust(plain, security, resource, reach):
    settings = json.dumps({"defaultConfig": {"gatewayTopology": {"numTrustedProxies": 1}}})
    trusting = resource("v1", "ConfigMap", "istio-system/istio", {}, data={"mesh": settings})
    mesh = plain(security("AuthorizationPolicy", BY_CLIENT, "edge/own"), trusting)
    assert reach(mesh, headers=(("x-forwarded-for", "203.0.113.7"),)).verdict == "dropped"


PRINCIPAL = {"rules": [{"from": [{"source": {"principals": ["cluster.local/ns/shop/sa/default"]}}]}]}


def test_routes_may_ask_for_claims_of_a_token(shop, gateway, bound, security, reach):
    rule = {**TO_REVIEWS[0], "match": [{"headers": {"@request.auth.claims.group": {"exact": "dev"}}}]}
    tokens = security("RequestAuthentication", {"jwtRules": [{"issuer": "me", "jwksUri": "https://me"}]}, "edge/jwt")
    mesh = shop(gateway(server()), bound(http=[rule]), tokens)

    assert reach(mesh).reason == "no-route"
    unverified = reach(mesh, headers=(("authorization", f"Bearer {UNVERIFIED}"),))
    assert unverified.undetermined == ("token-unverified",)


@pytest.mark.parametrize(
    ("mode", "tls", "verdict"),
    [("ISTIO_MUTUAL", "mtls", "service-matched"), ("MUTUAL", "mtls", None), ("SIMPLE", "tls", "dropped")],
)
def test_an_identity_is_known_where_the_mesh_issued_the_certificate(https, security, reach, mode, tls, verdict):
    mesh = https(security("AuthorizationPolicy", PRINCIPAL, "edge/own"), mode=mode)
    assert reach(mesh, 443, tls=tls, sni="a.com").verdict == verdict


@pytest.fixture
def tcp(shop, gateway, bound):
    """A mesh whose gateway sends a TCP port to reviews."""
    return lambda *extra: shop(gateway(server(9000, "TCP")), bound(tcp=TO_REVIEWS), *extra)


def test_opaque_bytes_are_sent_by_tcp_routes(tcp, reach):
    found = reach(tcp(), 9000, protocol="tcp", host=None)
    assert (found.verdict, found.outbound.cluster, found.outbound.route_config) == ("service-matched", REVIEWS, None)


def test_a_denied_connection_already_reaches_the_pod(tcp, security, reach):
    found = reach(tcp(security("AuthorizationPolicy", DENY_ALL, "edge/own")), 9000, protocol="tcp", host=None)
    assert (found.verdict, found.outbound.response) == ("dropped", LocalResponse(None, None))
    assert len(found.targets) == 1


def test_passthrough_sends_tls_by_its_name(shop, gateway, bound, reach):
    rule = {"match": [{"sniHosts": ["a.com"]}], **TO_REVIEWS[0]}
    mesh = shop(gateway(server(443, "TLS", "a.com", tls={"mode": "PASSTHROUGH"})), bound("a.com", tls=[rule]))
    found = reach(mesh, 443, tls="tls", sni="a.com", protocol="tcp")
    assert (found.verdict, found.outbound.cluster) == ("service-matched", REVIEWS)
    assert addresses(found) == [("10.244.1.11", 9080, "tls")]
    assert found.steps[1].sentence.startswith("the filter chain for a.com takes it: it leaves TLS as it is")


SNI = "outbound_.{}_._.{}.svc.cluster.local"
ALPN = ("istio-http/1.1", "istio", "http/1.1")


@pytest.fixture
def between(shop, gateway):
    """A mesh whose gateway passes Istio's mutual TLS on by its server name."""
    whole = server(15443, "TLS", "*.local", tls={"mode": "AUTO_PASSTHROUGH"})
    return lambda *extra: shop(gateway(whole), *extra)


@pytest.fixture
def reach_by_name(reach):
    def tell(mesh, name, port=9080):
        return reach(mesh, 15443, tls="mtls", sni=SNI.format(port, name), alpn=ALPN)

    return tell


def test_the_server_name_is_the_cluster(between, reach_by_name, pod_text, resource):
    pod = pod_text("shop/api-0", "10.244.1.20", labels="app: api, security.istio.io/tlsMode: istio")
    spec = {"clusterIP": "10.96.0.20", "selector": {"app": "api"}, "ports": [{"name": "http", "port": 9080}]}
    found = reach_by_name(between(pod, resource("v1", "Service", "shop/api", spec)), "api.shop")
    assert (found.verdict, found.outbound.cluster) == ("service-matched", SNI.format(9080, "api.shop"))
    assert [(target.address, target.tls, target.alpn) for target in found.targets] == [("10.244.1.20", "mtls", ALPN)]


def test_a_cluster_that_istiod_does_not_make_is_not_reached_by_name(between, reach, resource):
    spec = {
        "hosts": ["*.wild.local"],
        "ports": [{"number": 90, "name": "tcp", "protocol": "TCP"}],
        "location": "MESH_INTERNAL",
        "resolution": "DYNAMIC_DNS",
    }
    mesh = between(resource("networking.istio.io/v1", "ServiceEntry", "shop/wild", spec))
    found = reach(mesh, 15443, tls="mtls", sni="outbound_.90_._.*.wild.local", alpn=ALPN)
    assert (found.reason, found.outbound.response) == ("no-cluster", LocalResponse(None, "NC"))


def test_endpoints_without_mutual_tls_are_not_reached_by_name(between, reach_by_name, service_text):
    mesh = between(service_text("legacy/naked", "10.96.0.20", endpoints=("10.244.2.9",)))
    found = reach_by_name(mesh, "naked.legacy")
    assert (found.reason, found.outbound.response) == ("no-healthy-upstream", LocalResponse(None, "UH"))


def test_a_name_that_is_no_cluster_has_no_chain(between, reach_by_name):
    assert reach_by_name(between(), "reviews.shop", 1).reason == "no-route"


def test_policies_do_not_judge_what_passes_by_name(between, reach_by_name, security, service_text):
    denial = security("AuthorizationPolicy", DENY_ALL, "edge/own")
    mesh = between(denial, service_text("legacy/naked", "10.96.0.20", endpoints=("10.244.2.9",)))
    assert reach_by_name(mesh, "naked.legacy").reason == "no-healthy-upstream"


def test_the_arrival_is_put_as_a_question_to_the_gateway(shop):
    mesh = shop()
    arrival = Arrival(mesh.pod("edge", "gateway-0"), "10.244.3.5", 80, host="a.com", peer=mesh.pod("shop", "sleep-0"))
    asked = gateway_question(arrival)
    assert (asked.direction, asked.namespace, asked.pod, asked.host) == ("gateway", "edge", "gateway-0", "a.com")
    assert (asked.address, asked.port, asked.peer) == ("10.244.3.5", 80, "shop/sleep-0")
    assert gateway_question(Arrival(arrival.pod, "10.244.3.5", 80)).peer is None
