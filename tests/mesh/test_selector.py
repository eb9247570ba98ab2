"""Label selectors."""

from __future__ import annotations

import pytest

from analyzer.mesh.resource import Node
from analyzer.mesh.selector import labels_match, parse_label_selector
from analyzer.mesh.source import read_documents


def selector(text: str):
    value = next(read_documents(text, "f", []))
    return parse_label_selector(Node("f", value, value, (), []))


def test_every_label_of_a_selector_must_be_there() -> None:
    assert labels_match({"a": "1"}, {"a": "1", "b": "2"})
    assert not labels_match({"a": "1", "b": "3"}, {"a": "1", "b": "2"})


def test_an_empty_selector_matches_everything() -> None:
    assert labels_match({}, {})
    assert selector("{}").matches({"a": "b"})


@pytest.mark.parametrize(
    ("expression", "labels", "matches"),
    [
        ("{key: a, operator: In, values: [x, y]}", {"a": "y"}, True),
        ("{key: a, operator: In, values: [x]}", {}, False),
        ("{key: a, operator: NotIn, values: [x]}", {"a": "x"}, False),
        ("{key: a, operator: NotIn, values: [x]}", {}, True),
        ("{key: a, operator: Exists}", {"a": ""}, True),
        ("{key: a, operator: DoesNotExist}", {"a": ""}, False),
        ("{key: a, operator: Like, values: [x]}", {"a": "x"}, False),
    ],
)
def test_expressions_hold_as_kubernetes_says(expression: str, labels: dict, matches: bool) -> None:
    assert selector(f"matchExpressions: [{expression}]").matches(labels) is matches


def test_labels_and_expressions_must_both_hold() -> None:
    both = selector("{matchLabels: {a: b}, matchExpressions: [{key: c, operator: Exists}]}")
    assert both.matches({"a": "b", "c": "d"})
    assert not both.matches({"a": "b"})
