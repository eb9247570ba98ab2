"""What a wire is, read from where iptables and Envoy leave their marks."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.flow.connection import Endpoint
from analyzer.verdict.roles import Role, assign_roles, cluster_of_sni, is_loopback
from analyzer.verdict.wires import wire_of

NOBODY = frozenset()
SNI = "outbound_.9080_._.frontend.shop.svc.cluster.local"


def roles(*talks, sidecars=NOBODY):
    return [said.role for said in assign_roles([(t.wire, t.conversation) for t in talks], frozenset(sidecars))]


@pytest.mark.parametrize(
    ("sni", "cluster"),
    [
        (SNI, "outbound|9080||frontend.shop.svc.cluster.local"),
        ("outbound_.80_.v1_.reviews.shop.svc.cluster.local", "outbound|80|v1|reviews.shop.svc.cluster.local"),
        ("outbound_.443_.v_1-a_.www.example.com", "outbound|443|v_1-a|www.example.com"),
        ("www.example.com", None),
        ("outbound_.http_._.a.b", None),
        ("outbound_.80_._.", None),
        ("", None),
        (None, None),
    ],
)
def test_the_sni_of_istios_mutual_tls_is_the_clusters_name(sni, cluster) -> None:
    assert cluster_of_sni(sni) == cluster


@pytest.mark.parametrize(
    ("ip", "stays"), [("127.0.0.1", True), ("127.0.0.6", True), ("::1", True), ("10.1.1.1", False)]
)
def test_loopback_addresses_never_leave_their_pod(ip, stays) -> None:
    assert is_loopback(ip) is stays


def test_a_connection_redirected_to_15001_is_the_applications(app) -> None:
    assert roles(app()) == [Role.APP]


def test_a_half_towards_15001_alone_is_the_applications(app) -> None:
    assert roles(app(server="127.0.0.1:15001", joined=False)) == [Role.APP]


def answers(talk, **fields):
    """A connection of which only the answers were captured."""
    told = talk().reply(b"hello")
    return wire_of(
        "a.pcap", replace(told.connection, **{"client_packets": 0, "joined": False, **fields})
    ), told.conversation


@pytest.mark.parametrize(
    ("fields", "role"),
    [
        ({"ifindexes": (1,)}, Role.APP),
        ({"ifindexes": (2,)}, Role.UPSTREAM),
        ({"ifindexes": ()}, Role.UPSTREAM),
        ({"ifindexes": (1,), "client_packets": 1}, Role.UPSTREAM),
        ({"ifindexes": (1,), "server": Endpoint("127.0.0.1", 80)}, Role.UPSTREAM),
    ],
)
def test_answers_alone_on_lo_are_the_other_half_of_an_applications(talk, fields, role) -> None:
    (said,) = assign_roles([answers(talk, **fields)], frozenset({"10.244.1.10"}))

    assert said.role is role


def test_answers_alone_on_lo_of_who_has_no_sidecar_are_of_nobodys_redirect(talk) -> None:
    (said,) = assign_roles([answers(talk, ifindexes=(1,))], NOBODY)

    assert said.role is Role.DIRECT


def test_a_connection_redirected_to_15006_is_a_sidecar_calling_its_own_pod(talk) -> None:
    assert roles(talk(server="10.244.1.10:8085", redirect=15006)) == [Role.UPSTREAM]


@pytest.mark.parametrize(
    ("client", "server"), [("127.0.0.6:35762", "10.244.1.11:9080"), ("[::6]:35762", "[fd00::11]:9080")]
)
def test_a_connection_from_the_sidecars_own_address_is_a_delivery(talk, client, server) -> None:
    assert roles(talk(client, server)) == [Role.DELIVERY]


def test_an_application_that_calls_127_0_0_1_is_on_its_own(talk) -> None:
    assert roles(talk("127.0.0.1:5000", "127.0.0.1:8080"), sidecars={"127.0.0.1"}) == [Role.DIRECT]


def test_a_service_that_leads_back_to_the_own_pod_is_called_by_a_sidecar(talk) -> None:
    """The capture has the connection by both addresses; the sighting by the pod's own may show more of it."""
    pod = talk("10.244.1.10:40000", "10.244.1.10:80", capture="a")
    service = talk("10.244.1.10:40000", "10.96.0.11:80", capture="a")
    wire = replace(pod.wire, sightings=(pod.wire.main, service.wire.main))

    (said,) = assign_roles([(wire, pod.conversation)], frozenset({"10.244.1.10"}))

    assert said.role is Role.UPSTREAM


def test_an_application_that_calls_its_own_pods_address_is_on_its_own(talk) -> None:
    direct = talk("10.244.1.10:5000", "10.244.1.10:8080")

    assert roles(direct, sidecars={"10.244.1.10"}) == [Role.DIRECT]


def test_a_pod_to_which_the_mesh_gives_a_sidecar_calls_out_through_it(talk) -> None:
    assert roles(talk(), sidecars={"10.244.1.10"}) == [Role.UPSTREAM]


def test_a_pod_whose_redirected_connections_were_seen_has_a_sidecar(talk, app) -> None:
    assert roles(talk("10.244.1.10:5000"), app("10.244.1.10:6000")) == [Role.UPSTREAM, Role.APP]


def test_a_pod_that_gets_deliveries_has_a_sidecar(talk, delivery) -> None:
    out = talk("10.244.1.11:5000", "10.244.1.12:80")

    assert roles(out, delivery(server="10.244.1.11:9080")) == [Role.UPSTREAM, Role.DELIVERY]


def test_a_pod_without_any_sign_of_a_sidecar_calls_directly(talk) -> None:
    assert roles(talk().ask()) == [Role.DIRECT]


@pytest.mark.parametrize("kind", ["http", "h2", "tcp"])
def test_protocols_that_only_sidecars_offer_prove_one(talk, alpn, kind) -> None:
    assert roles(talk().hello(None, alpn[kind])) == [Role.UPSTREAM]


def test_an_sni_that_names_a_cluster_proves_a_sidecar(talk) -> None:
    assert roles(talk().hello(SNI)) == [Role.UPSTREAM]


def test_an_applications_own_tls_proves_no_sidecar(talk) -> None:
    assert roles(talk().hello("www.example.com", ("h2", "http/1.1"))) == [Role.DIRECT]


def test_what_a_client_hello_says_is_at_hand(talk, alpn) -> None:
    said = talk().hello(SNI, alpn["http"]).said()

    assert (said.sni, said.alpn, said.istio_mtls) == (SNI, alpn["http"], True)


def test_a_connection_without_client_hello_has_neither_sni_nor_alpn(talk) -> None:
    for said in (talk().ask().said(), talk(opened=False).midstream_tls().said()):
        assert (said.sni, said.alpn, said.istio_mtls) == (None, (), False)


def test_the_offered_protocols_say_how_the_clients_sidecar_treats_the_bytes(talk, alpn) -> None:
    carried = {kind: talk().hello(SNI, offered).said().carries_tcp for kind, offered in alpn.items()}

    assert carried == {"http": False, "h2": False, "tcp": True}


def test_outside_mutual_tls_what_was_said_tells_whether_it_is_opaque(talk) -> None:
    assert talk().send(b"PING").said().carries_tcp
    assert talk().hello("www.example.com").said().carries_tcp
    assert not talk().ask().said().carries_tcp


def test_http_may_be_inside_any_tls_but_mutual_tls_for_tcp(talk, alpn) -> None:
    assert [talk().hello(SNI, alpn[kind]).said().may_seal_http for kind in ("http", "h2", "tcp")] == [True, True, False]
    assert talk(opened=False).midstream_tls().said().may_seal_http
    assert talk().hello("www.example.com").said().may_seal_http
    assert not talk().ask().said().may_seal_http


@pytest.mark.parametrize(
    ("certificate", "offered", "kind"),
    [
        (None, "http", "mtls"),
        (None, None, "tls"),
        (True, None, "mtls"),
        (False, None, "tls"),
        (False, "http", "tls"),
    ],
)
def test_a_certificate_makes_tls_mutual_and_istios_protocols_promise_one(
    talk, alpn, certificate, offered, kind
) -> None:
    told = talk().hello(SNI, alpn[offered] if offered else ())
    told.tls = replace(told.tls, client_certificate=certificate)

    assert told.said().client_tls == kind


def test_without_tls_a_connection_is_plaintext(talk) -> None:
    assert talk().ask().said().client_tls == "plaintext"


ADDED = {"x_request_id": "r-1", "x_forwarded_proto": "http"}


def local_roles(*talks, local=None):
    said = assign_roles([(t.wire, t.conversation) for t in talks], NOBODY, local or {"a.pcap": "10.244.1.10"})
    return [(each.role, each.delivered_at) for each in said]


def test_where_sidecars_deliver_to_localhost_a_request_with_their_headers_is_a_delivery(talk) -> None:
    own = talk("127.0.0.1:39922", "127.0.0.1:80").ask("/a", **ADDED)

    assert local_roles(own) == [(Role.DELIVERY, "10.244.1.10")]


def test_a_head_that_was_cut_off_may_have_had_their_headers(talk) -> None:
    own = talk("127.0.0.1:39922", "127.0.0.1:80").ask("/a")
    cut = tuple(replace(each, request=replace(each.request, whole=False)) for each in own.conversation.exchanges)
    conversation = replace(own.conversation, exchanges=cut)

    (said,) = assign_roles([(own.wire, conversation)], NOBODY, {"a.pcap": "10.244.1.10"})

    assert said.role is Role.DELIVERY


@pytest.mark.parametrize("headers", [{}, {"x_request_id": "r-1"}])
def test_an_application_that_calls_itself_stays_one(talk, headers) -> None:
    own = talk("127.0.0.1:39922", "127.0.0.1:80").ask("/a", **headers)

    assert local_roles(own) == [(Role.DIRECT, "")]


def test_elsewhere_a_request_on_lo_is_nobodys_delivery(talk) -> None:
    own = talk("127.0.0.1:39922", "127.0.0.1:80").ask("/a", **ADDED)

    assert local_roles(own, local={"b.pcap": "10.244.1.10"}) == [(Role.DIRECT, "")]


def test_a_delivery_to_the_pods_own_address_is_found_there(delivery) -> None:
    assert local_roles(delivery().ask("/a")) == [(Role.DELIVERY, "10.244.1.11")]
