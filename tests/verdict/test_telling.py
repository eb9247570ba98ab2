"""The chain of a call in sentences, each with the packets it stands on."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.base.place import PacketPlace
from analyzer.verdict.call import Call, Onward
from analyzer.verdict.decision import Step
from analyzer.verdict.observed import observe
from analyzer.verdict.roles import Role
from analyzer.verdict.telling import (
    after_decision,
    asked_packet,
    asked_step,
    legs_of,
    onward_legs,
    packets_of,
    redirected_steps,
)
from analyzer.verdict.wires import gather_wires


def chain(call, decision, *onward, seen=None):
    observed = seen or observe(call)
    before = (asked_step(call, "shop/sleep-0"), *redirected_steps(call.said))
    return (*before, *decision.steps, *after_decision(call, observed, onward, packets_of(call)[1]))


# The words.


def test_the_models_steps_stand_between_what_was_asked_and_what_was_answered(app, decision) -> None:
    model = Step("listener 0.0.0.0_9080 takes it")

    steps = chain(app().ask("/a").answer(200).call(), decision(steps=(model,)))

    assert [step is model for step in steps] == [False, False, True, False]


@pytest.mark.parametrize(
    ("tell", "sentence"),
    [
        (lambda t: t.ask("/a", "reviews"), "shop/sleep-0 sent GET /a with Host reviews (HTTP/1.1) to 10.96.0.11:9080"),
        (lambda t: t.ask("/a", None), "shop/sleep-0 sent GET /a without Host (HTTP/1.1) to 10.96.0.11:9080"),
        (lambda t: t.hello("www.example.com"), "shop/sleep-0 began TLS with SNI www.example.com to 10.96.0.11:9080"),
        (lambda t: t.hello(), "shop/sleep-0 opened a TLS connection to 10.96.0.11:9080"),
        (lambda t: t.send(b"PING"), "shop/sleep-0 opened a TCP connection to 10.96.0.11:9080"),
    ],
)
def test_the_first_step_says_who_asked_what_of_whom(talk, decision, tell, sentence) -> None:
    assert chain(tell(talk()).call(role=Role.DIRECT), decision())[0].sentence == sentence


def test_the_tunnel_of_ambient_meshes_is_named(talk, decision) -> None:
    tunnel = talk(server="10.244.1.11:15008")

    (first, *_) = chain(tunnel.hello(None, ("h2",)).call(role=Role.DIRECT), decision())

    assert first.sentence.endswith("opened a TLS connection to 10.244.1.11:15008, by its port an HBONE tunnel")


def test_a_request_is_cited_by_the_packet_that_brought_it(app, decision) -> None:
    second = app(first_packet=20).ask("/a").answer().ask("/b").call(2)

    assert chain(second, decision())[0].packets == (PacketPlace("a.pcap", 25),)


def test_only_a_redirected_call_is_said_to_be_redirected(app, talk, decision) -> None:
    redirected = chain(app().ask().call(), decision())
    direct = chain(talk().ask().call(role=Role.DIRECT), decision())

    assert "iptables redirected it to the sidecar on port 15001" in redirected[1].sentence
    assert not any("iptables" in step.sentence for step in direct)


def test_half_a_connection_is_said_to_be_half(app, decision) -> None:
    half = app(server="127.0.0.1:15001", joined=False).ask()

    assert "only one half" in chain(half.call(), decision())[1].sentence


def test_a_leg_is_told_with_its_name_and_its_packets_in_every_capture(app, upstream, alpn, decision) -> None:
    sni = "outbound_.9080_._.reviews.shop.svc.cluster.local"
    seen = [upstream(capture=c, first_packet=n).hello(sni, alpn["http"]) for c, n in (("a.pcap", 9), ("b.pcap", 3))]
    (wire,) = gather_wires(t.sighting for t in seen)
    leg = Onward(replace(seen[0].said(Role.UPSTREAM), wire=wire), None, certain=True)

    step = chain(app().ask().call(), decision(), leg)[2]

    assert step.sentence == f"the sidecar's connection 10.244.1.10:36714 → 10.244.1.11:9080 with SNI {sni} carried it"
    assert step.packets == (PacketPlace("a.pcap", 9), PacketPlace("b.pcap", 3))


def test_a_leg_that_is_only_suggested_is_told_with_that_word(app, delivery, decision) -> None:
    leg = Onward(delivery().ask().said(Role.DELIVERY), None, certain=False)

    sentence = chain(app().ask().call(), decision(), leg)[2].sentence

    assert sentence.startswith("the delivery to the application 127.0.0.6:35762 → ")
    assert sentence.endswith("carried it, as far as time and size tell")


@pytest.mark.parametrize(
    ("tell", "sentence"),
    [
        (lambda t: t.ask().answer(200), "the packets show 200 from the application"),
        (lambda t: t.ask().answer(404, server="envoy"), "the packets show 404 from an Envoy by itself"),
        (
            lambda t: t.ask().answer(503, content_length=95, x_envoy_upstream_service_time=3),
            "the packets show 503 from the application or an Envoy",
        ),
        (lambda t: t.send(b"x").reply(b"y"), "the packets show an answer from the server"),
        (lambda t: t.ask().close("server", reset=True), "the packets show a reset without an answer"),
        (lambda t: t.ask().close("server"), "the packets show a close without an answer"),
        (lambda t: t.refused(), "the packets show a refused connection"),
        (lambda t: t.ask().close("client"), "the packets show no answer"),
        (lambda t: t.hello().alert("unknown_ca"), "the packets show the TLS alert unknown_ca"),
        (lambda t: t.ask(), "the capture ends before an answer"),
    ],
)
def test_the_last_step_says_what_happened(talk, decision, tell, sentence) -> None:
    assert chain(tell(talk()).call(role=Role.DIRECT), decision())[-1].sentence == sentence


def test_agreement_and_contradiction_are_said(talk, decision) -> None:
    call = talk().ask().answer(200).call(role=Role.DIRECT)
    seen = observe(call)

    agreed = chain(call, decision(), seen=replace(seen, agrees=True))[-1].sentence
    denied = chain(call, decision(), seen=replace(seen, agrees=False, why="Envoy should have"))[-1].sentence

    assert agreed.endswith("; that is what the model says")
    assert denied.endswith("; that is not what the model says: Envoy should have")


# The packets.


def test_a_request_lasts_from_its_first_packet_to_the_last_of_its_reply(app) -> None:
    told = app(first_packet=10).ask("/a").answer().ask("/b").answer().close()

    assert [packets_of(told.call(n)) for n in (1, 2)] == [(13, 14), (15, 16)]


def test_an_unanswered_request_lasts_as_long_as_its_connection(app) -> None:
    assert packets_of(app(first_packet=10).ask("/a").close().call()) == (13, 14)


def test_a_reply_without_request_has_its_own_packets(app) -> None:
    assert packets_of(app(opened=False, first_packet=10).answer().send(b"x").call()) == (10, 10)


def test_an_opaque_connection_lasts_from_its_syn_to_its_end(app) -> None:
    assert packets_of(app(first_packet=10).send(b"x").close().call()) == (10, 14)


def test_a_reply_whose_end_was_not_seen_lasts_to_the_end_of_its_head(app) -> None:
    call = app().ask().answer(200).call()
    unfinished = replace(call.exchange.response, body_end=None)

    assert packets_of(replace(call, exchange=replace(call.exchange, response=unfinished))) == (4, 5)


def test_a_body_that_was_not_captured_does_not_take_the_packet_of_its_end(app) -> None:
    call = app().ask().answer(200).call()
    lost = replace(call.exchange.response, body_end=10_000)

    assert packets_of(replace(call, exchange=replace(call.exchange, response=lost)))[0] == 4


def test_a_call_of_which_no_byte_has_a_packet_has_those_of_its_connection(app) -> None:
    call = app(first_packet=10).ask().answer().call()
    lost = replace(call.exchange.response, start=900, end=901, body_end=901)

    assert packets_of(replace(call, exchange=replace(call.exchange, request=None, response=lost))) == (10, 14)


# The legs.


def test_the_calls_own_connection_is_its_first_leg(app) -> None:
    told = app(first_packet=10).hello("www.example.com")

    (leg,) = legs_of(told.call().said)

    assert (leg.role, leg.capture, leg.sni, leg.certain) == ("app-to-sidecar", "a.pcap", "www.example.com", True)
    assert (leg.client, leg.server, leg.uid) == (told.client, told.server, told.uid)
    assert (leg.first_packet, leg.last_packet) == (10, 13)


def test_a_call_whose_connection_two_captures_saw_has_a_leg_in_each_the_fuller_first(talk) -> None:
    seen = [talk(capture="a.pcap"), talk(server="10.244.1.11:9080", capture="b.pcap", at=1).send(b"x")]
    (wire,) = gather_wires(t.sighting for t in seen)
    call = talk().call(role=Role.DIRECT)

    legs = legs_of(replace(call.said, wire=wire))

    assert [(leg.capture, leg.role) for leg in legs] == [("b.pcap", "direct"), ("a.pcap", "direct")]


def test_a_wire_that_two_captures_saw_is_two_legs_of_one_role(upstream) -> None:
    seen = [upstream(capture="a.pcap"), upstream(server="10.244.1.99:1", capture="b.pcap", at=1)]
    (wire,) = gather_wires(t.sighting for t in seen)
    leg = Onward(replace(seen[0].said(Role.UPSTREAM), wire=wire), None, certain=False)

    legs = onward_legs(leg, "sidecar-to-upstream")

    assert [(each.capture, str(each.server), each.certain) for each in legs] == [
        ("a.pcap", "10.244.1.11:9080", False),
        ("b.pcap", "10.244.1.99:1", False),
    ]


def test_the_packet_that_is_cited_for_what_was_asked_brought_its_first_byte(app) -> None:
    told = app(first_packet=20).ask("/a").answer().ask("/b")

    assert [asked_packet(told.call(number)) for number in (1, 2)] == [23, 25]


def test_of_a_connection_without_a_request_its_first_packet_is_cited(app) -> None:
    assert asked_packet(app(first_packet=20).send(b"PING").call()) == 20


def test_of_a_request_whose_first_byte_is_not_there_the_connections_first_packet_is_cited(app) -> None:
    call = app(first_packet=20).ask("/a").call()
    later = replace(call.exchange, request=replace(call.exchange.request, start=10_000))
    lost = Call(call.said, 1, later)

    assert asked_packet(lost) == 20
