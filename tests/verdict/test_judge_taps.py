"""Captures that show one side of a sidecar only: what its other side would have told is not guessed."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.verdict.judge import judge
from analyzer.verdict.wires import Sighting, Wire

DATABASE = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: database, namespace: shop}
spec:
  hosts: [database.example]
  addresses: [192.0.2.50]
  ports: [{number: 3306, name: tcp, protocol: TCP, targetPort: 5432}]
  resolution: STATIC
  endpoints: [{address: 203.0.113.9}]
"""


def verdicts(mesh, *told):
    return [
        (call.decision.verdict, call.decision.undetermined)
        for call in judge([(t.wire, t.conversation) for t in told], mesh, {})
    ]


def on_one_interface(told):
    """The wire as a capture of one interface has it, whose link names none."""
    seen = told.wire.main
    sighting = Sighting(seen.capture, replace(seen.connection, ifindexes=()))
    return Wire(sighting, (sighting,)), told.conversation


@pytest.mark.parametrize(
    ("server", "expected"),
    [("203.0.113.9:5432", (None, ("app-leg-unseen",))), ("203.0.113.8:5432", ("passthrough", ()))],
)
def test_past_the_sidecar_or_from_it_is_not_known_without_lo_where_a_service_leads_there(
    talk, shop, server, expected
) -> None:
    past = talk("10.244.1.10:6000", server).send(b"x").reply(b"y")

    (call,) = judge([on_one_interface(past)], shop(DATABASE), {})

    assert (call.decision.verdict, call.decision.undetermined) == expected


def test_lo_shows_that_an_application_went_past_its_sidecar(app, talk, shop) -> None:
    past = talk("10.244.1.10:6000", "203.0.113.9:5432", at=50).send(b"x", at=51).reply(b"y", at=52)

    calls = judge([on_one_interface(app().ask()), on_one_interface(past)], shop(DATABASE), {})

    assert calls[1].decision.verdict == "passthrough"


@pytest.mark.parametrize(
    ("home", "inside", "expected"),
    [
        ("shop/sleep-0", "127.0.0.1:15000", ("passthrough", ())),
        # Nothing shows that no filter left lo out.
        ("shop/sleep-0", "192.0.2.9:15000", (None, ("app-leg-unseen",))),
        ("shop/reviews-0", "127.0.0.1:15000", (None, ("app-leg-unseen",))),
        (None, "127.0.0.1:15000", (None, ("app-leg-unseen",))),
    ],
)
def test_a_capture_of_every_interface_of_a_pod_has_its_lo_too(talk, shop, home, inside, expected) -> None:
    past, *others = (
        talk("10.244.1.10:6000", "203.0.113.9:5432").send(b"x").reply(b"y"),
        talk("192.0.2.1:7", "10.244.1.10:80", at=50).ask(),
        talk(inside.replace("15000", "7"), inside, at=60).ask(),
    )
    told = [(each.wire, each.conversation) for each in (past, *others)]

    call, *_ = judge(told, shop(DATABASE), {past.wire.main.capture: home})

    assert (call.decision.verdict, call.decision.undetermined) == expected


@pytest.mark.parametrize("server", ["10.244.1.11:5432", "203.0.113.9:80"])
def test_a_filter_for_a_port_or_a_host_may_have_left_out_what_was_on_lo(talk, shop, server) -> None:
    past, other = (
        talk("10.244.1.10:6000", "203.0.113.9:5432").send(b"x"),
        talk("10.244.1.10:6001", server, at=9).ask(),
    )
    told = [(each.wire, each.conversation) for each in (past, other)]

    call, _ = judge(told, shop(DATABASE), {past.wire.main.capture: "shop/sleep-0"})

    assert (call.decision.verdict, call.decision.undetermined) == (None, ("app-leg-unseen",))


@pytest.mark.parametrize(("at", "expected"), [(51, (None, ("sender-unknown",))), (9000, ("passthrough", ()))])
def test_what_looks_like_a_call_past_the_sidecar_may_be_for_one_that_it_leads_to_the_same_server(
    app, talk, shop, at, expected
) -> None:
    """As an attempt that fails: the redirect lets the application by, too."""
    led = app().ask("/a", at=50).answer(503, at=60)
    past = talk("10.244.1.10:6000", "10.244.1.11:5432", at=at).send(b"x", at=at).reply(b"y", at=at + 1)

    assert verdicts(shop(), led, past)[-1] == expected


@pytest.mark.parametrize(
    ("endpoints", "answered", "expected"),
    [
        (("10.244.1.11", "10.244.2.9"), False, (None, ("balanced",))),
        (("10.244.1.11", "10.244.2.9"), True, ("service-matched", ())),
        (("10.244.1.11",), False, ("service-matched", ())),
    ],
)
def test_a_caller_whom_nobody_answers_may_have_been_led_back_to_itself(
    talk, shop, service_text, endpoints, answered, expected
) -> None:
    mesh = shop(service_text("shop/both", "10.96.0.30", endpoints=endpoints))
    call = talk("10.244.2.9:6000", "10.96.0.30:9080")

    assert verdicts(mesh, call.ask().answer() if answered else call.unanswered_syn()) == [expected]


@pytest.mark.parametrize(("answered", "expected"), [(False, (None, ("sender-unknown",))), (True, ("passthrough", ()))])
def test_who_calls_its_own_address_gets_an_answer(talk, shop, answered, expected) -> None:
    call = talk("10.244.1.10:6000", "10.244.1.10:9080")
    told = call.ask().answer() if answered else call.unanswered_syn()

    assert verdicts(shop(), told) == [expected]
