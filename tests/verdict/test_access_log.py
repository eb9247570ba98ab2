"""Envoy's access logs as people have them: Istio's text, Envoy's own, JSON, and lines of something else between."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.errors import UsageError
from analyzer.verdict.access_log import read_access_log

ISTIO = (
    '[2026-11-21T01:33:51.500Z] "GET /a HTTP/1.1" 503 UF,URX upstream_reset{connection_failure} '
    '- "TLS error" 0 91 12 - "-" "curl/8" "id-1" "reviews:9080" "10.244.1.11:9080" '
    "outbound|9080||reviews.shop.svc.cluster.local; 10.244.1.10:40001 10.96.0.11:9080 10.244.1.10:50706 - default"
)
TCP = (
    '[2026-11-21T01:33:51Z] "- - -" 0 NR filter_chain_not_found - "-" 0 0 0 - "-" "-" "-" "-" "-" - - '
    "10.244.1.11:9999 10.244.1.10:50707 - -"
)
ENVOY = '[2026-11-21T01:33:51Z] "POST /b HTTP/2" 200 - 5 7 3 2 "-" "grpc" "id-2" "quotes:9001" "10.244.1.12:9001"'
JSON = json.dumps(
    {
        "start_time": "2026-11-21T01:33:51.500Z", "method": "GET", "path": "/a", "response_code": 403,
        "response_flags": "-", "response_code_details": "rbac_access_denied_matched_policy[none]",
        "request_id": "id-3", "upstream_cluster": "inbound|9080||", "downstream_remote_address": "10.244.1.10:40001",
        "bytes_sent": 19,
    }
)  # fmt: skip


def test_istios_format_is_read() -> None:
    (entry,) = read_access_log([ISTIO], "envoy.log")

    assert (entry.place, entry.start_ns, entry.code, entry.flags) == (
        "envoy.log:1", 1_795_224_831_500_000_000, 503, "UF,URX",
    )  # fmt: skip
    assert (entry.method, entry.path, entry.request_id, entry.authority) == ("GET", "/a", "id-1", "reviews:9080")
    assert entry.cluster == "outbound|9080||reviews.shop.svc.cluster.local"
    assert (entry.upstream_local, entry.downstream_remote, entry.route) == (
        "10.244.1.10:40001", "10.244.1.10:50706", "default",
    )  # fmt: skip


def test_a_connection_has_no_request() -> None:
    (entry,) = read_access_log([TCP], "envoy.log")

    assert (entry.method, entry.path, entry.flags, entry.details) == ("", "", "NR", "filter_chain_not_found")
    assert entry.downstream_remote == "10.244.1.10:50707"


def test_envoys_own_format_is_read() -> None:
    (entry,) = read_access_log([ENVOY], "envoy.log")

    assert (entry.code, entry.request_id, entry.upstream_host, entry.cluster) == (200, "id-2", "10.244.1.12:9001", "")


def test_json_is_read() -> None:
    (entry,) = read_access_log([JSON], "envoy.log")

    assert (entry.code, entry.inbound, entry.flags) == (403, True, "")
    assert entry.details.startswith("rbac_access_denied")


def test_other_lines_are_left_out_and_numbers_stay() -> None:
    lines = ["2026-11-21 info\tEnvoy proxy is ready", "{broken", "[]", '{"start_time": 3}', "2026 stdout F " + ISTIO]

    assert [entry.place for entry in read_access_log(lines, "x.log")] == ["x.log:5"]


def test_a_file_without_any_is_no_log() -> None:
    with pytest.raises(UsageError, match=r"x.log: found no line of an Envoy access log"):
        read_access_log(["hello"], "x.log")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.text(max_size=200), st.text(max_size=60).map(lambda t: ISTIO.replace("503", t)))))
def test_any_text_gives_entries_or_none(lines) -> None:
    assert len(read_access_log([*lines, ISTIO], "x.log")) >= 1
