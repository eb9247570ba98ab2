"""Headless Services whose ports behave otherwise than expected."""

from __future__ import annotations

from analyzer.verdict.lint.headless import find_headless


def headless(make, *ports, **selector: str):
    return make.service("shop/db", ports or [{"name": "tcp", "port": 5432}], ip="None", **(selector or {"app": "db"}))


def pods(make, *sidecars: bool):
    return [make.pod(f"shop/db-{n}", f"10.1.0.{n + 1}", sidecar=has, app="db") for n, has in enumerate(sidecars)]


def test_an_opaque_port_is_what_people_expect(make, codes):
    assert codes(find_headless, headless(make), *pods(make, True, True)) == []
    assert codes(find_headless, make.service("shop/db", [{"name": "http", "port": 80}])) == []


def test_an_http_port_is_matched_by_host_only(make, lint):
    http = headless(make, {"name": "http", "port": 80}, {"name": "grpc", "port": 81})

    found = lint(find_headless, http)

    assert [each.code.name for each in found] == ["headless-http"]
    assert "HTTP port 80 and 81: requests with a pod's address as Host pass by the Service" in found[0].sentence


def test_under_registry_only_such_requests_are_refused(make, lint):
    closed = make.mesh_config(outboundTrafficPolicy={"mode": "REGISTRY_ONLY"})

    assert "are answered 502" in lint(find_headless, closed, headless(make, {"name": "http", "port": 80}))[0].sentence


def test_an_undeclared_port_takes_any_host(make, codes):
    assert codes(find_headless, headless(make, {"name": "web", "port": 80})) == ["headless-any-host"]


def test_ports_are_not_translated(make, lint):
    differs = headless(make, {"name": "tcp", "port": 5432, "targetPort": 6432})

    found = lint(find_headless, differs)

    assert [each.code.name for each in found] == ["headless-port-differs"]
    assert "port 5432 is 6432 at the pods" in found[0].sentence


def test_a_named_target_is_looked_up_at_the_pods(make, codes):
    named = headless(make, {"name": "tcp", "port": 5432, "targetPort": "db"})
    pod = make.pod("shop/db-0", app="db")
    pod["spec"]["containers"][0]["ports"] = [{"name": "db", "containerPort": 5432, "protocol": "TCP"}]

    assert codes(find_headless, named, pod) == []
    pod["spec"]["containers"][0]["ports"][0]["containerPort"] = 6432
    assert codes(find_headless, named, pod) == ["headless-port-differs"]


def test_one_pod_without_a_sidecar_makes_all_plaintext(make, lint):
    found = lint(find_headless, headless(make), *pods(make, True, False))

    assert [each.code.name for each in found] == ["headless-mixed"]
    assert "shop/db-1 has no sidecar, so clients send plaintext to all 2 pods on port 5432" in found[0].sentence


def test_pods_that_are_all_alike_are_fine(make, codes):
    assert codes(find_headless, headless(make), *pods(make, False, False)) == []


def test_where_a_rule_or_the_mesh_decides_nothing_is_inferred(make, codes):
    rule = make.istio("DestinationRule", "shop/d", host="db", trafficPolicy={"tls": {"mode": "DISABLE"}})
    manual = make.mesh_config(enableAutoMtls=False)

    assert codes(find_headless, headless(make), *pods(make, True, False), rule) == []
    assert codes(find_headless, headless(make), *pods(make, True, False), manual) == []


def test_clients_start_mutual_tls_that_a_workload_turned_off(make, codes):
    selector = {"selector": {"matchLabels": {"app": "db"}}}
    off = make.policy("PeerAuthentication", "shop/p", mtls={"mode": "DISABLE"}, **selector)
    namespace = make.policy("PeerAuthentication", "shop/n", mtls={"mode": "DISABLE"})

    assert codes(find_headless, headless(make), *pods(make, True), off) == ["headless-mtls-disabled"]
    assert codes(find_headless, headless(make), *pods(make, True), off, namespace) == []
