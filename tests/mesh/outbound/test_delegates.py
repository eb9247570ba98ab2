"""Delegated rules merged into their roots."""

from __future__ import annotations

import pytest

from analyzer.mesh.kinds.virtual_service import VirtualService
from analyzer.mesh.outbound.delegates import merge_delegates

DELEGATE = {"name": "d", "namespace": "shop"}


def merged(town, root: dict, *leaves: dict):
    town.rule("VirtualService", "shop/root", hosts=["web"], http=[{"delegate": DELEGATE, **root}])
    town.rule("VirtualService", "shop/d", http=list(leaves))
    found = {each.name: each for each in town.mesh().of(VirtualService)}
    return merge_delegates(found["root"], {found["d"].key: found["d"]}, {found["d"].key: True}).http


def test_rules_take_the_names_of_both(town) -> None:
    assert [rule.name for rule in merged(town, {"name": "r"}, {"name": "l"}, {})] == ["r-l", "r"]


def test_a_root_without_name_leaves_that_of_the_leaf(town) -> None:
    assert [rule.name for rule in merged(town, {}, {"name": "l"})] == ["l"]


def test_rules_that_do_not_delegate_stay(town) -> None:
    town.rule("VirtualService", "shop/root", hosts=["web"], http=[{"name": "own"}])
    root = town.mesh().of(VirtualService)[0]
    assert merge_delegates(root, {}, {}).http == root.http


def test_a_missing_or_hidden_delegate_drops_the_rule(town) -> None:
    town.rule("VirtualService", "shop/root", hosts=["web"], http=[{"delegate": DELEGATE}])
    root = town.mesh().of(VirtualService)[0]
    assert merge_delegates(root, {}, {}).http == ()
    assert merge_delegates(root, {("shop", "d"): root}, {("shop", "d"): False}).http == ()


def test_what_the_leaf_does_not_set_comes_from_the_root(town) -> None:
    root = {"rewrite": {"uri": "/r"}, "headers": {"request": {"set": {"a": "r"}}}, "retries": {"attempts": 0}}
    (rule,) = merged(town, root, {"headers": {"request": {"set": {"a": "l"}}}})
    assert rule.rewrite.uri == "/r"
    assert rule.headers.set == (("a", "l"),)
    assert rule.retries == 0


def test_every_pair_of_matches_that_agrees_is_kept(town) -> None:
    root = {"match": [{"name": "a", "uri": {"prefix": "/a"}}, {"uri": {"prefix": "/b"}}]}
    (rule,) = merged(town, root, {"match": [{"name": "x", "uri": {"exact": "/a/x"}, "port": 80}]})
    assert [(match.name, match.uri.value, match.port) for match in rule.matches] == [("a-x", "/a/x", 80)]


def test_a_side_without_matches_takes_those_of_the_other(town) -> None:
    assert merged(town, {"match": [{"port": 80}]}, {})[0].matches[0].port == 80
    assert merged(town, {}, {"match": [{"port": 81}]})[0].matches[0].port == 81


def test_conditions_of_both_are_joined(town) -> None:
    root = {
        "match": [
            {
                "headers": {"a": {"exact": "1"}},
                "sourceLabels": {"l": "1"},
                "gateways": ["mesh", "gw"],
                "method": {"exact": "GET"},
            }
        ]
    }
    leaf = {"match": [{"headers": {"b": {"exact": "2"}}, "queryParams": {"q": {}}, "gateways": ["mesh"]}]}
    (match,) = merged(town, root, leaf)[0].matches
    assert [name for name, _ in match.headers] == ["a", "b"]
    assert (match.method.value, match.source_labels, match.gateways) == ("GET", {"l": "1"}, ("mesh",))


@pytest.mark.parametrize(
    ("root", "leaf"),
    [
        ({"uri": {"prefix": "/a"}}, {"uri": {"prefix": "/b"}}),
        ({"uri": {"exact": "/a"}}, {"uri": {"prefix": "/a"}}),
        ({"uri": {"exact": "/a"}}, {"uri": {"exact": "/b"}}),
        ({"uri": {"regex": "/a"}}, {"uri": {"exact": "/a"}}),
        ({"uri": {"prefix": "/a"}}, {"uri": {"regex": "/a"}}),
        ({"uri": {}}, {"uri": {"exact": "/a"}}),
        ({"headers": {"h": {"exact": "1"}}}, {"headers": {"h": {"exact": "2"}}}),
        ({"withoutHeaders": {"h": {"exact": "1"}}}, {"withoutHeaders": {"h": {"exact": "2"}}}),
        ({"queryParams": {"q": {"exact": "1"}}}, {"queryParams": {"q": {"exact": "2"}}}),
        ({"ignoreUriCase": True}, {"port": 80}),
        ({"port": 80}, {"port": 81}),
        ({"sourceNamespace": "a"}, {"port": 80}),
        ({"sourceLabels": {"l": "1"}}, {"sourceLabels": {"l": "2"}}),
        ({"gateways": ["mesh"]}, {"gateways": ["gw"]}),
        ({"gateways": ["mesh"]}, {"gateways": ["mesh", "gw"]}),
    ],
)
def test_a_leaf_that_conflicts_with_its_root_is_dropped(town, root: dict, leaf: dict) -> None:
    assert list(merged(town, {"match": [root]}, {"match": [leaf]})) == []


@pytest.mark.parametrize(
    ("root", "leaf"),
    [
        ({"uri": {"prefix": "/a"}}, {"uri": {"prefix": "/a/b"}}),
        ({"uri": {"exact": "/a"}}, {"uri": {"exact": "/a"}}),
        ({"sourceNamespace": "a"}, {"sourceNamespace": "a"}),
        ({"uri": {"regex": "/a"}}, {"port": 80}),
    ],
)
def test_a_leaf_inside_its_root_is_kept(town, root: dict, leaf: dict) -> None:
    assert len(merged(town, {"match": [root]}, {"match": [leaf]})) == 1


def test_a_leaf_without_mirrors_takes_those_of_the_root(town) -> None:
    (rule,) = merged(town, {"mirror": {"host": "copy"}}, {})
    assert [each.host for each in rule.mirrors] == ["copy.shop.svc.cluster.local"]


def test_a_fault_of_the_leaf_stands_for_all_of_the_roots(town) -> None:
    """mergeHTTPRoute takes the whole fault of either, not its parts (virtualservice.go)."""
    root = {"fault": {"abort": {"httpStatus": 418, "percentage": {"value": 100}}}}
    delayed, plain = merged(town, root, {"fault": {"delay": {"fixedDelay": "1s"}}}, {})
    assert (delayed.abort, plain.abort.status) == (None, 418)


def test_the_cors_policy_of_the_root_is_for_leaves_without_one(town) -> None:
    """mergeHTTPRoute (virtualservice.go)."""
    root = {"corsPolicy": {"allowOrigins": [{"exact": "r"}]}}
    own, plain = merged(town, root, {"corsPolicy": {"allowOrigins": [{"exact": "l"}]}}, {})
    assert [each.cors.origins[0].value for each in (own, plain)] == ["l", "r"]
