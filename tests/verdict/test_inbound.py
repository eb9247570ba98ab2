"""What a pod's sidecar does with what arrives."""

import pytest

from analyzer.base.fact import replace
from analyzer.mesh.inbound.chains import chains_for
from analyzer.mesh.port_protocol import AUTO
from analyzer.verdict.arrival import Arrival
from analyzer.verdict.decision import LocalResponse
from analyzer.verdict.inbound import MTLS_ALPN, Inspected, decide_captured, decide_inbound, inspect

ADDRESS = "10.244.1.11"


@pytest.fixture
def arrive():
    """What happens to an arrival at ``shop/reviews-0`` from ``shop/sleep-0``."""

    def tell(mesh, decide=decide_captured, **fields):
        values = {"address": ADDRESS, "port": 9080, "host": "reviews", "peer": mesh.pod("shop", "sleep-0"), **fields}
        return decide(mesh, Arrival(mesh.pod("shop", "reviews-0"), **values))

    return tell


def sentences(decision):
    return [step.sentence for step in decision.steps]


@pytest.fixture
def tcp(service_text):
    """A Service that declares port 7000 of reviews as TCP."""
    return service_text("shop/opaque", "10.96.0.12", port=7000, target=7000, port_name="tcp", selector="app: reviews")


def test_plaintext_to_a_declared_port_reaches_the_application(shop, arrive):
    found = arrive(shop())
    assert (found.inbound.filter_chain, found.inbound.cluster) == ("0.0.0.0_9080", "inbound|9080||")
    assert (found.inbound.mtls, found.dropped, found.port_class) == (False, False, "service")


def test_mutual_tls_is_ended(shop, arrive):
    assert arrive(shop(), tls="mtls").inbound.mtls


def test_a_port_that_no_service_declares_is_passed_through(shop, arrive):
    found = arrive(shop(), port=1234)
    assert (found.inbound.cluster, found.port_class) == ("InboundPassthroughCluster", "passthrough")
    assert found.inbound.filter_chain == "virtualInbound-catchall-http"


def test_opaque_bytes_to_an_undeclared_port_are_passed_through_as_tcp(shop, arrive):
    assert arrive(shop(), port=1234, protocol="tcp").inbound.filter_chain == "virtualInbound"


def test_the_port_of_the_sidecar_itself_is_a_black_hole(shop, arrive):
    found = arrive(shop(), port=15006)
    assert (found.dropped, found.reason) == (True, "black-hole")
    assert (found.inbound.filter_chain, found.inbound.cluster) == ("virtualInbound-blackhole", "BlackHoleCluster")


def test_a_port_of_headless_services_only_is_told_apart(shop, arrive, service_text):
    headless = service_text("shop/headless", "None", port=7000, target=7000, port_name="http", selector="app: reviews")
    assert arrive(shop(headless), port=7000).port_class == "headless"


def test_plaintext_is_closed_where_mutual_tls_is_required(shop, arrive, strict_yaml):
    found = arrive(shop(strict_yaml))
    assert (found.dropped, found.reason, found.port_class) == (True, "mtls-required", None)
    assert found.inbound.response == LocalResponse(None, "NR")
    assert "PeerAuthentication istio-system/default" in sentences(found)[1]


def test_a_client_that_says_nothing_is_not_refused_where_the_first_bytes_decide(shop, arrive, strict_yaml):
    found = arrive(shop(strict_yaml), protocol="tcp", client_silent=True)
    assert (found.dropped, found.inbound.filter_chain, found.port_class) == (False, None, "service")


def test_a_server_that_would_speak_first_is_never_heard_where_the_inspectors_wait(shop, arrive, tcp):
    found = arrive(shop(tcp), port=7000, protocol="tcp", server_first=True)
    assert (found.inbound.filter_chain, found.undetermined) == (None, ("protocol-detection",))


def test_mutual_tls_begins_with_the_clients_bytes_whoever_speaks_first_inside(shop, arrive, tcp):
    found = arrive(shop(tcp), port=7000, protocol="tcp", tls="mtls", server_first=True)
    assert (found.inbound.cluster, found.undetermined) == ("inbound|7000||", ())


def test_inspectors_wait_no_longer_than_they_are_told_to(shop, arrive, tcp):
    patience = "\nprotocolDetectionTimeout: 0.1s\n"
    found = arrive(shop(tcp, patience), port=7000, protocol="tcp", server_first=True)
    assert (found.inbound.filter_chain, found.inbound.cluster) == ("0.0.0.0_7000", "inbound|7000||")


def test_ordinary_tls_to_a_port_of_http_is_closed(shop, arrive):
    found = arrive(shop(), tls="tls", alpn=("h2",), sni="reviews")
    assert (found.dropped, found.reason) == (True, "mtls-required")
    assert "TLS without Istio's ALPN" in sentences(found)[-1]


def test_a_handshake_without_certificate_fails_where_mutual_tls_is_required(shop, arrive, strict_yaml):
    found = arrive(shop(strict_yaml), tls="tls")
    assert (found.dropped, found.reason) == (True, "mtls-required")
    assert (found.inbound.filter_chain, found.inbound.cluster) == ("0.0.0.0_9080", None)
    assert found.inbound.response == LocalResponse(None, None)


def test_ordinary_tls_to_an_opaque_port_is_left_as_it_is(shop, arrive, tcp):
    found = arrive(shop(tcp), port=7000, tls="tls")
    assert (found.dropped, found.inbound.cluster, found.inbound.mtls) == (False, "inbound|7000||", False)


def test_other_bytes_than_http_are_answered_400(shop, arrive):
    found = arrive(shop(), protocol="tcp")
    assert (found.protocol_error, found.dropped) == (True, False)
    assert found.inbound.response == LocalResponse(400, "DPE")
    assert found.inbound.cluster is None


def test_a_head_that_the_codec_does_not_take_is_answered_by_it(shop, arrive):
    found = arrive(shop(), refused=431)
    assert (found.protocol_error, found.inbound.response) == (True, LocalResponse(431, "DPE"))


def test_over_a_head_of_http_2_that_the_codec_does_not_take_it_closes_the_connection(shop, arrive):
    found = arrive(shop(), refused=0, protocol="http2")
    assert (found.protocol_error, found.inbound.response) == (True, LocalResponse(None, "DPE"))
    assert found.steps[-1].sentence.endswith("cannot read what arrives and closes the connection")


def test_what_is_inside_tls_and_not_known_is_no_error(shop, arrive):
    found = arrive(shop(), protocol="tcp", tls="mtls", sealed=True, alpn=MTLS_ALPN["http"])
    assert not found.protocol_error


def test_http_1_0_is_answered_426(shop, arrive):
    found = arrive(shop(), protocol="http/1.0")
    assert (found.protocol_error, found.inbound.response) == (True, LocalResponse(426, "DPE"))


def test_http_1_0_passes_where_the_proxy_takes_it(shop, resource):
    env = [{"name": "ISTIO_META_HTTP10", "value": "1"}]
    status = {"podIP": "10.244.1.12", "podIPs": [{"ip": "10.244.1.12"}], "phase": "Running"}
    spec = {"containers": [{"name": "app"}, {"name": "istio-proxy", "env": env}]}
    mesh = shop(resource("v1", "Pod", "shop/old-0", spec, status=status))
    arrival = Arrival(mesh.pod("shop", "old-0"), "10.244.1.12", 80, protocol="http/1.0")
    assert not decide_captured(mesh, arrival).protocol_error


def test_tls_that_nobody_ends_is_no_http(shop, arrive, security):
    disabled = security("PeerAuthentication", {"mtls": {"mode": "DISABLE"}})
    assert arrive(shop(disabled), tls="tls").inbound.response == LocalResponse(400, "DPE")


def test_policies_are_asked_behind_the_chain(shop, arrive, security):
    denial = security("AuthorizationPolicy", {"action": "DENY", "rules": [{"to": [{"operation": {"paths": ["/x"]}}]}]})
    found = arrive(shop(denial), path="/x")
    assert (found.dropped, found.reason, found.inbound.response) == (True, "authorization", LocalResponse(403, None))
    assert not arrive(shop(denial), path="/y").dropped


def test_steps_tell_the_port_the_mode_and_the_chain(shop, arrive):
    port, mode, chain = sentences(arrive(shop()))
    assert port == "reviews.shop.svc.cluster.local:9080 declares port 9080 of shop/reviews-0 as HTTP"
    assert mode.startswith("mutual TLS for port 9080 is PERMISSIVE")
    assert chain.startswith(
        "raw_buffer fits filter chain 0.0.0.0_9080 (plaintext, HTTP), which leads to inbound|9080||"
    )


def test_younger_services_of_a_port_lose(shop, arrive, service_text):
    second = service_text("shop/young", "10.96.0.12", selector="app: reviews")
    (lost,) = arrive(shop(second)).steps[0].lost
    assert (lost.name, lost.why) == (
        "young.shop.svc.cluster.local:9080",
        "reviews.shop.svc.cluster.local:9080 is older",
    )


def test_a_sidecars_ingress_is_named_as_what_declares_the_port(shop, arrive, resource):
    ingress = [{"port": {"number": 8000, "protocol": "HTTP", "name": "http"}}]
    spec = {"ingress": ingress, "egress": [{"hosts": ["*/*"]}]}
    mesh = shop(resource("networking.istio.io/v1", "Sidecar", "shop/own", spec))
    found = arrive(mesh, port=8000)
    assert sentences(found)[0] == "the Sidecar's ingress declares port 8000 of shop/reviews-0 as HTTP"


def test_the_redirect_comes_first(shop, arrive):
    found = arrive(shop(), decide=decide_inbound)
    assert found.inbound.cluster == "inbound|9080||"
    assert len(found.steps) == 4


def test_what_iptables_leave_alone_reaches_the_application_itself(shop, pod_text):
    excluded = pod_text(
        "shop/bare-0", "10.244.1.12", annotations='traffic.sidecar.istio.io/excludeInboundPorts: "9080"'
    )
    mesh = shop(excluded)
    found = decide_inbound(mesh, Arrival(mesh.pod("shop", "bare-0"), "10.244.1.12", 9080))
    assert (found.inbound, found.port_class, found.dropped) == (None, "no-sidecar", False)


@pytest.mark.parametrize(
    ("protocol", "fields", "expected"),
    [
        ("HTTP", {}, Inspected("raw_buffer", (), "")),
        (AUTO, {}, Inspected("raw_buffer", ("http/1.1",), "")),
        (AUTO, {"protocol": "http2"}, Inspected("raw_buffer", ("h2c",), "")),
        (AUTO, {"protocol": "tcp"}, Inspected("raw_buffer", (), "")),
        (AUTO, {"inspected": "tcp"}, Inspected("raw_buffer", (), "")),
        ("HTTP", {"tls": "mtls"}, Inspected("tls", MTLS_ALPN["http"], "")),
        ("HTTP", {"tls": "mtls", "alpn": ("istio",), "sni": "a"}, Inspected("tls", ("istio",), "a")),
        ("HTTP", {"tls": "tls", "sni": "a"}, Inspected("tls", (), "a")),
    ],
)
def test_what_the_inspectors_find(shop, protocol, fields, expected):
    arrival = replace(Arrival(shop().pod("shop", "reviews-0"), ADDRESS, 9080), **fields)
    assert inspect(arrival, chains_for(protocol, "PERMISSIVE")) == expected


def test_without_tls_chains_the_tls_inspector_does_not_look(shop):
    arrival = Arrival(shop().pod("shop", "reviews-0"), ADDRESS, 9080, tls="mtls")
    assert inspect(arrival, chains_for("HTTP", "DISABLE")) == Inspected("raw_buffer", (), "")


def test_an_upgrade_that_is_not_allowed_is_answered_403(shop, arrive):
    found = arrive(shop(), headers=(("connection", "Upgrade"), ("upgrade", "tcp")))
    assert (found.protocol_error, found.inbound.response) == (True, LocalResponse(403, None))
