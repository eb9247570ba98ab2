"""ServiceEntries and WorkloadEntries that admission refuses."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.validation.service_entry import check_service_entry, check_workload_entry

HTTP = {"number": 80, "name": "http", "protocol": "HTTP"}
TCP = {"number": 81, "name": "tcp", "protocol": "TCP"}


def entry(**spec):
    return {"hosts": ["a.com"], "ports": [HTTP], **spec}


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"hosts": ["*.a.com", "b.com"], "resolution": "NONE", "ports": [HTTP, TCP], "addresses": ["10.0.0.0/8"]},
        {"resolution": "STATIC", "endpoints": [{"address": "10.0.0.1", "ports": {"http": 8080}}]},
        {"resolution": "STATIC", "endpoints": [{"address": "unix:///a"}, {"network": "n"}]},
        {"resolution": "DNS", "endpoints": [{"address": "b.com"}], "hosts": ["*.a.com"]},
        {"resolution": "DNS", "exportTo": ["~"]},
        {"resolution": "DYNAMIC_DNS", "hosts": ["*.a.com"]},
        {"ports": [{"number": 80, "name": "x", "protocol": ""}]},
    ],
)
def test_ordinary_ones_are_taken(refusals, spec):
    assert refusals(check_service_entry, "ServiceEntry", **entry(**spec)) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"hosts": []}, "it has no hosts"),
        ({"hosts": ["*"]}, "host '*' is not allowed"),
        ({"addresses": ["x"]}, "'x' is no address or prefix"),
        (
            {"addresses": ["10.0.0.0/8"], "resolution": "DNS"},
            "a prefix needs resolution NONE or STATIC, not DNS",
        ),
        (
            {"workloadSelector": {}, "resolution": "STATIC", "endpoints": [{"address": "1.1.1.1"}]},
            "workloadSelector and endpoints exclude each other",
        ),
        ({"ports": [{**HTTP, "number": 0}]}, "port 0 is not in 1..65535"),
        ({"ports": [{**HTTP, "targetPort": 70000}]}, "port 70000 is not in 1..65535"),
        ({"ports": [{**HTTP, "name": "a_b"}]}, "port name 'a_b' is no valid name"),
        ({"ports": [HTTP, {**TCP, "name": "http"}]}, "port name http stands there twice"),
        ({"ports": [HTTP, {**TCP, "number": 80}]}, "port 80 stands there twice"),
        ({"ports": [{**HTTP, "protocol": "SMTP"}]}, "protocol 'SMTP' is not known"),
        (
            {"hosts": ["a.com", "b.com"], "ports": [TCP], "resolution": "DNS"},
            "several hosts need ports that are HTTP or TLS",
        ),
        ({"endpoints": [{"address": "1.1.1.1"}]}, "resolution NONE takes no endpoints"),
        ({"hosts": ["*.a.com"], "resolution": "DNS"}, "resolution DNS without endpoints needs full names, not *.a.com"),
        (
            {"resolution": "DNS_ROUND_ROBIN", "endpoints": [{"address": "b.com"}, {"address": "c.com"}]},
            "resolution DNS_ROUND_ROBIN takes one endpoint at most",
        ),
        ({"resolution": "DYNAMIC_DNS"}, "resolution DYNAMIC_DNS needs wildcard hosts"),
        (
            {"resolution": "DYNAMIC_DNS", "hosts": ["*.a.com"], "addresses": ["1.1.1.1"]},
            "resolution DYNAMIC_DNS takes no addresses",
        ),
        (
            {"resolution": "DYNAMIC_DNS", "hosts": ["*.a.com"], "ports": [TCP]},
            "protocol 'TCP' does not go with DYNAMIC_DNS",
        ),
        (
            {"resolution": "STATIC", "endpoints": [{"address": "b.com"}]},
            "endpoint address 'b.com' does not go with STATIC",
        ),
        (
            {"resolution": "STATIC", "endpoints": [{"address": "1.1.1.1", "ports": {"x": 1}}]},
            "an endpoint has a port x, which the entry does not have",
        ),
        (
            {"resolution": "STATIC", "endpoints": [{"address": "1.1.1.1", "ports": {"http": 0}}]},
            "port 0 is not in 1..65535",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(refusals, spec, expected: str):
    found = refusals(check_service_entry, "ServiceEntry", **entry(**spec))

    assert [each.partition(": ")[2] for each in found] == [expected]


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        ({"address": "10.0.0.1", "ports": {"http": 80}}, 0),
        ({"address": "vm.example.com"}, 0),
        ({"address": "unix:///a"}, 0),
        ({"network": "n"}, 0),
        ({}, 1),
        ({"address": "a b"}, 1),
        ({"address": "10.0.0.1", "ports": {"http": 0}}, 1),
    ],
)
def test_a_workload_entry_needs_an_address(refusals, spec, count: int):
    assert len(refusals(check_workload_entry, "WorkloadEntry", **spec)) == count
