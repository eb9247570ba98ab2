"""Namespaces that istiod does not watch."""

from __future__ import annotations

from analyzer.verdict.lint.hidden_namespaces import find_hidden_namespaces

SELECTING = {"discoverySelectors": [{"matchLabels": {"mesh": "in"}}]}


def test_istio_resources_and_sidecars_there_are_lost(make, lint):
    documents = [
        make.namespace("seen", mesh="in"),
        make.namespace("hidden"),
        make.virtual_service("hidden/r", ["a"], [make.rule("a")]),
        *(make.policy("AuthorizationPolicy", f"hidden/{name}") for name in "ab"),
        make.pod("hidden/p"),
        make.pod("seen/p"),
    ]

    found = lint(find_hidden_namespaces, *documents, make.mesh_config(**SELECTING))

    assert [(each.code.name, each.resource) for each in found] == [("hidden-namespace", "Namespace hidden")]
    assert found[0].sentence.endswith(
        "does not see 2 AuthorizationPolicies, 1 VirtualService and 1 pod with a sidecar there"
    )


def test_what_nobody_expects_in_the_mesh_may_be_hidden(make, codes):
    documents = make.namespace("hidden"), make.service("hidden/s"), make.pod("hidden/p", sidecar=False)

    assert codes(find_hidden_namespaces, *documents, make.mesh_config(**SELECTING)) == []


def test_without_selectors_everything_is_seen(make, codes):
    assert codes(find_hidden_namespaces, make.virtual_service("a/r", ["a"], [make.rule("a")])) == []


def test_of_a_namespace_that_the_input_lacks_nothing_is_said(make, codes):
    documents = make.pod("unknown/p"), make.mesh_config(**SELECTING)

    assert codes(find_hidden_namespaces, *documents) == []
