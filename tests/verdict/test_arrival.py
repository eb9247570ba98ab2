"""What arrives at a pod."""

from __future__ import annotations

from analyzer.verdict.arrival import Arrival, InboundDecision, asked_arrival
from analyzer.verdict.decision import Step
from analyzer.verdict.question import Question


def test_an_arrival_is_a_plain_get_unless_it_says_otherwise(town) -> None:
    arrival = Arrival(town.pod("shop/web-0").mesh().pods[0], "10.1.0.1", 80)
    assert (arrival.tls, arrival.protocol, arrival.method, arrival.path) == ("plaintext", "http", "GET", "/")
    assert not arrival.sealed


def test_a_decision_drops_nothing_unless_it_says_so() -> None:
    assert InboundDecision(None) == InboundDecision(None, False, None, None, (), ())


def test_what_a_question_says_of_the_arrival_is_in_it(town) -> None:
    mesh = town.pod("shop/web-0").pod("shop/sleep-0").mesh()
    said = {
        "address": "10.1.0.1", "port": 80, "tls": "mtls", "alpn": ("istio",), "sni": "web", "protocol": "http2",
        "host": "web", "path": "/a", "method": "PUT", "headers": (("a", "b"),), "server_first": True,
        "client_silent": True, "client": "10.1.0.2", "sealed": True, "inspected": "http", "head_cut": True,
        "refused": 431, "scheme": "https",
    }  # fmt: skip
    arrival = asked_arrival(mesh, mesh.pods[0], Question("shop", pod="web-0", peer="shop/sleep-0", **said))
    assert {name: getattr(arrival, name) for name in said} == said
    assert arrival.peer is mesh.pod("shop", "sleep-0")


def test_a_decision_in_doubt_has_no_end_and_says_what_is_missing() -> None:
    known, doubt = Step("known"), Step("doubt")
    decided = InboundDecision(None, dropped=True, reason="r", port_class="service", undetermined=("a",), steps=(known,))

    found = decided.doubted(("b",), (doubt,))

    assert found == InboundDecision(None, port_class="service", undetermined=("a", "b"), steps=(known, doubt))
