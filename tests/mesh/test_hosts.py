"""Host names as Istio compares and expands them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.mesh.hosts import (
    alternative_names,
    hosts_overlap,
    is_ip,
    is_subset,
    longest_first,
    most_specific,
    resolve_short_name,
)

HOSTS = st.sampled_from(["*", "*.com", "*.foo.com", "foo.com", "a.foo.com", "bar.com", "*.bar.com", "com"])


@pytest.mark.parametrize(
    ("a", "b", "overlap"),
    [
        ("foo.com", "foo.com", True),
        ("foo.com", "bar.com", False),
        ("*.com", "foo.com", True),
        ("bar.com", "*.com", True),
        ("*.foo.com", "foo.com", False),
        ("*", "foo.com", True),
        ("*", "*.com", True),
        ("*.com", "*.foo.com", True),
        ("*.foo.com", "*.bar.com", False),
    ],
)
def test_hosts_overlap_where_they_have_a_name_in_common(a: str, b: str, overlap: bool) -> None:
    assert hosts_overlap(a, b) is overlap


@pytest.mark.parametrize(
    ("a", "b", "subset"),
    [
        ("foo.com", "*.com", True),
        ("*.com", "foo.com", False),
        ("*.foo.com", "*.com", True),
        ("*.com", "*.foo.com", False),
        ("foo.com", "foo.com", True),
        ("*", "*.com", False),
    ],
)
def test_a_subset_is_covered_whole(a: str, b: str, subset: bool) -> None:
    assert is_subset(a, b) is subset


@settings(max_examples=100, deadline=None)
@given(HOSTS, HOSTS)
def test_a_subset_overlaps_and_overlap_has_no_direction(a: str, b: str) -> None:
    assert hosts_overlap(a, b) == hosts_overlap(b, a)
    assert not is_subset(a, b) or hosts_overlap(a, b)


@pytest.mark.parametrize(
    ("host", "value"),
    [
        ("a.foo.com", "foo"),
        ("foo.com", "exact"),
        ("x.com", "com"),
        ("*.foo.com", "foo"),
        ("*.z.com", "com"),
        ("org", None),
    ],
)
def test_the_most_specific_key_wins(host: str, value: str | None) -> None:
    assert most_specific(host, {"*.com": "com", "*.foo.com": "foo", "foo.com": "exact"}) == value


@pytest.mark.parametrize(
    ("host", "resolved"),
    [
        ("reviews", "reviews.shop.svc.cluster.local"),
        ("reviews.shop", "reviews.shop"),
        ("*", "*"),
        ("10.0.0.1", "10.0.0.1"),
        ("", ""),
        ("fd00::1", "fd00::1"),
    ],
)
def test_only_names_without_a_dot_are_resolved(host: str, resolved: str) -> None:
    assert resolve_short_name(host, "shop") == resolved


def test_a_service_of_the_own_namespace_is_known_by_its_bare_name() -> None:
    assert alternative_names("web.shop.svc.cluster.local", "shop") == [
        "web.shop.svc.cluster.local.",
        "web",
        "web.shop.svc",
        "web.shop",
    ]


def test_a_service_of_another_namespace_keeps_its_namespace() -> None:
    assert alternative_names("web.shop.svc.cluster.local", "pay") == [
        "web.shop.svc.cluster.local.",
        "web.shop",
        "web.shop.svc",
    ]


@pytest.mark.parametrize("host", ["api.example.com", "x.svc.cluster.local"])
def test_other_hosts_only_get_the_trailing_dot(host: str) -> None:
    assert alternative_names(host, "shop") == [f"{host}."]


def test_an_address_has_no_other_names() -> None:
    assert alternative_names("10.0.0.1", "shop") == []
    assert is_ip("10.0.0.1")
    assert not is_ip("web")


def test_hosts_are_ordered_longest_first() -> None:
    assert longest_first(["a", "ccc", "bb", "aa"]) == ["ccc", "aa", "bb", "a"]
