"""YAML as maps and lists that know their places, and what hostile YAML comes to."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.mesh import source
from analyzer.mesh.source import YamlList, YamlMap, YamlText, plain_value, read_documents


def read(text: str) -> tuple[list, list]:
    oddities: list = []
    return list(read_documents(text, "f.yaml", oddities)), oddities


def one(text: str):
    documents, oddities = read(text)
    assert not oddities
    return documents[0]


def test_keys_and_items_know_their_line_and_column() -> None:
    document = one("a: 1\nb:\n  - x\n  - {c: 2}\n")
    assert document.places == {"a": (1, 1), "b": (2, 1)}
    assert document["b"].places == [(3, 5), (4, 5)]
    assert document["b"][1].places == {"c": (4, 6)}


def test_collections_know_where_they_begin() -> None:
    document = one("a:\n  b: [1]\n")
    assert (document.line, document.column) == (1, 1)
    assert (document["a"].line, document["a"].column) == (2, 3)
    assert isinstance(document["a"]["b"], YamlList)


def test_json_is_read_as_yaml() -> None:
    assert one('{"a": [1, true, null, "x"]}') == {"a": [1, True, None, "x"]}


def test_several_documents_of_a_file_are_read_in_order() -> None:
    documents, _ = read("a: 1\n---\nb: 2\n---\n")
    assert documents == [{"a": 1}, {"b": 2}, None]


def test_a_byte_order_mark_is_skipped() -> None:
    assert one("\ufeffa: 1") == {"a": 1}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("yes", "yes"), ("0800", "0800"), ("1_000", "1_000"), ("1:30", "1:30"), (".inf", ".inf"),
        ("2026-01-03T21:00:00Z", "2026-01-03T21:00:00Z"), ("null", None), ("~", None), ("", None), ("True", True),
        ("false", False), ("0", 0), ("-12", -12), ("1.5", 1.5), ("1e3", "1e3"), ("9" * 40, "9" * 40), ("-", "-"),
    ],
)  # fmt: skip
def test_plain_scalars_follow_the_core_schema(text: str, value: object) -> None:
    assert plain_value(text) == value
    assert type(plain_value(text)) is type(value)


def test_quoted_scalars_and_tagged_ones_stay_text() -> None:
    assert one("a: '1'\nb: !!str 2\nc: !!python/object:os.system x\n") == {"a": "1", "b": "2", "c": "x"}


def test_a_block_scalar_knows_the_line_of_its_text() -> None:
    text = one("a: 1\nmesh: |\n  x: y\n")["mesh"]
    assert isinstance(text, YamlText)
    assert (text, text.line) == ("x: y\n", 3)


def test_an_alias_stands_for_what_its_anchor_holds() -> None:
    assert one("a: &x {k: v}\nb: *x\n? &k key\n: 1\n") == {"a": {"k": "v"}, "b": {"k": "v"}, "key": 1}


def test_a_merge_key_fills_in_what_is_missing() -> None:
    document = one("base: &b {k: 1, l: 2}\na: {<<: *b, l: 3}\nc: {l: 3, <<: [*b]}\n")
    assert document["a"] == {"k": 1, "l": 3}
    assert document["c"] == {"k": 1, "l": 3}


def test_an_alias_may_be_a_key() -> None:
    assert one("a: &x name\n*x : 1\n") == {"a": "name", "name": 1}


def test_a_duplicate_key_is_told_and_the_last_one_counts() -> None:
    documents, oddities = read("a: 1\na: 2\n")
    assert documents == [{"a": 2}]
    assert str(oddities[0]).startswith("f.yaml:2:1: key 'a' stands here for the second time (first on line 1)")


@pytest.mark.parametrize("text", ["? [a]\n: 1\n", "? {a: b}\n: 1\n", "a: &l [x]\n*l : 1\n"])
def test_a_key_that_is_no_text_is_left_out_and_told(text: str) -> None:
    documents, oddities = read(text)
    assert 1 not in documents[0].values()
    assert [each.code.name for each in oddities] == ["yaml-odd-key"]


def test_a_document_that_does_not_parse_is_told_with_its_place_and_the_rest_is_read() -> None:
    documents, oddities = read("ok: 1\n---\nbad: [1\n---\nok: 2\n")
    assert documents == [{"ok": 1}, {"ok": 2}]
    assert [each.code for each in oddities] == [source.YAML_SYNTAX]
    assert oddities[0].place.line == 4


def test_control_characters_are_told_and_the_rest_is_read() -> None:
    documents, oddities = read("a: b\n\x00\n---\nok: 1\n")
    assert documents[-1] == {"ok": 1}
    assert (oddities[0].place.line, oddities[0].place.column) == (2, 1)


def test_places_count_from_the_first_line_that_is_given() -> None:
    oddities: list = []
    documents = list(read_documents("a: 1\nb: [\n---\nc: 1\n", "f", oddities, first_line=10))
    assert documents[-1].places == {"c": (13, 1)}
    assert oddities[0].place.line == 12


def test_an_alias_to_nothing_is_a_syntax_error() -> None:
    _, oddities = read("a: *x\n")
    assert str(oddities[0]) == "f.yaml:1:4: the YAML does not parse: alias *x stands for nothing before it"


def test_an_alias_to_its_own_collection_is_a_syntax_error() -> None:
    _, oddities = read("a: &x [*x]\n")
    assert oddities[0].code is source.YAML_SYNTAX


def test_a_bomb_of_aliases_is_refused() -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    documents, oddities = read("\n".join(lines) + "\n---\nok: 1\n")
    assert documents == [{"ok": 1}]
    assert [each.code for each in oddities] == [source.YAML_TOO_LARGE]


def test_nesting_without_end_is_refused() -> None:
    documents, oddities = read("[" * 10_000)
    assert documents == []
    assert "nesting exceeds the limit of 100" in str(oddities[0])


def test_too_many_nodes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_NODES", 5)
    _, oddities = read("a: [1, 2, 3, 4, 5]\n")
    assert "number of nodes exceeds the limit of 5" in str(oddities[0])


def test_a_file_of_broken_documents_is_left_after_a_while() -> None:
    _, oddities = read("--- [\n" * 100)
    assert len(oddities) == source.MAX_BROKEN_DOCUMENTS


def test_a_scalar_document_is_given_as_it_is() -> None:
    assert one("hello") == "hello"


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_any_text_gives_documents_or_oddities(text: str) -> None:
    documents, oddities = read(text)
    assert all(each is None or isinstance(each, str | int | float | bool | YamlMap | YamlList) for each in documents)
    assert all(each.place.line >= 1 for each in oddities)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=100, deadline=None)
@given(_VALUES)
def test_what_a_json_writer_writes_is_read_back(value: object) -> None:
    import json

    assert one(json.dumps(value)) == value


@pytest.mark.parametrize("text", ["a: \ud9f0x\n---\nb: 1\n", "\udc9e"])
def test_half_a_character_is_read_as_an_unknown_one(text) -> None:
    documents, oddities = read(text)

    assert oddities == []
    assert "\ufffd" in str(documents[0])
