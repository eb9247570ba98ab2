"""What access logs add: they are joined to their calls, and settle what packets leave open."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.flow.connection import Endpoint
from analyzer.verdict.access_log import LogEntry
from analyzer.verdict.logged import with_logs
from analyzer.verdict.record import Leg, Observed

REVIEWS = "outbound|9080||reviews.shop.svc.cluster.local"
CLIENT = "10.244.1.10:48172"


@pytest.fixture
def entry():
    """A function that gives an entry of the client's sidecar about the call of ``record``."""

    def tell(**fields):
        values = {"place": "e.log:1", "start_ns": 1_000, "method": "GET", "path": "/", "cluster": REVIEWS, "code": 200}
        return LogEntry(**{**values, "downstream_remote": CLIENT, **fields})

    return tell


@pytest.fixture
def open_call(record, decision):
    return record(decision(None, None, cluster=None, undetermined=("envoy-filter",)))


def settled(call, shop, *entries):
    (found,) = with_logs([call], entries, shop())
    return found


def test_an_entry_of_the_calls_client_and_time_is_told(record, entry, shop) -> None:
    found = settled(record(), shop, entry(code=503, flags="UF,XX"))

    said = f"has 503, UF: the upstream connection failed; XX, cluster {REVIEWS}"
    assert found.after[-1].sentence == f"the access log of the client's proxy (e.log:1) {said}"


@pytest.mark.parametrize(
    "other", [{"start_ns": 9 * 10**9}, {"downstream_remote": "10.244.1.10:1"}, {"path": "/b"}, {"method": "PUT"}]
)
def test_an_entry_of_another_call_is_not(record, entry, shop, other) -> None:
    call = record()

    assert settled(call, shop, entry(**other)) == call


def test_a_request_id_joins_whatever_the_addresses(record, entry, shop) -> None:
    call = record(request_id="id-1")
    there = entry(request_id="id-1", downstream_remote="10.9.9.9:9", cluster="inbound|9080||", start_ns=9 * 10**9)

    assert "the server's proxy" in settled(call, shop, there).after[-1].sentence


def test_each_entry_is_given_to_one_call(record, entry, shop) -> None:
    first, second = with_logs([record(), record(id="2", request=2)], [entry()], shop())

    assert (len(first.after), len(second.after)) == (1, 0)


def test_a_sidecars_own_connection_is_found_by_its_address(record, entry, shop) -> None:
    sealed = record(method=None, path=None, client=Endpoint("10.244.1.10", 40001))

    assert settled(sealed, shop, entry(upstream_local="10.244.1.10:40001")).after


@pytest.mark.parametrize(
    ("fields", "end"),
    [
        ({}, ("service-matched", "service")),
        ({"cluster": "PassthroughCluster"}, ("passthrough", "passthrough-cluster")),
        ({"cluster": "BlackHoleCluster", "flags": "UH"}, ("dropped", "black-hole")),
        ({"cluster": "", "flags": "NR", "code": 404}, ("dropped", "no-route")),
        ({"flags": "UH", "code": 503}, ("dropped", "no-healthy-upstream")),
        ({"cluster": "", "route": "block_all", "code": 502}, ("dropped", "block-all")),
        ({"details": "rbac_access_denied_matched_policy[none]", "code": 403}, ("dropped", "authorization")),
    ],
)
def test_what_the_packets_leave_open_the_log_settles(open_call, entry, shop, fields, end) -> None:
    decision = settled(open_call, shop, entry(**fields)).decision

    assert (decision.verdict, decision.reason, decision.undetermined) == (*end, ())


def test_an_unknown_cluster_settles_nothing(open_call, entry, shop) -> None:
    assert settled(open_call, shop, entry(cluster="outbound|1||nobody.example")).decision == open_call.decision


def test_the_servers_log_settles_a_refusal(open_call, entry, shop) -> None:
    leg = Leg("sidecar-to-upstream", "a.pcap", Endpoint("10.244.1.10", 40001), Endpoint("10.244.1.11", 9080), 1, 2)
    call = replace(open_call, legs=(leg,))
    refused = entry(cluster="inbound|9080||", details="rbac_access_denied", downstream_remote="10.244.1.10:40001")

    assert settled(call, shop, refused).decision.reason == "authorization"


def test_a_log_that_names_another_cluster_disagrees(record, entry, shop) -> None:
    observed = settled(record(observed=Observed(agrees=True)), shop, entry(cluster="outbound|80||other")).observed

    assert (observed.agrees, "e.log:1" in observed.why, REVIEWS in observed.why) == (False, True, True)


def test_a_log_that_names_the_cluster_agrees_where_the_packets_could_not_tell(record, entry, shop) -> None:
    assert settled(record(), shop, entry()).observed.agrees is True


def test_the_line_of_an_opaque_connection_is_about_each_of_its_calls(record, entry, shop) -> None:
    line = entry(method="", path="", code=0)

    calls = with_logs([record(), record(id="2", request=2)], [line], shop())

    assert [len(call.after) for call in calls] == [1, 1]


def test_a_path_that_was_normalised_before_it_was_logged_is_the_same(record, entry, shop) -> None:
    call = record(path="http://reviews/a/../b%2Fc")

    assert settled(call, shop, entry(path="/b/c")).after
