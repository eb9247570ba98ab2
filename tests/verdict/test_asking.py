"""A call is put to the proxy that decides about it, in that proxy's words, or it is said what is missing."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.verdict.asking import endpoint_of, missing_for, question_of, source_pod, target_pod, unproven
from analyzer.verdict.call import Call, Onward
from analyzer.verdict.decision import Inbound
from analyzer.verdict.roles import Role, Said
from analyzer.verdict.wires import gather_wires

SNI = "outbound_.9080_._.reviews.shop.svc.cluster.local"


def asked(told, mesh, role=Role.APP, home=None):
    return question_of(told.call(role=role), mesh, home)


def by(leg, *, certain=True):
    return Onward(leg.said(Role.UPSTREAM), None, certain)


def lacking(call, *missing, **changes):
    """The call as if its head had not been seen whole."""
    request = replace(call.request, **changes) if changes else call.request
    return replace(call, exchange=replace(call.exchange, request=request, missing=missing))


# What is missing before anything can be asked.


def test_a_whole_call_lacks_nothing(app) -> None:
    assert missing_for(app().ask().call()) == ()
    assert missing_for(app().send(b"PING").call()) == ()


def test_the_half_towards_the_sidecar_does_not_show_where_the_call_was_meant_to_go(app) -> None:
    half = app(server="127.0.0.1:15001", joined=False).ask()

    assert missing_for(half.call()) == ("original-destination-unseen",)


def test_the_half_of_the_answers_does_not_show_what_was_asked(app) -> None:
    half = app(joined=False, opened=False).answer()

    assert missing_for(half.call()) == ("request-unseen",)


def test_a_reply_without_request_does_not_show_what_was_asked(app) -> None:
    assert missing_for(app(opened=False).answer().call()) == ("request-unseen",)


def test_opaque_bytes_from_the_middle_of_a_connection_do_not_show_what_envoy_detected(app) -> None:
    assert missing_for(app(opened=False).send(b"ING").call()) == ("midstream",)


@pytest.mark.parametrize(
    ("history", "lacking"),
    [
        ("Sh", ("handshake-only",)),
        ("ShAa", ("handshake-only",)),
        ("^h", ("handshake-only",)),
        ("S", ()),
        ("ShAr", ()),
        ("ShAF", ()),
        ("ShAD", ()),
        ("Sr", ()),
        ("SAr", ("gap",)),
        ("SA", ("gap",)),
    ],
)
def test_a_handshake_alone_or_without_its_answer_proves_no_silence(app, decision, history, lacking) -> None:
    call = app().call()
    wire = call.said.wire
    sighting = replace(wire.main, connection=replace(wire.connection, history=history))

    said = replace(call.said, wire=replace(wire, main=sighting, sightings=(sighting,)))

    assert unproven(replace(call, said=said), decision()) == lacking


@pytest.mark.parametrize(
    ("reason", "missing", "certificate", "lacking"),
    [
        ("mtls-required", ("gap",), None, ("gap",)),
        ("mtls-required", ("gap",), False, ()),
        ("mtls-required", (), None, ()),
        ("no-route", ("gap",), None, ()),
    ],
)
def test_a_certificate_that_the_capture_lost_is_not_known_to_be_absent(
    app, decision, reason, missing, certificate, lacking
) -> None:
    call = app().hello("a.example").call()
    tls = replace(call.said.conversation.tls, client_certificate=certificate)
    conversation = replace(call.said.conversation, tls=tls, missing=missing)

    said = replace(call.said, conversation=conversation)

    assert unproven(replace(call, said=said), decision("dropped", reason)) == lacking


@pytest.mark.parametrize(
    ("role", "ends", "answered", "lacking"),
    [
        (Role.DIRECT, True, False, ("gap",)),
        (Role.DIRECT, True, True, ()),
        (Role.DIRECT, False, False, ()),
        (Role.UPSTREAM, True, False, ("gap",)),
    ],
)
def test_istios_alpn_proves_no_certificate_where_packets_are_lost(
    app, alpn, decision, role, ends, answered, lacking
) -> None:
    call = app().hello(SNI, alpn["http"]).call(role=role)
    wire = call.said.wire
    connection = replace(wire.connection, server_packets=int(answered))
    sighting = replace(wire.main, connection=connection)

    said = replace(call.said, wire=replace(wire, main=sighting, sightings=(sighting,)))

    inbound = Inbound("shop/reviews-0", mtls=ends)
    assert unproven(replace(call, said=said), replace(decision(), inbound=inbound)) == lacking


def test_what_the_parser_knows_to_be_missing_is_said(app) -> None:
    call = app(opened=False).send(b"ING").call()
    said = replace(call.said, conversation=replace(call.said.conversation, missing=("gap",)))

    assert missing_for(replace(call, said=said)) == ("gap",)


@pytest.mark.parametrize("unknown", [{"host": None}, {"target": ""}, {"method": ""}])
def test_a_name_that_is_absent_from_half_a_head_proves_nothing(app, unknown) -> None:
    assert missing_for(lacking(app().ask().call(), "hpack-state", **unknown)) == ("hpack-state",)


def test_half_a_head_that_names_host_and_path_is_enough(app) -> None:
    assert missing_for(lacking(app().ask().call(), "head-incomplete")) == ()


def test_a_request_without_host_is_a_request(app) -> None:
    """HTTP/1.0 needs none."""
    assert missing_for(app().ask(host=None).call()) == ()


def test_a_reply_whose_request_was_lost_says_why(app) -> None:
    call = app(opened=False).answer().call()

    assert missing_for(replace(call, exchange=replace(call.exchange, missing=("gap",)))) == ("gap",)


# Who is asked.


def test_a_pods_call_is_a_question_to_its_own_sidecar(app, shop) -> None:
    question = asked(app().ask("/a?b", "reviews:9080", method="POST", x_user="alice"), shop())

    assert (question.namespace, question.pod, question.direction) == ("shop", "sleep-0", "outbound")
    assert (question.address, question.port, question.bypass) == ("10.96.0.11", 9080, False)
    assert (question.protocol, question.tls) == ("http", "plaintext")
    assert (question.host, question.path, question.method) == ("reviews:9080", "/a?b", "POST")
    assert ("x-user", "alice") in question.headers


@pytest.mark.parametrize(("version", "protocol"), [("http/1.0", "http/1.0"), ("http/1.1", "http"), ("h2", "http2")])
def test_versions_of_http_have_the_names_of_a_calls_file(app, shop, version, protocol) -> None:
    told = app()
    told.version = version

    assert asked(told.ask(), shop()).protocol == protocol


@pytest.mark.parametrize(
    ("target", "scheme", "host", "path"),
    [
        ("http://other.shop/a?b", "http", "other.shop", "/a?b"),
        ("HTTPS://other.shop:80", "https", "other.shop:80", "/"),
        ("http://other.shop?b", "http", "other.shop", "/?b"),
        ("/http://other.shop", None, "reviews", "/http://other.shop"),
        ("ftp://other.shop/a", None, "reviews", "ftp://other.shop/a"),
    ],
)
def test_an_absolute_target_says_scheme_and_host(app, shop, target, scheme, host, path) -> None:
    question = asked(app().ask(target, "reviews"), shop())

    assert (question.scheme, question.host, question.path) == (scheme, host, path)


def test_a_head_that_was_cut_is_told(app, shop) -> None:
    assert not asked(app().ask("/a"), shop()).head_cut
    assert question_of(lacking(app().ask("/a").call(), whole=False), shop(), None).head_cut


def test_a_head_that_envoy_refuses_is_told(app, shop) -> None:
    assert asked(app().ask("/a"), shop()).refused is None
    assert question_of(lacking(app().ask("/a").call(), refused=501), shop(), None).refused == 501


def test_what_inspectors_take_the_first_bytes_for_is_told(app, shop) -> None:
    told = app().ask("/a")
    said = Said(told.wire, replace(told.conversation, inspected="tcp"), Role.APP)

    question = question_of(Call(said, 1, told.exchanges[0]), shop(), None)

    assert (question.protocol, question.inspected) == ("http", "tcp")


@pytest.mark.parametrize(("server", "tls"), [("10.244.1.11:9080", "plaintext"), ("10.244.3.5:443", "tls")])
def test_tls_that_no_inspector_sees_is_opaque_to_a_sidecar(talk, shop, server, tls) -> None:
    """A gateway before which a load balancer writes a PROXY protocol header reads that first."""
    told = talk("192.0.2.9:1", server).hello("a.example")
    said = Said(told.wire, replace(told.conversation, inspected="tcp"), Role.DIRECT)

    assert question_of(Call(said, 1, None), shop(), None).tls == tls


def test_http2_without_a_request_is_asked_about_as_http2(app, shop) -> None:
    told = app().send(b"PRI * HTTP/2.0")
    told.said_protocol = "h2"

    assert asked(told, shop()).protocol == "http2"


def test_an_applications_tls_is_asked_about_by_its_hello(app, shop) -> None:
    question = asked(app().hello("www.example.com", ("h2", "http/1.1")), shop())

    assert (question.protocol, question.tls, question.sni) == ("tcp", "tls", "www.example.com")
    assert question.alpn == ("h2", "http/1.1")


def test_opaque_bytes_are_asked_about_as_tcp(app, shop) -> None:
    question = asked(app().send(b"PING"), shop())

    assert (question.protocol, question.tls, question.host) == ("tcp", "plaintext", None)
    assert (question.server_first, question.client_silent) == (False, False)


def test_a_server_that_speaks_first_and_a_silent_client_are_told(app, shop) -> None:
    question = asked(app().reply(b"220 ready"), shop())

    assert (question.server_first, question.client_silent) == (True, True)


def test_a_connection_that_the_own_sidecar_did_not_take_bypassed_it(talk, shop) -> None:
    question = asked(talk(server="203.0.113.9:5432").send(b"x"), shop(), Role.DIRECT)

    assert (question.pod, question.bypass) == ("sleep-0", True)


def test_a_pod_without_sidecar_bypasses_none(talk, shop) -> None:
    question = asked(talk("10.244.2.9:5000").ask(), shop(), Role.DIRECT)

    assert (question.pod, question.direction, question.bypass) == ("naked-0", "outbound", False)


def test_a_call_to_a_loopback_address_is_of_the_pod_where_the_capture_was_taken(talk, shop) -> None:
    mesh = shop()
    local = talk("127.0.0.1:5000", "127.0.0.1:8085").ask()

    assert asked(local, mesh, Role.DIRECT, mesh.pod("shop", "sleep-0")).pod == "sleep-0"
    assert asked(local, mesh, Role.DIRECT) is None


def test_a_stranger_that_calls_a_pod_is_a_question_to_that_pods_sidecar(talk, shop) -> None:
    question = asked(talk("192.0.2.1:5000", "10.244.1.11:9080").ask(), shop(), Role.DIRECT)

    assert (question.direction, question.namespace, question.pod) == ("inbound", "shop", "reviews-0")
    assert (question.address, question.port) == ("10.244.1.11", 9080)


def test_a_stranger_that_calls_a_gateway_is_a_question_to_the_gateway(talk, shop) -> None:
    assert asked(talk("192.0.2.1:5000", "10.244.3.5:8080").ask(), shop(), Role.DIRECT).direction == "gateway"


def test_the_server_is_asked_by_its_own_address_where_a_capture_shows_the_service(talk, shop) -> None:
    seen = [
        talk("192.0.2.1:5000", "10.96.0.11:80", capture="outside").ask().sighting,
        talk("192.0.2.1:5000", "10.244.1.11:9080", capture="inside", at=1).ask().sighting,
    ]
    (wire,) = gather_wires(seen)
    call = talk().ask().call(role=Role.DIRECT)
    call = replace(call, said=replace(call.said, wire=wire))

    question = question_of(call, shop(), None)

    assert (question.address, question.port) == ("10.244.1.11", 9080)


def test_a_client_that_offers_istios_alpn_means_to_show_a_certificate(talk, shop, alpn) -> None:
    arriving = asked(talk("192.0.2.1:5000", "10.244.1.11:9080").hello(SNI, alpn["http"]), shop(), Role.DIRECT)

    assert arriving.tls == "mtls"


def test_nobody_is_asked_about_strangers(talk, shop) -> None:
    assert asked(talk("192.0.2.1:5000", "192.0.2.2:80").ask(), shop(), Role.DIRECT) is None


@pytest.mark.parametrize("server", ["10.96.0.11:9080", "10.244.1.11:9080"])
def test_a_node_is_asked_for_as_a_pod_on_its_network_whatever_is_seen_of_the_server(
    talk, shop, resource, server
) -> None:
    mesh = shop(resource("v1", "Pod", "shop/node-0", {"hostNetwork": True}, status={"podIP": "192.0.2.1"}))

    question = asked(talk("192.0.2.1:5000", server).ask(), mesh, Role.DIRECT)

    assert (question.pod, question.direction, question.address) == ("node-0", "outbound", server.split(":")[0])


def test_who_shows_istios_certificate_at_a_nodes_address_is_not_known(talk, shop, resource, alpn) -> None:
    mesh = shop(resource("v1", "Pod", "shop/node-0", {"hostNetwork": True}, status={"podIP": "192.0.2.1"}))

    arriving = asked(talk("192.0.2.1:5000", "10.244.1.11:9080").hello(SNI, alpn["http"]), mesh, Role.DIRECT)

    assert (arriving.pod, arriving.direction) == ("reviews-0", "inbound")


# Pods at both ends.


def test_the_pod_at_the_clients_end_is_known_by_address_or_by_the_capture(talk, shop) -> None:
    mesh = shop()
    home = mesh.pod("legacy", "naked-0")

    assert source_pod(talk().said(), mesh, home).name == "sleep-0"
    assert source_pod(talk("127.0.0.1:1").said(), mesh, home).name == "naked-0"
    assert source_pod(talk("192.0.2.1:1").said(), mesh, home) is None


def test_the_pod_at_the_servers_end_is_known_by_any_of_its_addresses(talk, shop) -> None:
    mesh = shop()

    assert target_pod(talk(server="10.244.1.11:9080").said(), mesh).name == "reviews-0"
    assert target_pod(talk(server="10.96.0.11:9080").said(), mesh) is None


def test_the_pod_that_the_balancer_chose_shows_in_the_upstream_leg(app, upstream, shop) -> None:
    mesh, call = shop(), app().ask().call()

    assert endpoint_of(call, by(upstream()), None, mesh) == ("10.244.1.11", 9080)
    assert endpoint_of(call, by(upstream(server="203.0.113.9:80")), None, mesh) is None
    assert endpoint_of(call, None, None, mesh) is None


def test_the_pod_that_a_node_chose_shows_where_the_servers_capture_saw_the_call_too(talk, shop) -> None:
    seen = [
        talk("10.244.2.9:5000", "10.96.0.11:9080", capture="naked").sighting,
        talk("10.244.2.9:5000", "10.244.1.11:9080", capture="reviews", at=1).sighting,
    ]
    (wire,) = gather_wires(seen)
    call = talk().call(role=Role.DIRECT)

    assert endpoint_of(replace(call, said=replace(call.said, wire=wire)), None, None, shop()) == ("10.244.1.11", 9080)


def test_a_delivery_shows_the_pod_where_it_is_certain(talk, delivery, shop) -> None:
    mesh, call = shop(), talk("10.244.2.9:5000").ask().call(role=Role.DIRECT)

    assert endpoint_of(call, None, by(delivery()), mesh) == ("10.244.1.11", 9080)
    assert endpoint_of(call, None, by(delivery(), certain=False), mesh) is None


@pytest.mark.parametrize(
    ("protocol", "reason", "inbound", "lacking"),
    [
        ("h2", "service", True, ("request-unseen",)),
        ("h2", "authorization", True, ("request-unseen",)),
        ("h2", "mtls-required", True, ()),
        ("h2", "service", False, ()),
        ("tcp", "service", True, ()),
    ],
)
def test_what_policies_say_of_a_request_is_not_known_without_it(
    app, decision, protocol, reason, inbound, lacking
) -> None:
    call = app().send(b"x").reply(b"y").call()
    conversation = replace(call.said.conversation, protocol=protocol)
    judged = replace(decision("passthrough", reason), inbound=Inbound("shop/reviews-0") if inbound else None)

    assert unproven(replace(call, said=replace(call.said, conversation=conversation)), judged) == lacking
