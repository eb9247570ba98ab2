"""Every call of the wires becomes one record: decided, compared, with its legs."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.protocol.facts import ClientHello, TlsFacts
from analyzer.verdict.judge import judge, judge_and_ask
from analyzer.verdict.wires import gather_wires

SNI = "outbound_.9080_._.reviews.shop.svc.cluster.local"
CLUSTER = "outbound|9080||reviews.shop.svc.cluster.local"
SERVICE_TIME = {"x_envoy_upstream_service_time": 3}


def judged(mesh, *talks, homes=None):
    conversations = {}
    for told in talks:
        conversations.setdefault((told.client, told.seq), told.conversation)
    wires = gather_wires(t.sighting for t in talks)
    return judge([(w, conversations[w.client, w.connection.syn_seq]) for w in wires], mesh, homes or {})


def roles(call):
    return [leg.role for leg in call.legs]


def matched(app, **told):
    """A call to reviews that was answered."""
    return app(**told).ask("/a", "reviews:9080", at=5).answer(200, at=19, server="envoy", **SERVICE_TIME)


# Which calls there are.


def test_nothing_said_is_no_call(shop) -> None:
    assert judged(shop()) == []


def test_every_request_of_an_application_is_a_call(app, shop) -> None:
    told = app().ask("/a", at=5).answer(at=6).ask("/b", at=20).answer(at=21)

    assert [(c.id, c.request, c.path) for c in judged(shop(), told)] == [("1", 1, "/a"), ("2", 2, "/b")]


def test_calls_are_numbered_in_the_order_in_which_they_began(app, shop) -> None:
    late = app("10.244.1.10:1").ask("/late", at=50)
    early = app("10.244.1.10:2").ask("/early", at=5).answer(at=6).ask("/last", at=90)

    calls = judged(shop(), late, early)

    assert [(c.id, c.path) for c in calls] == [("1", "/early"), ("2", "/late"), ("3", "/last")]


def test_a_sidecars_connections_are_legs_and_no_calls(app, upstream, delivery, shop, alpn) -> None:
    leg = upstream(at=6).hello(SNI, alpn["http"], at=6)
    last = delivery(at=7).ask("/a", "reviews:9080", at=8)

    (call,) = judged(shop(), matched(app), leg, last)

    assert roles(call) == ["app-to-sidecar", "sidecar-to-upstream", "sidecar-to-app"]
    assert call.legs[1].sni == SNI


def test_a_wire_that_two_captures_saw_is_one_call(talk, shop) -> None:
    outside = talk("10.244.2.9:5000", "10.96.0.11:9080", capture="naked").ask("/a", at=5)
    inside = talk("10.244.2.9:5000", "10.244.1.11:9080", capture="reviews", at=1).ask("/a", at=6)

    (call,) = judged(shop(), outside, inside)

    assert call.captures == ("naked", "reviews")
    assert (str(call.server), call.server_pod) == ("10.96.0.11:9080", "shop/reviews-0")
    assert [capture for capture, _, _ in call.packets] == ["naked", "reviews"]


def test_a_delivery_to_an_application_that_nobody_is_seen_to_call_is_a_record_of_its_own(delivery, shop) -> None:
    (call,) = judged(shop(), delivery().ask("/a", "reviews:9080", at=5).answer(at=6))

    assert (call.host, call.decision.undetermined, roles(call)) == (
        "reviews:9080",
        ("app-leg-unseen",),
        ["sidecar-to-app"],
    )


def test_a_delivery_to_an_application_that_is_called_is_no_record(delivery, upstream, shop, alpn) -> None:
    sealed = upstream(at=6).hello(SNI, alpn["http"], at=6)

    calls = judged(shop(), sealed, delivery(at=900).ask("/a", "reviews:9080", at=905))

    assert [call.protocol for call in calls] == ["tls"]


def test_answers_alone_do_not_show_what_was_asked_whoever_opened_the_connection(upstream, shop) -> None:
    told = upstream(opened=False).reply(b"HTTP/1.1 200 OK")

    (call,) = judge([(told.wire, told.conversation)], shop(), {})

    assert call.decision.undetermined == ("request-unseen",)


@pytest.mark.parametrize(("upgraded", "sni"), [(True, "inner.example"), (False, None)])
def test_the_sni_inside_a_tunnel_is_that_of_the_request_that_opened_it(talk, upgraded, sni) -> None:
    told = talk().ask("inner.example:443", "proxy", method="CONNECT").answer()
    told.exchanges = [replace(exchange, upgraded=upgraded) for exchange in told.exchanges]
    inner = TlsFacts(ClientHello("inner.example", (), (0x304,), 0, 0))

    (call,) = judge([(told.wire, replace(told.conversation, inner_tls=inner))], None, {})

    assert call.sni == sni


def test_a_request_in_a_tunnel_goes_where_the_tunnel_goes(app, shop) -> None:
    told = matched(app).ask("/inside", "elsewhere.example").answer()
    tunnel = told.exchanges[0].request
    told.exchanges = [told.exchanges[0], replace(told.exchanges[1], within=tunnel)]

    outer, inner = judged(shop(), told)

    assert inner.host == "elsewhere.example"
    assert inner.decision == outer.decision


# What is decided.


def test_a_call_of_a_service_is_service_matched_and_agrees(app, shop) -> None:
    (call,) = judged(shop(), matched(app))

    assert (call.decision.verdict, call.decision.outbound.cluster) == ("service-matched", CLUSTER)
    assert (call.pod, call.observed.agrees) == ("shop/sleep-0", True)


def test_without_a_mesh_a_call_has_its_facts(app) -> None:
    (call,) = judged(None, matched(app))

    assert (call.decision.verdict, call.decision.undetermined, call.pod) == (None, ("no-mesh",), None)
    assert (call.host, call.method, call.path, call.observed.status) == ("reviews:9080", "GET", "/a", 200)


def test_what_is_missing_is_not_guessed(app, shop) -> None:
    (call,) = judged(shop(), app(server="127.0.0.1:15001", joined=False).ask())

    assert (call.decision.verdict, call.decision.undetermined) == (None, ("original-destination-unseen",))


def test_strangers_are_nobodys_business(talk, shop) -> None:
    (call,) = judged(shop(), talk("192.0.2.1:5000", "192.0.2.2:80").ask())

    assert call.decision.undetermined == ("source-unknown",)


def test_equal_calls_are_decided_once_and_told_apart(app, shop) -> None:
    told = app().ask("/a", at=5).answer(at=6).ask("/a", at=20).answer(at=21)

    one, two = judged(shop(), told)

    assert one.decision is two.decision
    assert one.steps != two.steps


def test_a_call_to_localhost_is_of_the_pod_of_its_capture(talk, shop) -> None:
    local = talk("127.0.0.1:5000", "127.0.0.1:8085").ask("/", "localhost").answer(200)

    (call,) = judged(shop(), local, homes={"a.pcap": "shop/sleep-0"})

    assert (call.pod, call.decision.verdict, call.decision.reason) == ("shop/sleep-0", "passthrough", "loopback")


def test_a_home_that_the_mesh_does_not_have_is_none(talk, shop) -> None:
    local = talk("127.0.0.1:5000", "127.0.0.1:8085").ask()

    (call,) = judged(shop(), local, homes={"a.pcap": "shop/gone", "b.pcap": None})

    assert (call.pod, call.decision.undetermined) == (None, ("source-unknown",))


def test_the_pod_that_the_balancer_chose_is_the_one_that_the_upstream_leg_shows(
    app, upstream, shop, alpn, pod_text, service_text
) -> None:
    other = pod_text("shop/reviews-9", "10.244.1.19", labels="app: reviews")
    both = service_text("shop/reviews", "10.96.0.11", endpoints=("10.244.1.11", "10.244.1.19"))
    leg = upstream(server="10.244.1.19:9080", at=6).hello(SNI, alpn["http"], at=6)

    (call,) = judged(shop(other, both), matched(app), leg)

    assert call.decision.inbound.pod == "shop/reviews-9"


# Connections that the sidecar did not take.


def test_an_excluded_port_is_a_call_past_the_sidecar(app, talk, shop) -> None:
    past = talk("10.244.1.10:6000", "203.0.113.9:5432", at=50).send(b"x", at=51).reply(b"y", at=52)

    calls = judged(shop(), matched(app), past)

    assert [(c.decision.verdict, c.decision.reason, roles(c)) for c in calls][1] == (
        "passthrough", "not-captured", ["direct"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("attempts", "verdicts"), [("1", ["service-matched"]), (None, ["service-matched", "passthrough"])]
)
def test_a_request_with_a_sidecars_marks_is_no_call_past_it(app, talk, shop, attempts, verdicts) -> None:
    """The application's half of it was lost; the redirect would have let the application by, too."""
    marks = {
        "x_request_id": "r-9",
        "x_forwarded_proto": "http",
        **({"x_envoy_attempt_count": attempts} if attempts else {}),
    }
    past = talk("10.244.1.10:6000", "203.0.113.9:5432", at=50).ask("/a", at=51, **marks).answer(at=52)

    assert [each.decision.verdict for each in judged(shop(), matched(app), past)] == verdicts


@pytest.mark.parametrize(
    ("at", "missing", "verdict"), [(50, 7, None), (50, 0, "passthrough"), (9000, 7, "passthrough")]
)
def test_beside_a_call_of_which_packets_are_missing_a_call_past_the_sidecar_may_be_the_sidecars(
    app, talk, shop, at, missing, verdict
) -> None:
    beside = app(server="10.96.0.11:9080").send(b"x", at=49).reply(b"y", at=60)
    wire = beside.wire
    sighting = replace(wire.main, connection=replace(wire.connection, missed_bytes=missing))
    wire = replace(wire, main=sighting, sightings=(sighting,))
    past = talk("10.244.1.10:6000", "203.0.113.9:5432", at=at).send(b"other", at=at + 1).reply(b"y", at=at + 2)

    *_, call = judge([(wire, beside.conversation), (past.wire, past.conversation)], shop(), {})

    assert call.decision.verdict == verdict
    assert call.decision.undetermined == (() if verdict else ("sender-unknown",))


def test_a_sidecars_own_call_that_no_application_made_is_none_where_its_application_is_seen(app, talk, shop) -> None:
    """As to istiod, or a pooled connection whose requests came before the capture."""
    own = talk("10.244.1.10:6000", "10.96.0.99:15012", at=50).send(b"x", at=51)

    assert len(judged(shop(), matched(app), own)) == 1


def test_without_a_mesh_a_pod_that_shows_no_redirect_calls_directly(talk) -> None:
    (call,) = judged(None, talk().ask("/a"))

    assert roles(call) == ["direct"]


def test_without_a_mesh_a_pod_with_a_sidecar_may_call_past_it(talk, app, delivery) -> None:
    """Its own connections are calls where none of its redirected ones was seen, else they are its sidecar's."""
    out, inner = talk("10.244.1.11:5000", "192.0.2.9:80").ask("/out"), delivery().ask("/in")
    redirected = app("10.244.1.11:9", at=9).ask("/own")

    assert [c.path for c in judged(None, out, inner)] == ["/out", "/in"]
    assert [c.path for c in judged(None, out, inner, redirected)] == ["/in", "/own"]


# Connections between sidecars alone.


def test_a_connection_between_sidecars_alone_is_a_record_of_its_own(upstream, shop, alpn) -> None:
    (call,) = judged(shop(), upstream().hello(SNI, alpn["http"]).reply(b"hello"))

    assert (call.protocol, call.sni, roles(call)) == ("tls", SNI, ["sidecar-to-upstream"])
    assert (call.decision.verdict, call.decision.outbound.cluster) == ("service-matched", CLUSTER)
    assert call.steps[0].sentence.startswith("the sidecar of shop/sleep-0 began TLS with SNI")


def test_a_connection_between_sidecars_shows_what_it_delivered(upstream, delivery, shop, alpn) -> None:
    sealed = upstream(at=1).hello(SNI, alpn["tcp"], at=1).close(at=50)

    (call,) = judged(shop(), sealed, delivery(at=2).send(b"x", at=3))

    assert roles(call) == ["sidecar-to-upstream", "sidecar-to-app"]


def test_a_plaintext_connection_between_sidecars_alone_does_not_show_what_was_asked(upstream, shop) -> None:
    (call,) = judged(shop(), upstream().ask("/a"))

    assert (call.decision.verdict, call.decision.undetermined) == (None, ("app-leg-unseen",))


def test_a_plaintext_connection_into_strict_mutual_tls_is_dropped_whoever_asked(upstream, shop, strict_yaml) -> None:
    (call,) = judged(shop(strict_yaml), upstream().ask("/a").close("server", reset=True))

    assert (call.decision.verdict, call.decision.reason, call.observed.agrees) == ("dropped", "mtls-required", True)


def test_without_a_mesh_a_sealed_connection_has_its_facts(upstream, alpn) -> None:
    (call,) = judged(None, upstream().hello(SNI, alpn["http"]))

    assert (call.sni, call.decision.undetermined) == (SNI, ("no-mesh",))


# What the record says.


def test_a_call_has_the_packets_of_its_own_connection_where_that_was_seen(app, upstream, shop, alpn) -> None:
    told = matched(app, first_packet=2)
    leg = upstream(at=6, first_packet=40).hello(SNI, alpn["http"], at=6)
    seen_there = upstream(at=6, first_packet=3, capture="b.pcap").hello(SNI, alpn["http"], at=6)

    (call,) = judged(shop(), told, leg, seen_there)

    assert call.packets == (("a.pcap", 5, 6), ("b.pcap", 3, 6))


def test_a_call_lasts_from_its_request_to_its_reply(app, shop) -> None:
    (call,) = judged(shop(), matched(app))

    assert (call.first_ns, call.last_ns) == (5_000_000, 19_000_000)


def test_a_call_that_nobody_answered_lasts_as_long_as_its_connection(app, shop) -> None:
    (call,) = judged(shop(), app().ask(at=5).close(at=99))

    assert (call.first_ns, call.last_ns) == (5_000_000, 99_000_000)


@pytest.mark.parametrize(
    ("tell", "protocol"),
    [
        (lambda t: t.ask(), "http/1.1"),
        (lambda t: t.send(b"PING"), "tcp"),
        (lambda t: t.hello("www.example.com"), "tls"),
    ],
)
def test_the_protocol_is_what_was_said(app, shop, tell, protocol) -> None:
    (call,) = judged(shop(), tell(app()))

    assert call.protocol == protocol


def test_a_contradiction_says_why(app, shop) -> None:
    (call,) = judged(shop(), app().ask("/a", "reviews:9080").answer(404, server="envoy"))

    assert (call.observed.agrees, call.observed.why) == (False, "Envoy answered 404 by itself")


def test_the_same_wires_give_the_same_records(app, upstream, delivery, shop, alpn) -> None:
    def run():
        leg = upstream(at=6).hello(SNI, alpn["http"], at=6)
        return judged(shop(), matched(app), leg, delivery(at=7).ask("/a", "reviews:9080", at=8))

    assert run() == run()


def test_a_delivery_alone_does_not_show_what_was_asked(delivery, shop) -> None:
    """A capture of lo in the server's pod."""
    (call,) = judged(shop(), delivery().ask("/a", "reviews"))

    assert (roles(call), call.path) == (["sidecar-to-app"], "/a")
    assert call.decision.undetermined == ("app-leg-unseen",)


def test_a_record_comes_with_the_question_that_was_asked(app, shop) -> None:
    told = app().ask("/a", "reviews:9080")
    (wire,) = gather_wires([told.sighting])

    (asked,) = judge_and_ask([(wire, told.conversation)], shop(), {})

    assert asked.record == judged(shop(), told)[0]
    assert (asked.question.address, asked.question.host, asked.question.path) == ("10.96.0.11", "reviews:9080", "/a")


def test_a_record_that_nobody_was_asked_about_has_no_question(talk, shop) -> None:
    stranger = talk("192.0.2.1:5000", "192.0.2.2:80").ask()
    wires = gather_wires([stranger.sighting])

    (asked,) = judge_and_ask([(wires[0], stranger.conversation)], shop(), {})

    assert asked.question is None


LOCALHOST = """
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: "inboundTrafficPolicy: {mode: LOCALHOST}"}
"""


def test_where_sidecars_deliver_to_localhost_the_delivery_is_a_leg_and_no_call(talk, shop) -> None:
    came = talk("10.244.2.9:5000", "10.244.1.11:9080", capture="reviews").ask("/a", at=5).answer(at=9)
    last = talk("127.0.0.1:39922", "127.0.0.1:9080", capture="reviews", seq=5, at=6)
    last.ask("/a", at=7, x_request_id="r-1", x_forwarded_proto="http").answer(at=8)

    (call,) = judged(shop(LOCALHOST), came, last, homes={"reviews": "shop/reviews-0"})

    assert roles(call) == ["direct", "sidecar-to-app"]


def test_elsewhere_an_application_calls_itself_so(talk, shop) -> None:
    came = talk("10.244.2.9:5000", "10.244.1.11:9080", capture="reviews").ask("/a", at=5).answer(at=9)
    last = talk("127.0.0.1:39922", "127.0.0.1:9080", capture="reviews", seq=5, at=6)
    last.ask("/a", at=7, x_request_id="r-1", x_forwarded_proto="http").answer(at=8)

    assert len(judged(shop(), came, last, homes={"reviews": "shop/reviews-0"})) == 2
