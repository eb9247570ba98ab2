"""What istiod tells a sidecar, asked piece by piece."""

from __future__ import annotations

import pytest

from analyzer.mesh.outbound.cluster import Cluster, NoCluster
from analyzer.mesh.outbound.told import Told, told_by_istiod
from analyzer.mesh.proxy import proxy_of


@pytest.fixture
def told(town):
    def tell(**settings) -> Told:
        town.pod("shop/sleep-0", "10.1.0.1").pod("shop/web-0", "10.1.0.2").service("shop/web", "10.9.0.1")
        if settings:
            town.settings(**settings)
        mesh = town.mesh()
        return told_by_istiod(mesh, proxy_of(mesh, mesh.pod("shop", "sleep-0")))

    return tell


def test_a_connection_has_the_listener_of_its_address_and_port(told) -> None:
    assert told().listener_at("10.9.0.1", 80).name == "0.0.0.0_80"
    assert told().listener_at("10.9.0.1", 81).name == "virtualOutbound"


def test_an_http_chain_has_the_routes_of_its_port(told) -> None:
    found = told(pathNormalization={"normalization": "MERGE_SLASHES"})
    (chain,) = found.listener_at("10.9.0.1", 80).chains

    routes = found.routes(chain)

    assert (routes.config.name, routes.path_normalization, routes.http10) == ("80", "MERGE_SLASHES", False)


def test_a_cluster_is_found_by_its_name(told) -> None:
    found = told()

    assert isinstance(found.cluster("outbound|80||web.shop.svc.cluster.local"), Cluster)
    assert isinstance(found.cluster("outbound|80||db.shop.svc.cluster.local"), NoCluster)


@pytest.mark.parametrize(
    ("mode", "cluster"), [("ALLOW_ANY", "PassthroughCluster"), ("REGISTRY_ONLY", "BlackHoleCluster")]
)
def test_the_policy_says_where_unmatched_connections_go(told, mode, cluster) -> None:
    assert told(outboundTrafficPolicy={"mode": mode}).fallback == cluster


def test_a_sidecar_resource_is_named_with_its_line(town, told) -> None:
    assert "has no Sidecar" in told().sentence

    town.rule("Sidecar", "shop/small", egress=[{"hosts": ["./*"]}])

    assert "Sidecar shop/small says what sleep-0 is told of" in told().sentence
    assert told().yaml
