"""When each capture saw a request and its reply, on one clock."""

from __future__ import annotations

import pytest

from analyzer.verdict.clocks import estimate_clocks
from analyzer.verdict.judge import judge_and_ask
from analyzer.verdict.passage import passage_of
from analyzer.verdict.wires import gather_wires

ID = "6a3c1e52-0000-4000-8000-000000000001"
MS = 1_000_000
SNI = "outbound_.9080_._.reviews.shop.svc.cluster.local"


@pytest.fixture
def followed(shop, app, upstream, delivery, alpn):
    """A function that gives the passage of a sealed call over two captures, the server's 100 ms ahead."""

    def tell(*, seen_by=("a.pcap", "b.pcap")):
        talks = [app("10.244.1.10:1", at=0, capture="a.pcap").ask("/a", "reviews:9080", at=5).answer(at=19)]
        for capture, ahead in (("a.pcap", 0), ("b.pcap", 100)):
            leg = upstream("10.244.1.10:2", at=6 + ahead, capture=capture)
            talks.append(leg.hello(SNI, alpn["http"], at=7 + ahead).reply(b"sealed", at=15 + ahead))
        own = delivery(at=107, capture="b.pcap").ask("/a", "reviews:9080", at=109, x_request_id=ID)
        talks.append(own.answer(at=113))
        talks = [talk for talk in talks if talk.capture in seen_by]
        wires = gather_wires(talk.sighting for talk in talks)
        told = {(talk.client, talk.seq): talk.conversation for talk in talks}
        spoken = [(w, told[w.client, w.connection.syn_seq]) for w in wires]
        (asked,) = [each for each in judge_and_ask(spoken, shop(), {}) if each.record.method]
        return passage_of(asked, estimate_clocks(wires))

    return tell


def test_moments_follow_each_other_on_the_clock_of_the_client(followed) -> None:
    passage = followed()

    assert [(m.time_ns // MS, m.what, m.role, m.packet.capture) for m in passage.moments] == [
        (5, "request", "app-to-sidecar", "a.pcap"),
        (7, "request", "sidecar-to-upstream", "a.pcap"),
        (7, "request", "sidecar-to-upstream", "b.pcap"),
        (9, "request", "sidecar-to-app", "b.pcap"),
        (13, "reply", "sidecar-to-app", "b.pcap"),
        (15, "reply", "sidecar-to-upstream", "a.pcap"),
        (15, "reply", "sidecar-to-upstream", "b.pcap"),
        (19, "reply", "app-to-sidecar", "a.pcap"),
    ]
    assert [(name, skew.offset_ns) for name, skew in passage.skews] == [("b.pcap", 100 * MS)]


def test_the_id_that_a_sidecar_gave_the_request_is_found_where_it_shows(followed) -> None:
    assert followed().request_id == ID
    assert followed(seen_by=("a.pcap",)).request_id is None


def test_what_is_inside_tls_is_said_to_be(followed) -> None:
    sealed = {moment.role: moment.sealed for moment in followed().moments}

    assert sealed == {"app-to-sidecar": False, "sidecar-to-upstream": True, "sidecar-to-app": False}
