"""What is said about single packets of a call."""

from __future__ import annotations

from analyzer.base.fact import replace
from analyzer.base.place import PacketPlace
from analyzer.report.packet_comments import comments_of, connection_comments, packet_comments


def test_the_first_packet_of_each_leg_has_the_verdict(shop):
    call = shop.calls[0]

    comments = packet_comments([call])

    for leg in call.legs:
        said = comments[PacketPlace(leg.capture, leg.first_packet)]
        assert any(f"call {call.id}: service-matched, service" in comment and leg.role in comment for comment in said)


def test_what_a_step_cites_has_its_sentence(shop):
    call = shop.calls[0]
    step = call.steps[0]

    assert f"call {call.id}: {step.sentence}" in packet_comments([call])[step.packets[0]]


def test_two_calls_on_one_packet_are_both_told(shop):
    one = shop.calls[0]
    other = replace(one, id="other")
    place = PacketPlace(one.legs[0].capture, one.legs[0].first_packet)

    said = " ".join(packet_comments([one, other])[place])

    assert f"call {one.id}:" in said
    assert "call other:" in said


def test_secrets_are_kept_unless_they_are_asked_for(shop):
    call = replace(shop.calls[0], host="user:hunter2@reviews")

    assert "hunter2" not in str(packet_comments([call]))
    assert "hunter2" in str(packet_comments([call], redact=False))


def test_a_call_without_legs_has_only_what_its_steps_cite(shop):
    call = replace(shop.calls[0], legs=())

    cited = {place for step in call.steps for place in step.packets}
    assert set(packet_comments([call])) == cited


def test_every_packet_of_a_connection_has_its_verdict(shop):
    call = shop.calls[0]
    leg = call.legs[-1]

    said = comments_of([call]).of(PacketPlace(leg.capture, leg.last_packet), leg.uid)

    assert f"meshverdict: service-matched (call {call.id})" in said


def test_a_connection_of_several_calls_has_the_worst_of_their_verdicts(shop):
    good = shop.calls[0]
    bad = replace(next(call for call in shop.calls if call.decision.verdict == "dropped"), id="bad", legs=good.legs)

    (said,) = set(connection_comments([good, bad]).values())

    assert said == f"meshverdict: dropped (calls {good.id}, bad)"


def test_the_names_of_many_calls_are_cut_short(shop):
    many = [replace(shop.calls[0], id=f"c{n}") for n in range(10)]

    assert set(connection_comments(many).values()) == {
        "meshverdict: service-matched (calls c0, c1, c2, c3, c4, c5, c6, c7 and 2 more)"
    }


def test_a_packet_of_another_connection_has_no_comment(shop):
    assert comments_of(shop.calls[:1]).of(PacketPlace("other.pcap", 1), "C1") == ()
