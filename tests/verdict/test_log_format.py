"""Formats of access logs that a MeshConfig sets: what their operators stand for, and what cannot be known."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.mesh.load import parse_mesh
from analyzer.verdict.access_log import read_access_log
from analyzer.verdict.log_format import log_formats

TEXT = (
    "%START_TIME% src=%DOWNSTREAM_REMOTE_ADDRESS% \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH):64%\" "
    "code=%RESPONSE_CODE% id=%REQ(X-REQUEST-ID)% agent=%REQ(USER-AGENT)% to=%UPSTREAM_CLUSTER_RAW%"
)  # fmt: skip
LINE = (
    '2026-11-21T01:33:51.500Z src=10.244.1.10:50706 "GET /a" code=503 id=id-1 agent=a b=c '
    "to=outbound|9080||reviews.shop.svc.cluster.local\n"
)
KEYS = {
    "when": "%START_TIME%", "who": "%DOWNSTREAM_REMOTE_ADDRESS%", "code": "%RESPONSE_CODE%",
    "how": "%REQ(:METHOD)% %PATH%",
    "where": "%UPSTREAM_CLUSTER%",
}  # fmt: skip


def formats_of(**settings_):
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "istio", "namespace": "istio-system"}}
    mesh = parse_mesh(json.dumps({**config, "data": {"mesh": json.dumps(settings_)}}))
    return log_formats(mesh.config.node)


def test_a_text_is_read_by_its_operators() -> None:
    (entry,) = read_access_log([LINE], "x.log", formats_of(accessLogFormat=TEXT + "\n"))

    assert (entry.start_ns, entry.code, entry.request_id) == (1_795_224_831_500_000_000, 503, "id-1")
    assert (entry.method, entry.path, entry.downstream_remote) == ("GET", "/a", "10.244.1.10:50706")
    assert entry.cluster == "outbound|9080||reviews.shop.svc.cluster.local"


@pytest.mark.parametrize(
    "where",
    [
        {"accessLogFormat": json.dumps(KEYS)},
        {"extensionProviders": [{"name": "file", "envoyFileAccessLog": {"logFormat": {"labels": KEYS}}}]},
    ],
    ids=["own", "provider"],
)
def test_json_is_read_by_its_keys(where) -> None:
    line = {"when": "2026-11-21T01:33:51Z", "who": "10.244.1.10:5", "code": 404, "how": "GET /", "where": "-"}

    (entry,) = read_access_log([json.dumps(line)], "x.log", formats_of(**where))

    assert (entry.code, entry.downstream_remote, entry.method, entry.cluster) == (404, "10.244.1.10:5", "", "")


def test_a_provider_may_set_a_text() -> None:
    provider = {"name": "file", "envoyFileAccessLog": {"logFormat": {"text": TEXT}}}

    assert formats_of(extensionProviders=[provider]) == formats_of(accessLogFormat=TEXT)


@pytest.mark.parametrize(
    "text",
    [
        "", "hello", "%START_TIME% %RESPONSE_CODE%", "%DOWNSTREAM_REMOTE_ADDRESS% %RESPONSE_CODE%",
        "%START_TIME%%DOWNSTREAM_REMOTE_ADDRESS%", "%START_TIME(%d.%m. %H:%M)% %REQ(X-REQUEST-ID)%",
        "{broken", '{"a": 3}',
    ],
)  # fmt: skip
def test_a_format_that_says_neither_when_nor_of_whom_is_none(text) -> None:
    assert formats_of(accessLogFormat=text) == ()


@pytest.mark.parametrize(
    ("written", "said"), [("%s.%3f", "1795224831.5"), ("%Y-%m-%dT%H:%M:%S.%3fZ", "2026-11-21T01:33:51.500Z")]
)
def test_a_time_may_be_written_in_other_ways(written, said) -> None:
    (form,) = formats_of(accessLogFormat=f"%START_TIME({written})% %REQ(X-REQUEST-ID)%")

    assert read_access_log([f"{said} id-1"], "x.log", [form])[0].start_ns == 1_795_224_831_500_000_000


def test_the_usual_formats_are_read_beside_it() -> None:
    usual = '[2026-11-21T01:33:51Z] "POST /b HTTP/2" 200 - 5 7 3 2 "-" "grpc" "id-2" "quotes:9001" "10.244.1.12:9001"'

    entries = read_access_log([LINE, usual, "{}", "[]"], "x.log", formats_of(accessLogFormat=TEXT))

    assert [entry.request_id for entry in entries] == ["id-1", "id-2"]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=120), st.text(max_size=200))
def test_any_format_and_line_are_taken(form, line) -> None:
    for each in formats_of(accessLogFormat=f"%START_TIME% {form} %REQ(X-REQUEST-ID)%"):
        fields = each.fields_of(line)
        assert fields is None or all(isinstance(value, str) for value in fields.values())
