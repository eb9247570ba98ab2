"""The machine-readable record is the documented one, inert, and equal for equal input."""

from __future__ import annotations

import json
import re

import pytest

from analyzer.report import as_json
from analyzer.report.as_json import render_json, render_jsonl

RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
CALL_FIELDS = {
    "id", "captures", "packets", "pod", "client", "server", "request", "protocol", "verdict", "reason", "undetermined",
    "outbound", "gateway", "inbound", "observed", "legs", "evidence",
}  # fmt: skip


def lines(analysis):
    return [json.loads(line) for line in b"".join(render_jsonl(analysis)).splitlines()]


def calls(analysis):
    return [line for line in lines(analysis) if line["kind"] == "call"]


def test_the_first_key_of_every_line_is_its_kind(shop):
    kinds = [next(iter(line.items())) for line in lines(shop)]
    assert [kind for key, kind in kinds if key == "kind"] == (
        ["run"] + ["capture"] * 2 + ["call"] * 11 + ["flow"] * 11 + ["finding"] * 3
    )


def test_every_call_has_every_documented_field(shop):
    assert all(call.keys() >= CALL_FIELDS for call in calls(shop))


def test_only_calls_are_found_by_their_client(shop):
    assert {line["kind"] for line in lines(shop) if "client" in line} == {"call"}


def test_names_that_were_not_sent_are_absent(shop):
    tcp = calls(shop)[7]
    assert not tcp.keys() & {"host", "method", "path", "sni", "alpn"}


def test_a_service_call_says_both_sides_in_envoys_words(shop):
    call = calls(shop)[0]
    assert call["outbound"] == {
        "listener": "0.0.0.0_9080", "filter_chain": "0.0.0.0_9080", "route_config": "9080",
        "virtual_host": "reviews.shop.svc.cluster.local:9080", "route": "default",
        "cluster": "outbound|9080||reviews.shop.svc.cluster.local", "response": None,
    }  # fmt: skip
    assert call["inbound"] == {
        "pod": "shop/reviews-0", "filter_chain": "9080", "cluster": "inbound|9080||", "mtls": True, "response": None,
    }  # fmt: skip
    assert call["gateway"] is None


def test_packets_are_first_and_last_by_capture(shop):
    assert calls(shop)[0]["packets"] == {"shop_web-0.any.pcap": [11, 20]}


def test_a_gateway_says_its_pod(shop):
    gateway = calls(shop)[8]["gateway"]
    assert (gateway["pod"], gateway["cluster"]) == (
        "istio-system/istio-ingressgateway-0",
        "outbound|80||web.shop.svc.cluster.local",
    )


def test_weights_list_the_clusters_and_no_verdict(shop):
    call = calls(shop)[9]
    assert (call["verdict"], call["undetermined"], call["outbound"]["cluster"]) == (None, ["weighted"], None)
    assert [choice["weight"] for choice in call["outbound"]["clusters"]] == [90, 10]


def test_a_local_answer_has_code_and_flag(shop):
    assert calls(shop)[4]["outbound"]["response"] == {"code": 404, "flag": "NR"}


def test_observed_says_whether_it_agrees_and_why_not(shop):
    observed = calls(shop)[3]["observed"]
    assert (observed["agrees"], observed["closed_by"], observed["why"]) == (False, "server", shop.calls[3].observed.why)


def test_evidence_cites_packets_and_yaml_lines(shop):
    step = calls(shop)[4]["evidence"][2]
    assert step["packets"] == {"shop_web-0.any.pcap": [56, 57, 58, 61]}
    assert step["yaml"] == ["mesh/routes.yaml:44", "mesh/routes.yaml:52"]
    assert step["lost"][0] == {"name": "v2", "why": "the path has not the prefix /v2", "yaml": ["mesh/routes.yaml:44"]}


def test_a_leg_has_an_sni_only_where_there_is_one(shop):
    app, wire, _ = calls(shop)[0]["legs"]
    assert "sni" not in app
    assert (wire["role"], wire["certain"], wire["sni"]) == ("sidecar-to-upstream", True, "outbound_.9080_._.reviews")


def test_the_whole_run_is_one_object_with_the_same_records(shop):
    whole = json.loads(b"".join(render_json(shop)))
    assert list(whole) == ["run", "captures", "calls", "flows", "findings"]
    assert [{"kind": "call", **call} for call in whole["calls"]] == calls(shop)


def test_a_run_of_nothing_is_still_valid(empty):
    assert json.loads(b"".join(render_json(empty)))["calls"] == []
    assert [line["kind"] for line in lines(empty)] == ["run"]


def test_without_mesh_every_call_is_there_with_what_is_missing(bare):
    call = calls(bare)[0]
    assert (call["verdict"], call["undetermined"]) == (None, ["no-mesh"])


def test_totals_count_calls_by_verdict(shop):
    run = lines(shop)[0]
    assert run["verdicts"] == {"service-matched": 5, "headless-matched": 1, "passthrough": 1, "dropped": 2}
    assert run["undetermined"] == 2


def test_hostile_names_stay_equal_but_never_raw(hostile, hostile_names):
    text = b"".join(render_jsonl(hostile)).decode()
    assert not RAW.search(text)
    sent = [name.replace("\ud800", r"\ud800").replace("\udcff", r"\xff") for name in hostile_names]
    assert [call["host"] for call in calls(hostile)] == sent


def test_each_record_is_one_line(hostile):
    records = 1 + len(hostile.captures) + len(hostile.calls) + len(hostile.flows) + len(hostile.findings)
    assert b"".join(render_jsonl(hostile)).count(b"\n") == len(lines(hostile)) == records


def test_a_secret_is_shown_only_to_who_asks_for_it(shop):
    assert b"CANARY" not in b"".join(render_jsonl(shop)) + b"".join(render_json(shop))
    assert b"CANARY" in b"".join(render_jsonl(shop, redact=False))


def test_the_same_run_gives_the_same_bytes(many):
    assert b"".join(render_jsonl(many(50))) == b"".join(render_jsonl(many(50)))


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_the_lines_are_the_same_whoever_writes_them(shop, monkeypatch, jobs) -> None:
    monkeypatch.setattr(as_json, "SHARED_CALLS", 1)

    assert b"".join(render_jsonl(shop, jobs=jobs)) == b"".join(render_jsonl(shop))
