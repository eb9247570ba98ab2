"""Resources and the safe reading of their fields."""

from __future__ import annotations

import pytest

from analyzer.mesh.resource import Node, Resource, field_text, read_resource, type_name
from analyzer.mesh.source import YamlList, YamlMap, read_documents

TEXT = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  namespace: shop
  labels: {app: web, odd: 3}
  creationTimestamp: '2026-01-03T21:00:00Z'
spec:
  hosts: [reviews]
  http:
  - route:
    - destination: {host: reviews, subset: v9}
  - not: a list
"""


def resource(text: str = TEXT) -> tuple[Resource, list]:
    oddities: list = []
    document = next(read_documents(text, "reviews.yaml", oddities))
    return read_resource(document, "reviews.yaml", 0, oddities), oddities


def node(text: str) -> Node:
    found, _ = resource(f"kind: X\nmetadata: {{name: x}}\nspec: {text}\n")
    return found.spec


def complaints(of: Node) -> list[str]:
    return [str(each) for each in of.oddities]


def test_a_resource_knows_its_group_names_and_age() -> None:
    found, _ = resource()
    assert (found.group, found.version, found.kind) == ("networking.istio.io", "v1", "VirtualService")
    assert found.full_name == "shop/reviews"
    assert found.age_key == ("2026-01-03T21:00:00Z", "reviews", "shop")
    assert found.file == "reviews.yaml"


def test_the_place_of_a_field_is_its_line_column_and_path() -> None:
    found, _ = resource()
    place = found.place("spec", "http", 0, "route", 0, "destination", "subset")
    assert str(place) == "reviews.yaml:12:36 (spec.http[0].route[0].destination.subset)"


def test_a_field_that_is_absent_has_the_place_of_what_is_there() -> None:
    found, _ = resource()
    assert found.place("spec", "gateways", 3).line == 8
    assert found.place("spec", "http", 7).line == 10


def test_labels_of_another_type_are_left_out_and_told() -> None:
    found, oddities = resource()
    assert found.labels == {"app": "web"}
    assert str(oddities[0]) == "reviews.yaml:6:22 (metadata.labels.odd): found an integer, expected text"


def test_the_kind_of_a_typed_list_stands_in() -> None:
    found = read_resource(YamlMap(), "f", 3, [], kind="Pod")
    assert (found.kind, found.order, found.created) == ("Pod", 3, "")


def test_absent_mappings_chain() -> None:
    spec = node("{}")
    assert spec.node("a").node("b").text("c", "default") == "default"
    assert not spec.node("a")


@pytest.mark.parametrize(
    ("getter", "text", "value"),
    [
        ("text", "{k: v}", "v"),
        ("integer", "{k: 8}", 8),
        ("integer", "{k: '8'}", 8),
        ("port", "{k: 65535}", 65535),
        ("boolean", "{k: true}", True),
        ("texts", "{k: [a, b]}", ("a", "b")),
        ("address", "{k: 'FD::0:1'}", "fd::1"),
        ("addresses", "{k: ['FD::0:1', None]}", ("fd::1", "None")),
        ("integers", "{k: [1, 2]}", (1, 2)),
        ("mapping", "{k: {a: b}}", {"a": "b"}),
        ("optional_text", "{k: ''}", ""),
        ("optional_text", "{k: null}", None),
        ("text", "{}", ""),
        ("integer", "{}", 0),
        ("boolean", "{}", False),
        ("texts", "{}", ()),
        ("mapping", "{}", {}),
    ],
)
def test_getters_give_the_value_without_complaint(getter: str, text: str, value: object) -> None:
    spec = node(text)
    assert getattr(spec, getter)("k") == value
    assert complaints(spec) == []


@pytest.mark.parametrize(
    ("getter", "text", "value", "complaint"),
    [
        ("text", "{k: 1}", "", "(spec.k): found an integer, expected text"),
        ("integer", "{k: x}", 0, "(spec.k): found text, expected an integer"),
        ("integer", "{k: true}", 0, "(spec.k): found a boolean, expected an integer"),
        ("port", "{k: 99999}", 0, "(spec.k): found 99999, expected a port from 1 to 65535"),
        ("boolean", "{k: 'true'}", False, "(spec.k): found text, expected a boolean"),
        ("texts", "{k: x}", (), "(spec.k): found text, expected a sequence"),
        ("texts", "{k: [a, 1]}", ("a",), "(spec.k[1]): found an integer, expected text"),
        ("integers", "{k: [1, a]}", (1,), "(spec.k[1]): found text, expected an integer"),
        ("mapping", "{k: [a]}", {}, "(spec.k): found a sequence, expected a mapping"),
    ],
)
def test_a_wrong_type_is_told_with_its_place_and_read_as_absent(
    getter: str, text: str, value: object, complaint: str
) -> None:
    spec = node(text)
    assert getattr(spec, getter)("k") == value
    assert [each.partition(" ")[2] for each in complaints(spec)] == [complaint]


def test_items_that_are_no_mappings_are_left_out_and_told() -> None:
    spec = node("{k: [{a: b}, c]}")
    assert [each.text("a") for each in spec.nodes("k")] == ["b"]
    assert "found text, expected a mapping" in complaints(spec)[0]


def test_a_node_knows_its_keys() -> None:
    spec = node("{a: 1, b: 2}")
    assert "a" in spec
    assert list(spec) == ["a", "b"]


def test_paths_are_written_as_people_do() -> None:
    assert field_text(("spec", "http", 0, "route")) == "spec.http[0].route"
    assert field_text(()) == ""


@pytest.mark.parametrize(
    ("value", "name"),
    [(YamlMap(), "a mapping"), (YamlList(), "a sequence"), (1.5, "a number"), (None, "nothing"), (False, "a boolean")],
)
def test_types_are_named_in_the_words_of_yaml(value: object, name: str) -> None:
    assert type_name(value) == name
