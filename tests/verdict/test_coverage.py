"""What of a mesh recorded calls touch."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.base.fact import replace
from analyzer.base.place import YamlPlace
from analyzer.mesh.load import load_mesh, parse_mesh
from analyzer.pipeline import analyze_paths
from analyzer.verdict.coverage import HOST, POLICY, ROUTE, SUBSET, CoverageCount, count_coverage, cover
from analyzer.verdict.decision import Candidate, Decision, Outbound, Step, WeightedCluster

SHOP = Path(__file__).resolve().parents[2] / "captures" / "shop-strict"

YAML = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web]
  http:
  - name: first
    match: [{uri: {prefix: /a}}]
    route: [{destination: {host: web}}]
  - route:
    - destination: {host: web}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec:
  host: web
  subsets:
  - name: v1
  - name: v2
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: rules, namespace: shop}
spec:
  rules:
  - to: [{operation: {methods: [GET]}}]
  - to: [{operation: {methods: [PUT]}}]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  clusterIP: 10.9.0.1
  clusterIPs: [10.9.0.1]
  ports: [{name: http, port: 80}, {name: dns, port: 53, protocol: UDP}]
---
apiVersion: v1
kind: Service
metadata: {name: other, namespace: shop}
spec: {type: ExternalName, externalName: web.shop.svc.cluster.local, ports: [{name: http, port: 80}]}
"""


@pytest.fixture
def mesh():
    return parse_mesh(YAML, file="m.yaml")


@pytest.fixture(scope="module")
def call():
    capture = SHOP / "pods" / "legacy_naked-0.any.pcap"
    return analyze_paths([str(capture)]).calls[0]


def ends(call, *steps, **sides):
    return replace(call, decision=Decision("service-matched", "service", steps=steps, **sides))


def on(*lines, aside=False, lost=()):
    losers = tuple(Candidate("c", "why", (YamlPlace("m.yaml", line),)) for line in lost)
    return Step("s", yaml=tuple(YamlPlace("m.yaml", line) for line in lines), aside=aside, lost=losers)


def by_name(found, kind):
    return {each.name: (each.calls, each.considered) for each in found if each.kind == kind}


def test_everything_is_listed_though_nothing_is_touched(mesh) -> None:
    found = cover(mesh, [])

    assert [(each.kind, each.name, each.place.line) for each in found] == [
        (ROUTE, "VirtualService shop/web http[0] first", 7),
        (ROUTE, "VirtualService shop/web http[1]", 10),
        (HOST, "web.shop.svc.cluster.local:80", 37),
        (SUBSET, "web.shop.svc.cluster.local v1", 19),
        (SUBSET, "web.shop.svc.cluster.local v2", 20),
        (POLICY, "AuthorizationPolicy shop/rules rules[0]", 27),
        (POLICY, "AuthorizationPolicy shop/rules rules[1]", 28),
        (POLICY, "PeerAuthentication shop/default", 30),
    ]
    assert not any(each.touched for each in found)


def test_a_route_is_touched_by_decisions_that_stand_on_its_lines(mesh, call) -> None:
    found = cover(mesh, [ends(call, on(11, lost=(7,))), ends(call, on(9, aside=True))])

    assert by_name(found, ROUTE) == {
        "VirtualService shop/web http[0] first": (0, 2),
        "VirtualService shop/web http[1]": (1, 0),
    }


def test_lines_between_and_in_other_files_touch_nothing(mesh, call) -> None:
    elsewhere = Step("s", yaml=(YamlPlace("other.yaml", 7),))

    found = cover(mesh, [ends(call, on(3, 5, 6), elsewhere)])

    assert not any(each.touched for each in found)


def test_a_policy_without_rules_is_touched_as_a_whole(mesh, call) -> None:
    found = cover(mesh, [ends(call, on(28, 33))])

    assert by_name(found, POLICY) == {
        "AuthorizationPolicy shop/rules rules[0]": (0, 0),
        "AuthorizationPolicy shop/rules rules[1]": (1, 0),
        "PeerAuthentication shop/default": (1, 0),
    }


def test_clusters_touch_hosts_and_subsets_also_weighted_ones_and_at_gateways(mesh, call) -> None:
    host = "web.shop.svc.cluster.local"
    weighted = (WeightedCluster(f"outbound|80|v1|{host}", 1), WeightedCluster(f"outbound|80|v2|{host}", 0))
    calls = [
        ends(call, outbound=Outbound(clusters=weighted)),
        ends(call, outbound=Outbound(cluster="PassthroughCluster"), gateway=Outbound(cluster=f"outbound|80||{host}")),
        ends(call, gateway=Outbound(cluster=f"outbound_.80_.v1_.{host}"), outbound=Outbound()),
    ]

    found = cover(mesh, calls)

    assert by_name(found, SUBSET) == {f"{host} v1": (2, 0), f"{host} v2": (0, 0)}
    assert by_name(found, HOST) == {f"{host}:80": (3, 0)}


def test_a_pod_without_a_sidecar_touches_the_address_that_it_dials(mesh, call) -> None:
    server = replace(call.server, ip="10.9.0.1", port=80)

    found = cover(mesh, [replace(ends(call), server=server)])

    assert by_name(found, HOST) == {"web.shop.svc.cluster.local:80": (1, 0)}


def test_a_rule_for_many_hosts_has_the_subsets_of_all_of_them(call) -> None:
    mesh = parse_mesh(YAML.replace("  host: web\n", "  host: '*.example.com'\n"), file="m.yaml")

    found = cover(mesh, [ends(call, outbound=Outbound(cluster="outbound|80|v1|a.example.com"))])

    assert by_name(found, SUBSET) == {"*.example.com v1": (1, 0), "*.example.com v2": (0, 0)}


def test_the_sums_leave_out_what_there_is_nothing_of(mesh, call) -> None:
    found = [each for each in cover(mesh, [ends(call, on(11))]) if each.kind != HOST]

    assert count_coverage(found) == (
        CoverageCount(ROUTE, 1, 2),
        CoverageCount(SUBSET, 0, 2),
        CoverageCount(POLICY, 0, 3),
    )


def test_the_recorded_shop_takes_every_route() -> None:
    mesh = load_mesh([SHOP / "mesh"])

    counts = count_coverage(cover(mesh, analyze_paths([str(SHOP / "pods")], mesh).calls))

    assert {each.kind: each.touched for each in counts if each.kind != HOST} == {ROUTE: 6, SUBSET: 2, POLICY: 1}
