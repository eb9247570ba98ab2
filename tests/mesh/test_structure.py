"""Two documents laid over each other: what differs, where it stands, and going back."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.mesh.source import YamlMap, read_documents
from analyzer.mesh.structure import ABSENT, MAX_ALIGNED_ITEMS, compare_documents, narrowed


def document(text: str):
    (read,) = read_documents(text, "a.yaml", [])
    return read


def differences(old: str, new: str):
    return compare_documents(document(old), document(new)).differences


def test_equal_documents_do_not_differ() -> None:
    assert differences("a: {b: [1, 2]}", "a:\n  b:\n  - 1\n  - 2") == ()


def test_a_value_that_changed_is_one_difference() -> None:
    (found,) = differences("spec: {mode: A, other: 1}", "spec: {mode: B, other: 1}")

    assert (found.old, found.new, found.path, found.removed) == ("A", "B", ("spec", "mode"), False)


def test_a_boolean_is_no_number() -> None:
    assert len(differences("a: 1", "a: true")) == 1


def test_what_is_new_stands_in_the_new_document_and_what_is_gone_in_the_old_one() -> None:
    gone, come = differences("a: 1\nb: 2", "a: 1\nc: 3")[::-1]

    assert (gone.path, gone.new, gone.removed) == (("b",), ABSENT, True)
    assert (come.path, come.old, come.removed) == (("c",), ABSENT, False)


def test_a_key_that_became_null_lost_its_value() -> None:
    (found,) = differences("hosts: [a]", "hosts:")

    assert found.removed


def test_an_item_put_before_others_leaves_them_as_they_are() -> None:
    (found,) = differences("[b, c, d]", "[a, b, c, d]")

    assert (found.new, found.path) == ("a", (0,))


def test_items_of_two_edits_are_aligned() -> None:
    found = differences("[a, b, c, d, e]", "[a, x, c, e]")

    assert [(each.old, each.new) for each in found] == [("b", "x"), ("d", ABSENT)]


def test_long_lists_that_differ_are_compared_place_by_place() -> None:
    old, new = (list(range(n, n + MAX_ALIGNED_ITEMS + 1)) for n in (0, 1))

    assert len(differences(str(old), str(new))) == MAX_ALIGNED_ITEMS + 1


def test_reverting_all_gives_the_old_document() -> None:
    old, new = document("a: [1, {b: 2}]\nc: 3"), document("a: [{b: 5}, 7, 8]\nd: 4")
    comparison = compare_documents(old, new)

    assert comparison.merged(set(comparison.differences)) == old
    assert comparison.merged(()) == new


def test_reverting_one_leaves_the_others() -> None:
    comparison = compare_documents(document("a: 1\nb: 2"), document("a: 5\nb: 6"))

    assert comparison.merged({comparison.differences[0]}) == {"a": 1, "b": 6}


def test_a_merged_document_knows_where_its_keys_stand() -> None:
    comparison = compare_documents(document("a: 1\n\nb: {c: [2]}"), document("a: 5"))

    merged = comparison.merged(set(comparison.differences))

    assert isinstance(merged, YamlMap)
    assert merged.places == {"a": (1, 1), "b": (3, 1)}


def test_a_single_way_down_is_followed_to_its_end() -> None:
    value = document("mtls:\n  modes:\n  - STRICT")

    assert narrowed(value, ("spec",)) == ("spec", "mtls", "modes", 0)
    assert narrowed(document("a: 1\nb: 2"), ("spec",)) == ("spec",)


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from("abc"),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=100, deadline=None)
@given(JSON_LIKE, JSON_LIKE)
def test_every_pair_of_documents_can_be_walked_both_ways(old, new) -> None:
    before, after = (document(f"{{v: {_flow(each)}}}") for each in (old, new))
    comparison = compare_documents(before, after)

    assert comparison.merged(set(comparison.differences)) == before
    assert comparison.merged(()) == after


def _flow(value) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return (
        {None: "null", True: "true", False: "false"}.get(value, str(value))
        if not isinstance(value, int) or isinstance(value, bool)
        else str(value)
    )
