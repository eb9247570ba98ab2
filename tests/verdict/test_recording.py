"""Records of calls say what was judged, and share what their connection has in common."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.verdict.call import Onward, calls_of
from analyzer.verdict.decision import Step
from analyzer.verdict.recording import Recorder
from analyzer.verdict.roles import Role, Said
from analyzer.verdict.wires import gather_wires, wire_of


@pytest.fixture
def recorder(shop):
    return Recorder(shop(), {})


def records(recorder, said, decision, onward=()):
    return [recorder.record(str(n), call, decision, onward) for n, call in enumerate(calls_of(said), 1)]


def test_the_steps_of_the_decision_stand_between_those_of_the_packets(recorder, app, decision) -> None:
    model = Step("listener 0.0.0.0_9080 takes it")

    (record,) = records(recorder, app().ask("/a").answer(200).said(), decision(steps=(model,)))

    assert [step is model for step in record.steps] == [False, False, True, False]
    assert [len(part) for part in (record.before, record.decision.steps, record.after)] == [2, 1, 1]


def test_calls_of_one_connection_share_what_is_equal(recorder, app, decision) -> None:
    told = app().ask("/a", at=1).answer(200, at=2).ask("/b", at=3).answer(200, at=4)

    one, two = records(recorder, told.said(), decision())

    assert one.legs is two.legs
    assert one.captures is two.captures
    assert one.observed is two.observed
    assert one.decision is two.decision
    assert one.before[1] is two.before[1]


def test_onward_legs_add_their_captures_and_packets(recorder, app, upstream, decision) -> None:
    leg = Onward(upstream(capture="b.pcap", first_packet=7).said(Role.UPSTREAM), None, certain=False)

    (record,) = records(recorder, app().ask("/a").answer(200).said(), decision(), (leg,))

    assert record.captures == ("a.pcap", "b.pcap")
    assert record.packets == (("a.pcap", 4, 5), ("b.pcap", 7, 9))
    assert [each.role for each in record.legs] == ["app-to-sidecar", "sidecar-to-upstream"]


def test_two_legs_in_one_capture_span_its_packets(recorder, app, upstream, delivery, decision) -> None:
    legs = (upstream(capture="b.pcap", first_packet=7), delivery(capture="b.pcap", first_packet=3))
    roles = (Role.UPSTREAM, Role.DELIVERY)
    onward = tuple(Onward(leg.said(role), None, certain=True) for leg, role in zip(legs, roles, strict=True))

    (record,) = records(recorder, app().ask("/a").answer(200).said(), decision(), onward)

    assert record.packets[1] == ("b.pcap", 3, 9)


@pytest.mark.parametrize(
    ("client", "role", "who"),
    [
        ("10.244.1.10:48172", Role.APP, "shop/sleep-0 (10.244.1.10:48172)"),
        ("10.244.1.10:48172", Role.UPSTREAM, "the sidecar of shop/sleep-0"),
        ("10.9.9.9:1", Role.DIRECT, "10.9.9.9:1"),
    ],
)
def test_the_client_is_called_by_what_is_known_of_it(recorder, talk, decision, client, role, who) -> None:
    (record,) = records(recorder, talk(client).ask("/a").said(role), decision())

    assert record.before[0].sentence.startswith(f"{who} sent GET /a")


def test_whose_connection_it_is_answers_alone_do_not_tell(recorder, talk, decision) -> None:
    told = talk().reply(b"hello")
    wire = wire_of("a.pcap", replace(told.connection, client_packets=0))

    (record,) = records(recorder, replace(told.said(Role.UPSTREAM), wire=wire), decision())

    assert record.before[0].sentence.startswith("the sidecar of shop/sleep-0, or its application, opened a TCP")


def test_without_a_mesh_no_pod_is_named(app, decision) -> None:
    (record,) = records(Recorder(None, {}), app().ask("/a").said(), decision())

    assert (record.pod, record.server_pod) == (None, None)


def test_a_loopback_address_is_of_the_captures_own_pod(shop, talk, decision) -> None:
    mesh = shop()
    recorder = Recorder(mesh, {"a.pcap": mesh.pod("shop", "sleep-0")})

    (record,) = records(recorder, talk("127.0.0.1:5000").ask("/a").said(Role.DIRECT), decision())

    assert record.pod == "shop/sleep-0"


def test_the_time_of_a_call_is_that_of_its_request_and_reply(recorder, app, decision) -> None:
    (record,) = records(recorder, app().ask("/a", at=5).answer(200, at=9).said(), decision())

    assert (record.first_ns, record.last_ns) == (5_000_000, 9_000_000)


def test_every_sighting_of_a_wire_is_a_leg(recorder, talk, decision) -> None:
    told = [talk(capture=name).ask("/a").answer(200) for name in ("b.pcap", "a.pcap")]
    (wire,) = gather_wires(each.sighting for each in told)

    (record,) = records(recorder, Said(wire, told[0].conversation, Role.DIRECT), decision())

    assert record.captures == ("a.pcap", "b.pcap")
    assert len(record.legs) == 2


def test_equal_observations_are_one_object_however_many_connections_show_them(recorder, app, decision) -> None:
    calls = [app(f"10.244.1.10:{port}").ask("/a").answer(200).call() for port in (1, 2)]

    one, other = (recorder.observe(call, decision(), ()) for call in calls)

    assert one is other
    assert (one.status, one.agrees) == (200, True)


def test_a_recorder_that_forgot_connections_makes_equal_records(recorder, app, decision) -> None:
    said = app().ask("/a").answer(200).said()
    (before,) = records(recorder, said, decision())

    recorder.forget_connections()

    (after,) = records(recorder, said, decision())
    assert after == before
    assert after.legs is not before.legs
