"""The checks that several kinds share."""

from __future__ import annotations

import pytest

from analyzer.base.place import YamlPlace
from analyzer.verdict.lint.validation.refusal import (
    check_export_to,
    check_host,
    check_port,
    check_regex,
    is_domain,
    is_full_name,
    is_label,
    is_subnet,
)

PLACE = YamlPlace("a.yaml", 1)


def test_labels_are_dns_labels():
    assert all(is_label(each) for each in ("a", "a-b", "A9", "a" * 63))
    assert not any(is_label(each) for each in ("", "-a", "a-", "a_b", "a" * 64, "ä"))


def test_only_the_first_label_of_a_domain_may_be_a_wildcard():
    assert all(is_domain(each) for each in ("a", "*", "*.a.com", "*a.com", "*-a.com", "a.com.", "cart"))
    assert not any(is_domain(each) for each in ("", "a.*.com", "a..com", "a b", "http://a", "a.com:80", "1.2.3.4"))
    assert not is_domain(f"{'a.' * 128}a")


def test_a_full_name_has_no_wildcard():
    assert is_full_name("a.com")
    assert not any(is_full_name(each) for each in ("*.com", "", "1.2.3.4", "."))


def test_subnets_are_addresses_or_prefixes():
    assert all(is_subnet(each) for each in ("10.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"))
    assert not any(is_subnet(each) for each in ("", "10.0.0", "10.0.0.0/33", "a"))


def test_hosts_may_be_addresses(resource):
    spec = resource("Sidecar", host="a b").spec

    assert list(check_host(spec, "host", host="10.0.0.1")) == []
    assert [each.what for each in check_host(spec, "host", host="a b")] == ["host 'a b' is no domain name"]
    assert [each.what for each in check_host(spec, "host", host="")] == ["a host is missing"]


@pytest.mark.parametrize(
    ("spec", "required", "expected"),
    [
        ({"n": 80}, True, []),
        ({}, False, []),
        ({}, True, ["a port number is missing"]),
        ({"n": 0}, True, ["port 0 is not in 1..65535"]),
        ({"n": 70000}, False, ["port 70000 is not in 1..65535"]),
    ],
)
def test_ports_are_in_range(resource, spec, required: bool, expected: list[str]):
    assert [each.what for each in check_port(resource("Sidecar", **spec).spec, "n", required=required)] == expected


def test_patterns_are_what_re2_takes():
    assert list(check_regex("/a.*", PLACE)) == []
    assert len(list(check_regex("", PLACE))) == 1
    assert len(list(check_regex("a(?=b)", PLACE))) == 1
    assert len(list(check_regex("a" * 1025, PLACE))) == 1


@pytest.mark.parametrize(
    ("entries", "nobody", "expected"),
    [
        (["*"], False, []),
        ([".", "pay"], False, []),
        (["~"], True, []),
        (["~"], False, ["exportTo ~ is only for ServiceEntries"]),
        ([".", "shop"], False, ["exportTo names shop twice"]),
        (["*", "pay"], False, ["exportTo * or ~ stands beside other entries"]),
        (["a_b"], False, ["exportTo 'a_b' is no namespace"]),
    ],
)
def test_exports_do_not_contradict_each_other(resource, entries, nobody: bool, expected: list[str]):
    spec = resource("Sidecar", exportTo=entries).spec

    assert [each.what for each in check_export_to(spec, "shop", nobody=nobody)] == expected
