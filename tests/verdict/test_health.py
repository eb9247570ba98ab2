"""What a capture is: where it was taken, whose pod it was, how well it can be read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.base.fact import replace
from analyzer.base.table import BAD_HEADER, DECODED, NOT_IP, PacketTable, RecordTable
from analyzer.capture.capture import Capture
from analyzer.verdict.health import Sights, capture_record, pod_of, sights_of, vantage_of
from made.ends import ANY, ends_of, recorded, sights, whos_of

SECOND = 1_000_000_000


def connections(*talks):
    return [each.connection for each in talks]


def of(talks=(), *, fates=(DECODED,), times=(1, 5), hint=None, mesh=None, **capture):
    records = RecordTable(
        np.array(times, np.int64) * SECOND, np.zeros(len(times), np.int64), np.full(len(times), 60, np.uint32),
        np.full(len(times), 90, np.uint32), np.zeros(len(times), np.uint16), np.ones(len(times), np.uint16),
    )  # fmt: skip
    names = {name: np.zeros(len(fates), np.int64) for name in PacketTable.__struct_fields__}
    packets = PacketTable(**{**names, "fate": np.array(fates, np.uint8)})
    whole = {"format": "pcap", "complete": True, "error": None, "oddities": (), **capture}
    given = Capture(name="a.pcap", buffer=memoryview(b""), records=records, interfaces=(), **whole)
    found = connections(*talks)
    return replace(capture_record(given, packets, found, link_names=["SLL2"]), pod=pod_of(found, hint, mesh))


# Vantage.


def test_without_tcp_there_is_no_vantage() -> None:
    assert vantage_of([]) == "no TCP connections"


@pytest.mark.parametrize(
    ("client", "server", "redirect"),
    [
        ("10.244.1.10:1", "10.96.0.11:80", 15001),
        ("127.0.0.6:1", "10.244.1.10:80", 0),
        ("[::6]:1", "[fd00::10]:80", 0),
        ("127.0.0.1:1", "127.0.0.1:80", 0),
        ("10.244.1.10:1", "10.244.1.10:80", 0),
    ],
)
def test_redirected_delivered_and_local_connections_are_seen_on_lo(talk, client, server, redirect) -> None:
    inner = talk(client, server, redirect=redirect).connection

    assert vantage_of([inner]).startswith("lo only")


def test_a_connection_between_pods_is_seen_on_eth0(talk) -> None:
    assert vantage_of(connections(talk())).startswith("eth0 only")


def test_both_kinds_together_are_both_sides_of_the_sidecar(talk, app) -> None:
    assert vantage_of(connections(talk(), app())).startswith("lo and eth0")


# Whose pod.


def test_the_client_of_redirected_connections_is_the_pod(app, talk, shop) -> None:
    talks = [app(), talk("10.244.2.9:1", "10.244.1.10:80"), talk("10.244.1.11:1", "10.244.1.10:80")]

    assert of(talks, mesh=shop(), hint="x/y").pod == "shop/sleep-0"


def test_the_server_of_deliveries_is_the_pod(delivery, talk, shop) -> None:
    assert of([delivery(), talk()], mesh=shop()).pod == "shop/reviews-0"


def test_the_one_address_on_every_connection_is_the_pod(talk, shop) -> None:
    talks = [talk("10.244.2.9:1", "10.244.1.10:80"), talk("10.244.2.9:2", "10.244.1.11:80")]

    assert of(talks, mesh=shop()).pod == "legacy/naked-0"


def test_calls_inside_the_pod_do_not_hide_whose_it_is(talk, shop) -> None:
    talks = [
        talk("10.244.2.9:1", "10.244.1.10:80"),
        talk("10.244.2.9:2", "10.244.1.11:80"),
        talk("127.0.0.1:1", "127.0.0.1:2"),
    ]

    assert of(talks, mesh=shop()).pod == "legacy/naked-0"


def test_a_single_connection_leaves_it_to_the_name(talk, shop) -> None:
    assert of([talk("10.244.2.9:1", "10.244.1.10:80")], mesh=shop(), hint="shop/sleep-0").pod == "shop/sleep-0"


def test_without_a_mesh_the_name_tells(app) -> None:
    assert of([app()], hint="shop/sleep-0").pod == "shop/sleep-0"


def test_an_address_that_no_pod_has_leaves_it_to_the_name(app, shop) -> None:
    stranger = app("192.0.2.9:1")

    assert of([stranger], mesh=shop(), hint="shop/sleep-0").pod == "shop/sleep-0"
    assert of([stranger], mesh=shop()).pod is None


def test_a_capture_without_connections_is_of_the_pod_in_its_name(shop) -> None:
    assert of([], mesh=shop(), hint="shop/sleep-0").pod == "shop/sleep-0"


# Health.


def test_records_are_counted_by_what_became_of_them() -> None:
    assert of(fates=(DECODED, NOT_IP, DECODED, BAD_HEADER)).fates == (("decoded", 2), ("not-ip", 1), ("bad-header", 1))


def test_times_are_the_first_and_last_whatever_the_order() -> None:
    found = of(times=(7, 3, 5))

    assert (found.first_ns, found.last_ns, found.records, found.bytes) == (3 * SECOND, 7 * SECOND, 3, 180)


def test_an_empty_capture_has_no_times() -> None:
    found = of(times=(), fates=())

    assert (found.records, found.bytes, found.first_ns, found.last_ns, found.fates) == (0, 0, 0, 0, ())


def test_what_the_reader_says_is_passed_on() -> None:
    found = of(complete=False, error="a.pcap: cut")

    assert (found.name, found.format, found.link_types) == ("a.pcap", "pcap", ("SLL2",))
    assert (found.complete, found.error) == (False, "a.pcap: cut")


# Many connections at once.

MANY = [
    ("10.244.1.10", "10.96.0.11", 15001), ("10.244.1.10", "10.96.0.11", 15001), ("10.244.1.11", "10.96.0.11", 15001),
    ("127.0.0.6", "10.244.1.10", 0), ("10.244.1.10", "10.244.1.11", 0), ("10.244.1.10", "10.244.1.12", 0),
]  # fmt: skip


def seen(told: Sights) -> tuple:
    return list(told.inner.items()), told.inside, told.everywhere


@pytest.mark.parametrize("first", range(len(MANY)))
@pytest.mark.parametrize("count", [0, 1, 3, len(MANY)])
def test_many_connections_show_what_they_show_one_by_one(first, count) -> None:
    some = (MANY[first:] + MANY[:first])[:count]

    assert seen(Sights.of(ends_of(some))) == sights(some)


@given(st.lists(st.sampled_from(ANY), max_size=6))
def test_whoever_talks_is_seen_as_one_by_one(some) -> None:
    assert seen(Sights.of(ends_of(some))) == sights(some)


def test_recorded_connections_show_what_they_show_one_by_one() -> None:
    for found in recorded():
        told = list(found)
        assert seen(Sights.of(found.addresses)) == seen(sights_of(told)) == sights(whos_of(told))


@pytest.mark.parametrize("parted", range(len(MANY) + 1))
def test_what_lots_saw_together_is_what_the_whole_saw(parted) -> None:
    joined = Sights()
    for part in (MANY[:parted], MANY[parted:]):
        joined.join(Sights.of(ends_of(part)))

    assert seen(joined) == sights(MANY)
