"""A run that was written is the same run when it is read back."""

from __future__ import annotations

import contextlib
import json

import pytest

from analyzer.base.errors import UsageError
from analyzer.report.as_json import render_json, render_jsonl
from analyzer.report.from_json import read_run

RENDERERS = {"json": render_json, "jsonl": render_jsonl}


@pytest.fixture(params=sorted(RENDERERS))
def saved(request, tmp_path):
    """A function that saves a run in either format and reads it back."""

    def back(analysis, **options):
        path = tmp_path / "run"
        path.write_bytes(b"".join(RENDERERS[request.param](analysis, **options)))
        return read_run(path)

    return back


@pytest.mark.parametrize("run", ["shop", "bare", "empty"])
def test_every_call_is_read_back_as_it_was_written(saved, request, run) -> None:
    analysis = request.getfixturevalue(run)

    assert saved(analysis, redact=False).calls == analysis.calls


def test_what_is_written_again_is_the_same(saved, shop) -> None:
    again = saved(shop)

    assert [line for line in b"".join(render_jsonl(again)).splitlines() if b'"kind":"call"' in line] == [
        line for line in b"".join(render_jsonl(shop)).splitlines() if b'"kind":"call"' in line
    ]


def test_only_the_calls_are_read(saved, shop) -> None:
    found = saved(shop)

    assert (found.flows, found.findings, found.captures, found.mesh) == ((), (), (), None)


def test_hostile_text_is_read_back_without_harm(saved, hostile) -> None:
    """Text that UTF-8 cannot carry was made visible when it was written; all other text is the same."""
    found = saved(hostile, redact=False)

    for read, written in zip(found.calls, hostile.calls, strict=True):
        assert read.id == written.id
        if not any("\ud800" <= character <= "\udfff" for character in written.host):
            assert (read.host, read.path, read.observed.why) == (written.host, written.path, written.observed.why)


def test_fields_that_were_not_sent_are_none(saved, bare) -> None:
    (call,) = saved(bare).calls

    assert (call.sni, call.alpn) == (None, ())


def test_fields_that_are_not_documented_may_be_missing(tmp_path, shop) -> None:
    documented = json.loads(
        next(line for line in b"".join(render_jsonl(shop)).splitlines() if b'"kind":"call"' in line)
    )
    for name in ("server_pod", "first_ns", "last_ns", "uid", "community_id", "conn_state", "history", "time"):
        documented.pop(name)
    path = tmp_path / "run.jsonl"
    path.write_text(json.dumps(documented))

    (call,) = read_run(path).calls

    assert (call.server_pod, call.first_ns, call.uid) == (None, 0, "")


def test_lines_of_other_kinds_may_stand_between(tmp_path, shop) -> None:
    lines = [b'{"kind": "of-the-future"}\n', b"\n", *render_jsonl(shop)]
    path = tmp_path / "run.jsonl"
    path.write_bytes(b"".join(lines))

    assert len(read_run(path).calls) == len(shop.calls)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json at all",
        "[]",
        "7",
        '"text"',
        "{}",
        '{"run": {}}',
        '{"run": {}, "calls": 7}',
        '{"run": {}, "calls": [7]}',
        '{"run": {}, "calls": [{}]}',
        '{"kind": "call"}',
        '{"kind": "call", "id": "1", "captures": [], "packets": {"a": 7}}',
        "[" * 100_000,
        '{"run":' + "[" * 100_000,
        "\ufeff{}",
    ],
)
def test_a_file_that_is_no_run_is_a_matter_of_usage(tmp_path, text) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)

    with pytest.raises(
        UsageError, match=r"other\.json: found no run .*; expected the output of analyze -o json or jsonl"
    ):
        read_run(path)


def test_a_file_that_is_not_there_is_a_matter_of_usage(tmp_path) -> None:
    with pytest.raises(UsageError, match=r"gone\.json: No such file or directory"):
        read_run(tmp_path / "gone.json")


def test_a_folder_is_a_matter_of_usage(tmp_path) -> None:
    with pytest.raises(UsageError, match="Is a directory"):
        read_run(tmp_path)


def places(value, way=()):
    """The way to everything that a document holds."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*way, key)
        yield from places(inner, (*way, key))


def put(document, way, value):
    *before, last = way
    for step in before:
        document = document[step]
    document[last] = value


def test_a_run_that_somebody_changed_is_refused_or_can_be_written_again(tmp_path, shop) -> None:
    """Any value of another type, anywhere in a call."""
    line = next(line for line in b"".join(render_jsonl(shop)).splitlines() if b'"kind":"call"' in line)
    path = tmp_path / "run.jsonl"
    for way in places(json.loads(line)):
        for junk in (None, 7, "x", [7], {"ip": 7}):
            changed = json.loads(line)
            put(changed, way, junk)
            path.write_text(json.dumps(changed))
            with contextlib.suppress(UsageError):
                assert list(render_jsonl(read_run(path)))
