"""Files of invented calls."""

from __future__ import annotations

import json

import pytest

from analyzer.base.errors import UsageError
from analyzer.verdict.calls_file import parse_calls

CALL = {"name": "n", "source": "shop/sleep-0", "address": "10.0.0.1", "port": 80}


def parse(*calls: dict):
    return parse_calls("\n".join(json.dumps(call) for call in calls).encode(), file="calls.jsonl")


def one(**more):
    return parse(CALL | more)[0].question


def test_json_lines_are_calls_with_defaults() -> None:
    (found,) = parse(CALL)
    question = found.question
    assert (found.name, question.namespace, question.pod) == ("n", "shop", "sleep-0")
    assert (question.direction, question.protocol, question.tls) == ("outbound", "http", "plaintext")
    assert (question.path, question.method, question.host, question.sni) == ("/", "GET", None, None)


def test_empty_lines_are_skipped() -> None:
    assert len(parse_calls(b"\n" + json.dumps(CALL).encode() + b"\n\n", file="f")) == 1


def test_a_yaml_list_is_calls_too() -> None:
    data = (
        b"- {name: a, source: s/x, address: 10.0.0.1, port: 80}\n- {name: b, source: s/y, address: 'fd::1', port: 81}\n"
    )
    assert [each.name for each in parse_calls(data, file="f")] == ["a", "b"]


def test_a_call_is_read_whole() -> None:
    question = one(
        direction="inbound", protocol="http2", tls="mtls", sni="s", alpn=["h2"], host="web", path="/x", method="PUT",
        headers={"X-User": "bob"},
    )  # fmt: skip
    assert (question.direction, question.protocol, question.tls, question.alpn) == ("inbound", "http2", "mtls", ("h2",))
    assert question.headers == (("x-user", "bob"),)


def test_an_absolute_target_is_the_question_that_a_capture_asks() -> None:
    question = one(host="web", path="https://other/x?y")
    assert (question.scheme, question.host, question.path) == ("https", "other", "/x?y")


def test_a_source_may_be_a_namespace_with_labels() -> None:
    question = one(source="shop", labels={"app": "web"})
    assert (question.namespace, question.pod, question.labels) == ("shop", None, {"app": "web"})


def test_a_name_may_be_a_number() -> None:
    assert parse(CALL | {"name": 7})[0].name == "7"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": ""}, "source: found '', expected text"),
        ({"address": "web"}, "address: found 'web', expected an IP address"),
        ({"port": "80"}, "port: found '80', expected a number from 1 to 65535"),
        ({"port": 0}, "port: found 0"),
        ({"port": True}, "port: found True"),
        ({"direction": "up"}, "direction: found 'up', expected one of outbound"),
        ({"protocol": "h3"}, "protocol: found 'h3'"),
        ({"tls": 1}, "tls: found 1"),
        ({"alpn": "h2"}, "alpn: found 'h2'"),
        ({"headers": {"a": 1}}, "headers: found {'a': 1}, expected a mapping of texts"),
        ({"host": ["x"]}, "host: found ['x']"),
        ({"name": True}, "name: found True"),
    ],
)
def test_a_wrong_field_is_an_error_with_its_line(change: dict, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(CALL, CALL | change)
    assert str(caught.value).startswith(f"calls.jsonl:2: {message}")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "f:1: no JSON"),
        (b'{"a": ' * 2000, "f:1: no JSON"),
        (b"\xff", "f: byte 0 is not UTF-8"),
        (b"a: 1\n", "f: found no list of calls"),
        (b"- 1\n", "f:1: found int, expected a mapping"),
        (b"- {source: a/b\n", "f:2:1: the YAML does not parse"),
        (b"- {a: 1, a: 2}\n", "f:1: source: found None"),
    ],
)
def test_what_is_no_file_of_calls_is_an_error(data: bytes, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_calls(data, file="f")
    assert str(caught.value).startswith(message)


def test_an_empty_file_has_no_calls() -> None:
    assert parse_calls(b"", file="f") == []
