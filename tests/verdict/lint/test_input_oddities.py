"""What was odd about reading the YAML is a finding too, with the resource that it is about."""

from __future__ import annotations

from analyzer.verdict.lint.input_oddities import find_input_oddities


def test_an_object_that_stands_twice_is_named(make, lint):
    found = lint(find_input_oddities, make.service("shop/cart"), make.service("shop/cart"))

    assert [(each.code.name, each.resource) for each in found] == [("mesh-duplicate", "Service shop/cart")]
    assert "Service shop/cart was already read" in found[0].sentence


def test_a_wrong_type_names_field_and_resource(make, lint):
    odd = make.service("shop/cart")
    odd["spec"]["selector"] = ["app"]

    found = lint(find_input_oddities, make.service("shop/pay"), odd)

    assert [each.resource for each in found] == ["Service shop/cart"]
    assert found[0].sentence == "Service shop/cart: spec.selector: found a sequence, expected a mapping"
    assert found[0].yaml[0].line == 3


def test_a_document_that_does_not_parse_has_a_place_and_no_resource(make, lint):
    found = lint(find_input_oddities, make.service("shop/cart"), "a: [")

    assert [(each.code.name, each.resource) for each in found] == [("yaml-syntax", "")]
    assert found[0].yaml


def test_a_clean_input_has_none(make, lint):
    assert lint(find_input_oddities, make.service("shop/cart")) == []
