"""VirtualServices that admission refuses."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.validation.virtual_service import check_virtual_service

ROUTE = [{"destination": {"host": "cart"}}]
RULE = {"route": ROUTE}
KIND = "VirtualService"


def test_an_ordinary_one_is_taken(refusals):
    every = {
        "match": [
            {
                "uri": {"prefix": ""}, "method": {"exact": "GET"}, "headers": {"x": {"regex": "a+"}, "y": {}},
                "withoutHeaders": {"z": {"regex": "*"}}, "port": 80, "sourceNamespace": "pay",
            }
        ],
        "route": [
            {"destination": {"host": "cart", "subset": "v1", "port": {"number": 80}}, "weight": 90},
            {"destination": {"host": "cart.pay.svc.cluster.local"}, "weight": 10},
        ],
        "fault": {"abort": {"httpStatus": 503, "percentage": {"value": 1.5}}},
        "rewrite": {"uri": "/x"},
        "mirror": {"host": "copy"},
    }  # fmt: skip
    rules = [every, {"redirect": {"uri": "/x"}}, {"directResponse": {"status": 200}}, {"delegate": {"name": "leaf"}}]

    assert refusals(check_virtual_service, KIND, hosts=["cart", "10.0.0.1"], http=rules) == []


def test_a_delegate_has_http_rules_only(refusals):
    assert refusals(check_virtual_service, KIND, http=[RULE]) == []
    found = refusals(check_virtual_service, KIND, gateways=["a/b"], tls=[], tcp=[RULE], http=[{"delegate": {}, **RULE}])
    assert [each.partition(":")[0] for each in found] == ["spec.gateways", "spec.tcp", "spec.http[0].delegate"]


def test_something_must_be_routed(refusals):
    assert refusals(check_virtual_service, KIND, hosts=["cart"]) == ["spec: it has neither http nor tls nor tcp rules"]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"hosts": ["*"]}, ["spec.hosts[0]"]),
        ({"hosts": ["*"], "gateways": ["mesh", "a/b"]}, ["spec.hosts[0]"]),
        ({"hosts": ["*"], "gateways": ["a/b"]}, []),
        ({"hosts": ["a b"]}, ["spec.hosts[0]"]),
        ({"hosts": ["*.com", "a.com"]}, ["spec.hosts[1]"]),
        ({"hosts": ["a.com", "b.com"]}, []),
        ({"hosts": ["outbound_.80_._.a.com"], "gateways": ["a/b"]}, []),
    ],
)
def test_hosts_are_domains_that_do_not_overlap(refusals, spec, expected: list[str]):
    found = refusals(check_virtual_service, KIND, http=[RULE], **spec)

    assert [each.partition(":")[0] for each in found] == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, "a rule needs route, redirect or directResponse"),
        ({"redirect": {"uri": "/"}, **RULE}, "a rule has both redirect and route"),
        ({"redirect": {"uri": "/"}, "fault": {"delay": {}}}, "a rule has both redirect and fault"),
        ({"directResponse": {"status": 200}, "rewrite": {"uri": "/"}}, "a rule has both directResponse and rewrite"),
        ({"delegate": {"name": "x"}, **RULE}, "a rule that delegates must have no route"),
        ({**RULE, "mirror": {"host": "a"}, "mirrors": [{}]}, "a rule has both mirror and mirrors"),
        ({"redirect": {"redirectCode": 301}}, "a redirect changes nothing"),
        ({"redirect": {"uri": "/", "redirectCode": 200}}, "redirectCode 200 is not 3xx"),
        ({"redirect": {"scheme": "ftp"}}, "redirect scheme 'ftp' is not http or https"),
        ({"directResponse": {"status": 99}}, "HTTP status 99 is not in 200..599"),
        ({**RULE, "fault": {}}, "a fault needs abort or delay"),
        ({**RULE, "fault": {"abort": {"httpStatus": 700}}}, "HTTP status 700 is not in 200..599"),
        ({**RULE, "fault": {"delay": {"percentage": {"value": 101}}}}, "delay percentage 101 is not in 0..100"),
        ({**RULE, "rewrite": {}}, "a rewrite needs uri, uriRegexRewrite or authority"),
        ({**RULE, "match": [{"uri": {"regex": "("}}]}, "regex '(' is none that RE2 can read"),
        ({**RULE, "match": [{"method": {"prefix": ""}}]}, "a prefix is empty"),
        ({**RULE, "match": [{"headers": {"x": {"prefix": ""}}}]}, "a prefix is empty"),
        ({**RULE, "match": [{"port": 70000}]}, "port 70000 is not in 1..65535"),
        ({**RULE, "match": [{"sourceNamespace": "a_b"}]}, "sourceNamespace 'a_b' is no namespace"),
        ({"route": [{"weight": 1}]}, "a route has no destination"),
        ({"route": [{"destination": {"host": "*"}}]}, "destination host '*' is no domain name"),
        ({"route": [{"destination": {"host": "a", "subset": "a_b"}}]}, "subset 'a_b' is no valid name"),
        ({"route": [{"destination": {"host": "a", "port": {}}}]}, "a port number is missing"),
        ({"route": [{**ROUTE[0], "weight": -1}]}, "weight -1 is negative"),
        ({"route": [ROUTE[0], ROUTE[0]]}, "the weights of all destinations are 0"),
        ({**RULE, "mirror": {"host": ""}}, "destination host '' is no domain name"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(refusals, rule, expected: str):
    found = refusals(check_virtual_service, KIND, hosts=["cart"], http=[rule])

    assert [each.partition(": ")[2] for each in found] == [expected]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"match": [{"sniHosts": ["a.com"]}], **RULE}, []),
        (
            {"match": [{"sniHosts": ["b.com"]}], **RULE},
            ["server name b.com is not covered by the VirtualService's hosts"],
        ),
        ({"match": [{}], **RULE}, ["a tls match needs sniHosts"]),
        (RULE, ["a tls rule needs a match"]),
        ({"match": [{"sniHosts": ["a.com"]}]}, ["a rule needs a route"]),
    ],
)
def test_tls_rules_need_names_that_the_hosts_cover(refusals, rule, expected: list[str]):
    found = refusals(check_virtual_service, KIND, hosts=["a.com"], tls=[rule])

    assert [each.partition(": ")[2] for each in found] == expected


def test_subnets_of_opaque_rules_are_checked(refusals):
    rule = {"match": [{"destinationSubnets": ["10.0.0.0/8", "x"], "port": 80}], **RULE}

    assert refusals(check_virtual_service, KIND, hosts=["a.com"], tcp=[rule]) == [
        "spec.tcp[0].match[0].destinationSubnets[1]: 'x' is no address or prefix"
    ]
