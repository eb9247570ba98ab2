"""Recorded ends: what they are, how they are read, and what differs from them."""

from __future__ import annotations

import pytest

from analyzer.base.errors import UsageError
from analyzer.report.as_expected import render_expected
from analyzer.verdict.check.expected import compare_recorded, parse_recorded, record_ends, recorded_object


def written(*calls) -> str:
    return b"".join(render_expected(record_ends(calls))).decode()


def cases(recorded_calls, *calls):
    recorded = parse_recorded(written(*recorded_calls), file="ends.yaml")
    return compare_recorded(recorded, calls, file="ends.yaml")


def test_what_was_recorded_is_read_back(record, no_route, decision) -> None:
    unknown = record(decision(None, None, cluster=None, undetermined=("weighted",)), host="c")
    calls = [record(), record(), record(no_route, host="b"), unknown]

    back = parse_recorded(written(*calls), file="ends.yaml")

    assert [(each.key, each.ends) for each in back] == [(each.key, each.ends) for each in record_ends(calls)]


def test_an_object_says_only_what_there_is(record) -> None:
    (recorded,) = record_ends([record(method=None, path=None)])

    assert recorded_object(recorded) == {
        "from": "shop/sleep-0",
        "to": "reviews",
        "protocol": "http/1.1",
        "ends": [
            {"verdict": "service-matched", "cluster": "outbound|9080||reviews.shop.svc.cluster.local", "calls": 1}
        ],
    }


def test_the_same_calls_hold_however_many_there_are(record) -> None:
    (case,) = cases([record()], record(), record())

    assert (case.passed, case.name) == (True, "shop/sleep-0 → reviews GET /")


def test_a_call_that_ends_otherwise_is_told_with_both_ends(record, no_route) -> None:
    (case,) = cases([record()], record(no_route, id="7"))

    assert not case.passed
    assert case.expected.startswith("service-matched · outbound|9080||reviews")
    assert (case.got, case.blame.calls) == ("dropped · 404 NR", ("7",))
    assert case.place.file_line == "ends.yaml:2"


def test_a_call_that_is_gone_and_one_that_is_new_are_told(record) -> None:
    gone, new = cases([record()], record(host="ratings"))

    assert (gone.got, gone.passed) == ("no such call", False)
    assert (new.expected, new.passed, new.place.line) == ("no such call", False, 1)


def test_an_end_that_no_call_has_any_more_is_told(record, no_route) -> None:
    (case,) = cases([record(), record(no_route)], record())

    assert not case.passed
    assert case.blame.calls == ()


def test_a_tcp_connection_is_named_by_its_protocol(record) -> None:
    (case,) = cases([], record(protocol="tcp", method=None, path=None, host=None))

    assert case.name == "shop/sleep-0 → 10.96.0.11:9080 tcp"


def test_secrets_are_not_recorded(record) -> None:
    text = written(record(host="user:hunter2@reviews", path="/reset/0123456789abcdef0123?access_token=hunter2"))

    assert "hunter2" not in text


def test_what_came_from_the_wire_is_always_a_text_in_quotes(record) -> None:
    hostile = record(host="a: [b]\n- c", path="/x\u202e")

    back = parse_recorded(written(hostile), file="e")

    assert back[0].key.target == "a: [b]\n- c"


def test_nothing_is_recorded_of_nothing() -> None:
    assert parse_recorded(written(), file="e") == ()


def test_null_may_be_written_with_quotes_or_without() -> None:
    bare, quoted = (f"- from: a\n  ends: [{{verdict: {null}}}]" for null in ("null", '"null"'))

    assert parse_recorded(bare, file="e") == parse_recorded(quoted, file="e")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b", "found no list of calls"),
        ("- a", "e:1: found no mapping"),
        ("[a", "does not parse"),
        ("[]\n---\n[]", "found no list"),
        ("- from: 5", r"e:1:3 \(from\): found an integer, expected text"),
        ("- form: a", r"e:1:3 \(form\): found 'form', which means nothing here; is it 'from'\?"),
        ("- from: a\n  ends: [{verdit: dropped}]", r"found 'verdit', which means nothing here; is it 'verdict'\?"),
        ("- from: a\n  ends: [{verdict: droped}]", r"found 'droped', expected one of .*; is it 'dropped'\?"),
        ("- from: a\n  ends: [{calls: 1}]", r"found '', expected one of service-matched"),
    ],
)
def test_a_file_that_is_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_recorded(text, file="e")
