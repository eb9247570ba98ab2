"""A gateway is judged by its own configuration where the input has it."""

from __future__ import annotations

import json

import pytest

from analyzer.mesh.load import parse_mesh
from analyzer.verdict.decide import decide
from analyzer.verdict.decision import Decision, LocalResponse
from analyzer.verdict.question import Question

ADMIN = "type.googleapis.com/envoy.admin.v3."
HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
RBAC = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"
WEB, DB = "outbound|80||web.shop.svc.cluster.local", "outbound|80||db.shop.svc.cluster.local"


def to(cluster: str, **action):
    return {"name": "r", "match": {"prefix": "/"}, "route": {"cluster": cluster, **action}}


def host(*routes, name="a.com:80", domains=("a.com",), **more):
    return {"name": name, "domains": list(domains), "routes": list(routes), **more}


def dump(*hosts, http_filters=()):
    """A dump of a gateway that listens on port 8080 and routes to these hosts."""
    manager = {"@type": HCM, "rds": {"route_config_name": "http.8080"}, "http_filters": list(http_filters)}
    socket = {"socket_address": {"address": "0.0.0.0", "port_value": 8080}}
    chains = [{"filters": [{"name": "hcm", "typed_config": manager}]}]
    listener = {"name": "0.0.0.0_8080", "address": socket, "filter_chains": chains}
    routes = {"name": "http.8080", "virtual_hosts": list(hosts)}
    found = [{"cluster": {"name": each, "type": "EDS"}} for each in (WEB, DB)]
    return {
        "configs": [
            {"@type": f"{ADMIN}BootstrapConfigDump", "bootstrap": {"node": {"id": "router~10.1.0.9~gw-0.edge~x"}}},
            {"@type": f"{ADMIN}ListenersConfigDump", "dynamic_listeners": [{"active_state": {"listener": listener}}]},
            {"@type": f"{ADMIN}RoutesConfigDump", "dynamic_route_configs": [{"route_config": routes}]},
            {"@type": f"{ADMIN}ClustersConfigDump", "dynamic_active_clusters": found},
        ]
    }


@pytest.fixture
def ask(town):
    """What becomes of a request for a.com at the gateway, with a dump beside the YAML or without the gateway's YAML."""
    town.pod("shop/web-0", "10.1.0.2").pod("shop/db-0", "10.1.0.3")
    town.service("shop/web", "10.9.0.1").service("shop/db", "10.9.0.2")

    def decided(*dumps, yaml: bool = True, port: int = 8080) -> Decision:
        if yaml:
            town.pod("edge/gw-0", "10.1.0.9", gateway=True)
            town.service("edge/gw", "10.9.0.9", ports=("http:80:8080",))
            server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
            town.rule("Gateway", "edge/gw", selector={"app": "gw"}, servers=[server])
            route = [{"destination": {"host": "web.shop.svc.cluster.local", "port": {"number": 80}}}]
            town.rule(
                "VirtualService", "edge/vs", gateways=["gw"], hosts=["a.com"], http=[{"name": "y", "route": route}]
            )
        mesh = parse_mesh("\n---\n".join([town.text, *map(json.dumps, dumps)]), file="mesh.yaml")
        question = Question("edge", "gw-0", direction="gateway", address="10.1.0.9", port=port, host="a.com")
        return decide(mesh, question)

    return decided


def differs(found: Decision) -> bool:
    return any(step.code == "dump-differs" for step in found.steps)


def test_the_dump_says_where_the_gateway_sends(ask) -> None:
    found = ask(dump(host(to(DB))), yaml=False)
    assert (found.gateway.cluster, found.gateway.virtual_host, found.inbound.pod) == (DB, "a.com:80", "shop/db-0")
    assert "judged by its own configuration" in found.steps[0].sentence


def test_a_yaml_that_says_the_same_is_no_difference(ask) -> None:
    assert not differs(ask(dump(host(to(WEB)))))


def test_a_yaml_that_says_otherwise_is_told(ask) -> None:
    found = ask(dump(host(to(DB))))
    assert (found.gateway.cluster, differs(found)) == (DB, True)


def test_a_host_that_only_takes_tls_redirects(ask) -> None:
    found = ask(dump(host(to(DB), require_tls="ALL")), yaml=False)
    assert (found.verdict, found.gateway.response) == ("service-matched", LocalResponse(301, None))


def test_a_host_that_the_gateway_does_not_have_is_answered_404(ask) -> None:
    found = ask(dump(host(to(DB), domains=("b.com",))), yaml=False)
    assert (found.verdict, found.reason) == ("dropped", "no-route")


def test_policies_are_those_of_the_dump(ask) -> None:
    policies = {"all": {"permissions": [{"any": True}], "principals": [{"any": True}]}}
    rules = {"@type": RBAC, "rules": {"action": "DENY", "policies": policies}}
    found = ask(
        dump(host(to(DB)), http_filters=[{"name": "envoy.filters.http.rbac", "typed_config": rules}]), yaml=False
    )
    assert (found.verdict, found.reason) == ("dropped", "authorization")


def test_what_is_not_modelled_leaves_the_call_open(ask) -> None:
    for found in (
        ask(dump(host(to(DB)), http_filters=[{"name": "envoy.filters.http.lua"}]), yaml=False),
        ask(dump(host({**to(DB), "route": {"cluster_header": "x"}})), yaml=False),
    ):
        assert (found.verdict, found.undetermined) == (None, ("dump-unmodelled",))


def test_a_port_that_the_gateway_does_not_listen_on_is_no_decision(ask) -> None:
    assert ask(dump(host(to(DB))), yaml=False, port=9).undetermined == ("no-listener",)
